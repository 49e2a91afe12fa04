import { isObject, type Json } from '../../model/json.ts';
import type {
  Classified,
  HttpAnswer,
  Operation,
  ReadOperation,
  ReadVerdict,
  WriteOperation,
} from '../../model/operation.ts';
import type { StandingDelivery, StandingEndpoint } from '../endpoint-keeper.ts';
import { bodyOf, type HookHolder, hooksPath, nextPage, type PageParam, pageQuery, specOf } from './client.ts';
import { githubFailure } from './errors.ts';

export type HooksInput = { readonly holder: HookHolder; readonly after?: string };
export type DeliveriesInput = HooksInput & { readonly hook: string };
export type RedeliverInput = { readonly holder: HookHolder; readonly hook: string; readonly delivery: string };

const named = (id: string, right: 'read' | 'write') => ({
  ...{ id: `github.${id}`, connector: 'github', scopes: [`webhooks:${right}`] },
});

const unreadable = (what: string): Classified => ({
  class: 'transient',
  code: 'unreadable_answer',
  message: `GitHub's answer is not ${what}.`,
});

function pageOf<T extends Json>(
  answer: HttpAnswer,
  on: { readonly at: string; readonly by: PageParam; readonly what: string },
  rowOf: (row: Json) => T | null,
): ReadVerdict {
  if (answer.status !== 200) {
    const { error } = githubFailure(answer);
    return { kind: 'error', error: error.class === 'unknown_outcome' ? { ...error, class: 'transient' } : error };
  }
  const body = bodyOf(answer);
  const rows = Array.isArray(body) ? (body as readonly Json[]).map(rowOf) : null;
  // One row that cannot be read would be left out silently.
  if (rows === null || rows.includes(null)) return { kind: 'error', error: unreadable(on.what) };
  const next = nextPage(answer, on.at, on.by);
  if (next === 'refused') {
    const message = 'The next page that was named is not one of this list.';
    return { kind: 'error', error: { class: 'schema', code: 'next_page_refused', message } };
  }
  return { kind: 'ok', data: { results: rows as readonly Json[], total: null, after: next.after } };
}

function hookOf(row: Json): StandingEndpoint | null {
  const config = isObject(row) && isObject(row.config) ? row.config : null;
  if (!isObject(row) || typeof row.id !== 'string' || typeof row.active !== 'boolean') return null;
  return { id: row.id, url: typeof config?.url === 'string' ? config.url : '', enabled: row.active };
}

function deliveryOf(row: Json): StandingDelivery | null {
  if (!isObject(row)) return null;
  const { id, guid, redelivery, status_code: code } = row;
  const atMs = typeof row.delivered_at === 'string' ? Date.parse(row.delivered_at) : Number.NaN;
  if (typeof id !== 'string' || typeof guid !== 'string' || guid === '' || typeof redelivery !== 'boolean') return null;
  if (Number.isNaN(atMs) || typeof code !== 'number') return null;
  return { id, guid: guid.slice(0, 64), atMs, redelivery, ok: code >= 200 && code < 300 };
}

/** Lists the webhooks of a repository or an organization. @see https://docs.github.com/en/rest/repos/webhooks#list-repository-webhooks */
export const listHooks: ReadOperation<HooksInput> = {
  kind: 'read',
  ...named('hooks.list', 'read'),
  request: (context, { holder, after }) => specOf(context, 'GET', hooksPath(holder), pageQuery('page', after)),
  judge: (answer, { holder }) =>
    pageOf(answer, { at: hooksPath(holder), by: 'page', what: 'a page of webhooks' }, hookOf),
};

/**
 * Lists the attempts to deliver to one webhook, newest first, of the last three days.
 * @see https://docs.github.com/en/rest/repos/webhooks#list-deliveries-for-a-repository-webhook
 */
export const listDeliveries: ReadOperation<DeliveriesInput> = {
  kind: 'read',
  ...named('deliveries.list', 'read'),
  request: (context, { holder, hook, after }) =>
    specOf(context, 'GET', hooksPath(holder, hook), pageQuery('cursor', after)),
  judge: (answer, { holder, hook }) =>
    pageOf(answer, { at: hooksPath(holder, hook), by: 'cursor', what: 'a page of deliveries' }, deliveryOf),
};

/**
 * Has GitHub deliver an event once more, under the same guid. A second time is harmless: an event is known by its content.
 * @see https://docs.github.com/en/rest/repos/webhooks#redeliver-a-delivery-for-a-repository-webhook
 */
export const redeliver: WriteOperation<RedeliverInput> = {
  kind: 'write',
  ...named('deliveries.redeliver', 'write'),
  effect: 'send',
  resend: { kind: 'none' },
  undo: { kind: 'none', why: 'What was delivered to this house stays here; nothing changes at GitHub.' },
  request: (context, { holder, hook, delivery }) => specOf(context, 'POST', hooksPath(holder, hook, delivery)),
  judge(answer) {
    if (answer.status === 202) return { kind: 'applied', data: {}, records: [] };
    const { error, notApplied } = githubFailure(answer);
    return notApplied ? { kind: 'not_applied', error } : { kind: 'unknown', error };
  },
};

const all: readonly { readonly id: string }[] = [listHooks, listDeliveries, redeliver];

/** Every operation of this connector by id, such as `github.deliveries.redeliver`. */
export const operations: ReadonlyMap<string, Operation> = new Map(
  all.map((operation) => [operation.id, operation as unknown as Operation]),
);

/** One operation by id, or null where this connector has none of that name. */
export function operationById(id: string): Operation | null {
  return operations.get(id) ?? null;
}
