import { path } from '../../http/path.ts';
import { isObject, type Json, type JsonObject } from '../../model/json.ts';
import type {
  HttpAnswer,
  ProbeVerdict,
  ReadOperation,
  RequestContext,
  WriteOperation,
  WriteVerdict,
} from '../../model/operation.ts';
import { bodyOf } from '../json-body.ts';
import { getSpec, recordRef, refuse, textOrNull, versionPath, writeSpec } from './client.ts';
import { placePath } from './links.ts';
import { isoTime } from './odata.ts';
import { type NextInput, readError, rowsOfPage, unreadable } from './reads.ts';
import { leastSettleMs, saysAbsent, writeFailure } from './writes.ts';

/** One subscription as our operations return it; never with its client state. */
export type Subscription = {
  readonly id: string;
  readonly resource: string;
  readonly changeType: string;
  readonly notificationUrl: string;
  readonly lifecycleNotificationUrl: string | null;
  readonly expiresAt: string;
};

export type SubscribeInput = {
  /** `users/<id>/messages`, `users/<id>/mailFolders('inbox')/messages`, `users/<id>/events` or `users`. */
  readonly resource: string;
  /** Any of `created`, `updated`, `deleted`, joined by commas. */
  readonly changeType: string;
  readonly notificationUrl: string;
  readonly lifecycleNotificationUrl: string;
  /** ISO, UTC: at most {@link longestSubscriptionMs} ahead. */
  readonly expiresAt: string;
};
export type RenewInput = { readonly id: string; readonly expiresAt: string };
export type UnsubscribeInput = { readonly id: string };

/**
 * What making a subscription must know beside every other request: the secret of the channel, which notifications carry as
 * `clientState`. It comes with the request and is frozen with no action.
 */
export type SubscribeContext = RequestContext & { readonly clientState?: string };

/** How long Graph keeps a subscription, milliseconds, by what it is of. */
export const longestSubscriptionMs = { mailbox: 4230 * 60_000, users: 41_760 * 60_000 } as const;

const scopes = ['Mail.Read', 'Calendars.Read', 'User.Read.All'];
const named = (verb: string) => ({ id: `graph.subscriptions.${verb}`, connector: 'graph', scopes });
const at = (context: RequestContext, id?: string) =>
  `${versionPath(context)}/subscriptions${id === undefined ? '' : path`/${id}`}`;

function subscriptionOf(value: Json | undefined): Subscription | null {
  if (!isObject(value)) return null;
  const { id, resource, changeType, notificationUrl, expirationDateTime } = value;
  const texts = [id, resource, changeType, notificationUrl, expirationDateTime];
  if (!texts.every((text) => typeof text === 'string' && text !== '')) return null;
  const [first = '', second = '', third = '', fourth = '', fifth = ''] = texts as readonly string[];
  return {
    ...{ id: first, resource: second, changeType: third, notificationUrl: fourth },
    lifecycleNotificationUrl: textOrNull(value.lifecycleNotificationUrl),
    expiresAt: fifth,
  };
}

/** Lists the subscriptions of this application: data is `{ results, total, after }`. */
export function subscriptionListOperation(): ReadOperation<JsonObject | NextInput> {
  return {
    kind: 'read',
    ...named('list'),
    request: (context, input) =>
      getSpec(typeof input.after === 'string' ? placePath(context, input.after, 'subscriptions') : at(context)),
    judge: (answer) => {
      const page = listed(answer);
      if ('class' in page) return { kind: 'error', error: page };
      return { kind: 'ok', data: { results: page.results, total: null, after: page.after } };
    },
  };
}

function listed(answer: HttpAnswer) {
  const page = rowsOfPage(answer, 'subscriptions');
  if ('class' in page) return page;
  const results = page.rows.map((row) => subscriptionOf(row));
  if (results.includes(null)) return unreadable('a page of subscriptions');
  return { results: results.filter((one) => one !== null), after: page.after };
}

/** The same subscription to Graph and to us: of one resource, to one address. */
function sameAs({ resource, notificationUrl, changeType }: SubscribeInput) {
  const plain = (text: string) => text.replace(/^\//, '').toLowerCase();
  const sorted = (text: string) => text.split(',').sort().join(',');
  return (one: Subscription) =>
    plain(one.resource) === plain(resource) &&
    one.notificationUrl === notificationUrl &&
    sorted(one.changeType) === sorted(changeType);
}

const resourceForm =
  /^\/?users(\/[A-Za-z0-9@._=-]{2,512}\/(messages|events|mailFolders(\/|\(')[A-Za-z0-9_=-]{2,512}('\))?\/messages))?$/i;

function subscribeBody(input: SubscribeInput, clientState: string | undefined): Json {
  const { resource, changeType, notificationUrl, lifecycleNotificationUrl, expiresAt } = input;
  if (!resourceForm.test(resource))
    refuse('a resource is none that can be subscribed to here', 'Name messages, events or users.');
  if (!/^(created|updated|deleted)(,(created|updated|deleted)){0,2}$/.test(changeType)) {
    refuse('a change type is none of Graph', 'Give created, updated, deleted, joined by commas.');
  }
  for (const url of [notificationUrl, lifecycleNotificationUrl]) {
    if (!URL.canParse(url) || new URL(url).protocol !== 'https:')
      refuse('an address is not https', 'Give the public address.');
  }
  if (clientState === undefined || !/^[!-~]{16,128}$/.test(clientState)) {
    refuse(
      'the secret of the channel is not at hand or no client state',
      'Store 16 to 128 printable characters as it.',
    );
  }
  return {
    resource,
    changeType,
    notificationUrl,
    lifecycleNotificationUrl,
    clientState,
    expirationDateTime: isoTime(expiresAt),
  };
}

/**
 * Subscribes an address of ours to the changes of a resource. Graph asks both addresses at once whether they are ours. Found again
 * by what it is of and where it goes. Throws `invalid_input` without the secret of the channel in the context.
 * @see https://learn.microsoft.com/en-us/graph/api/subscription-post-subscriptions
 */
export function subscribeOperation(): WriteOperation<SubscribeInput> {
  return {
    kind: 'write',
    ...named('create'),
    effect: 'create',
    resend: { kind: 'probe', settleMs: leastSettleMs },
    undo: { kind: 'operation', operation: 'graph.subscriptions.delete', how: 'Ends the subscription.' },
    request: (context: SubscribeContext, input) =>
      writeSpec('POST', at(context), subscribeBody(input, context.clientState), { prefer: 'IdType="ImmutableId"' }),
    judge: (answer) => written(answer, 201),
    probe: {
      request: (context) => getSpec(at(context)),
      judge: (answer, input): ProbeVerdict => {
        const page = listed(answer);
        if ('class' in page) return { kind: 'inconclusive', error: page };
        const same = page.results.find(sameAs(input));
        if (same) return { kind: 'equal', data: same, records: [recordRef('subscription', same.id)] };
        const error = { ...unreadable('a complete list'), code: 'incomplete_result' };
        return page.after === null ? { kind: 'absent' } : { kind: 'inconclusive', error };
      },
    },
  };
}

function written(answer: HttpAnswer, status: number): WriteVerdict {
  if (answer.status !== status) return writeFailure(answer);
  const one = subscriptionOf(bodyOf(answer) ?? undefined);
  if (!one) return { kind: 'unknown', error: { ...unreadable('a subscription'), class: 'unknown_outcome' } };
  const created = status === 201 ? { created: true } : {};
  return { kind: 'applied', data: one, records: [recordRef('subscription', one.id)], ...created };
}

const readSubscription = {
  request: (context: RequestContext, { id }: UnsubscribeInput) => getSpec(at(context, id)),
  one: (answer: HttpAnswer) => {
    if (answer.status !== 200) return readError(answer).error;
    return subscriptionOf(bodyOf(answer) ?? undefined) ?? unreadable('a subscription');
  },
};

/** Renews a subscription, which also authorizes it again. */
export function renewOperation(): WriteOperation<RenewInput> {
  return {
    kind: 'write',
    ...named('renew'),
    effect: 'update',
    resend: { kind: 'upsert', settleMs: leastSettleMs },
    undo: { kind: 'none', why: 'A shorter life is of no use to anybody; delete the subscription instead.' },
    request: (context, { id, expiresAt }) =>
      writeSpec('PATCH', at(context, id), { expirationDateTime: isoTime(expiresAt) }),
    judge: (answer) => written(answer, 200),
    probe: {
      request: (context, { id }) => readSubscription.request(context, { id }),
      judge: (answer, { id, expiresAt }): ProbeVerdict => {
        if (saysAbsent(answer)) return { kind: 'different', data: null };
        const read = readSubscription.one(answer);
        if ('class' in read) return { kind: 'inconclusive', error: read };
        // A later end than the wanted one comes of a later renewal.
        const renewed = Date.parse(read.expiresAt) >= Date.parse(expiresAt);
        return renewed ? { kind: 'equal', data: read, records: [recordRef('subscription', id)] } : { kind: 'before' };
      },
    },
  };
}

/** Ends a subscription. */
export function unsubscribeOperation(): WriteOperation<UnsubscribeInput> {
  const gone = (id: string) => ({ data: { id, deleted: true }, records: [recordRef('subscription', id)] });
  return {
    kind: 'write',
    ...named('delete'),
    effect: 'delete',
    resend: { kind: 'upsert', settleMs: leastSettleMs },
    undo: { kind: 'none', why: 'A new subscription has a new id, and what happened meanwhile is to be read again.' },
    request: (context, { id }) => writeSpec('DELETE', at(context, id)),
    judge: (answer, { id }) => (answer.status === 204 ? { kind: 'applied', ...gone(id) } : writeFailure(answer)),
    probe: {
      request: readSubscription.request,
      judge: (answer, { id }): ProbeVerdict => {
        if (saysAbsent(answer)) return { kind: 'equal', ...gone(id) };
        const read = readSubscription.one(answer);
        return 'class' in read ? { kind: 'inconclusive', error: read } : { kind: 'before' };
      },
    },
  };
}
