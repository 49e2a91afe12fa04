import type { PlumblineConfig } from '../config/schema.ts';
import type { Sender } from '../connectors/sender.ts';
import type {
  StandingSubscription,
  SubscriptionKeeper,
  WantedSubscription,
} from '../connectors/subscription-keeper.ts';
import { type NoticeDeps, notify } from '../ledger/notices.ts';
import { operationEntry } from '../ledger/operations.ts';
import type { CaseStore } from '../ledger/ports.ts';
import type { CaseOpening } from '../model/case.ts';
import type { Random } from '../model/clock.ts';
import { PlumblineError } from '../model/errors.ts';
import { newId } from '../model/ids.ts';
import type { Operation } from '../model/operation.ts';
import type { EventHandler } from './process.ts';
import { reReadRecord } from './re-read.ts';
import { failingCase, removedCase, subscriptionsKey } from './subscription-cases.ts';

/** How the subscriptions of one channel stand. */
export type SubscriptionState = {
  /** `system/channel`. */
  readonly id: string;
  readonly epoch: number;
  readonly owner: string;
  readonly leaseUntilMs: number;
  readonly nextAtMs: number;
  readonly failures: number;
  /** Resources that had a subscription when last looked. */
  readonly had: readonly string[];
  /** When the making of a subscription was last tried, by resource: what may have worked is not tried again before it would show. */
  readonly triedAtMs: Readonly<Record<string, number>>;
  /** A notification said that all of them want to be renewed. */
  readonly renewAll: boolean;
};

/** States of subscriptions. Throws `store_unavailable`: a write may have happened. */
export type SubscriptionStore = {
  get(id: string): Promise<SubscriptionState | null>;
  /** Conditional on the epoch that was read, 0 for none; `lost` where somebody else was faster. */
  write(next: SubscriptionState, expectedEpoch: number): Promise<'written' | 'lost'>;
};

/** What keeping subscriptions needs. */
export type KeepDeps = NoticeDeps & {
  readonly config: Pick<PlumblineConfig, 'owners' | 'systems'>;
  readonly subscriptions: SubscriptionStore;
  /** Null: the connector keeps none. */
  readonly loadKeeper: (connector: string) => Promise<SubscriptionKeeper | null>;
  readonly loadOperation: (id: string) => Promise<Operation>;
  readonly send: Sender;
  /** The value of a channel's secret, or null. */
  readonly secretOf: (name: string) => Promise<string | null>;
  /** The public origin of the webhook door, or null where it is not known: then nothing is subscribed. */
  readonly publicOrigin: string | null;
  readonly cases: Pick<CaseStore, 'open' | 'settle'>;
  readonly random: Random;
};

type System = PlumblineConfig['systems'][string];
type Channel = {
  readonly system: string;
  readonly channel: string;
  readonly config: System;
  readonly secret: string;
  readonly wanted: readonly WantedSubscription[];
};

const lookEveryMs = 600_000;
const leaseMs = 70_000;
/** After this much of its life a subscription is renewed. */
const renewAfter = 0.5;
/** A subscription that was asked for and is not shown yet is given this long before it is asked for again, milliseconds. */
const settleMs = 600_000;
const failuresOfCase = 3;

/**
 * Keeps the subscriptions of every channel that names some: looks at what stands, renews at half of its life, makes what is not
 * there, and opens one case for the owner where the provider took one away or where it cannot be kept. A subscription is made only
 * after the list has shown that there is none; one whose making got lost is not asked for again before it would show.
 * One channel that fails stops no other.
 * @param deadlineMs absolute end of this invocation
 */
export async function keepSubscriptions(deps: KeepDeps, deadlineMs: number): Promise<void> {
  const channels = Object.entries(deps.config.systems).flatMap(([system, config]) =>
    Object.entries(config.webhooks).flatMap(([channel, { secret, subscriptions: wanted = [] }]): Channel[] =>
      wanted.length === 0 ? [] : [{ system, channel, config, secret, wanted }],
    ),
  );
  await Promise.all(
    channels.map((channel) =>
      keepChannel(deps, channel, deadlineMs).catch((fault: unknown) => {
        const { system, channel: name } = channel;
        deps.log.error('The subscriptions of a channel could not be looked at.', { system, channel: name }, fault);
      }),
    ),
  );
}

async function keepChannel(deps: KeepDeps, channel: Channel, deadlineMs: number): Promise<void> {
  const nowMs = deps.clock.now();
  const id = `${channel.system}/${channel.channel}`;
  const known = await deps.subscriptions.get(id);
  if (known && (known.nextAtMs > nowMs || known.leaseUntilMs > nowMs)) return;
  const empty = { id, nextAtMs: 0, failures: 0, had: [], triedAtMs: {}, renewAll: false };
  const [owner, epoch] = [newId('own', nowMs, deps.random), (known?.epoch ?? 0) + 1];
  let state: SubscriptionState = { ...(known ?? empty), epoch, owner, leaseUntilMs: nowMs + leaseMs };
  if ((await deps.subscriptions.write(state, known?.epoch ?? 0)) === 'lost') return;
  const remember: Remember = async (triedAtMs) => {
    const next = { ...state, triedAtMs, epoch: state.epoch + 1 };
    if ((await deps.subscriptions.write(next, state.epoch)) === 'lost') return false;
    state = next;
    return true;
  };
  const looked = await look(deps, channel, { state, remember }, deadlineMs);
  const failures = looked.failed === null ? 0 : state.failures + 1;
  await tell(deps, channel, { ...looked, failures, failed: looked.failed }, state);
  const { had, triedAtMs } = looked;
  const next = { ...state, had, triedAtMs, failures, epoch: state.epoch + 1, leaseUntilMs: 0, renewAll: false };
  const waitMs = looked.failed === null ? lookEveryMs : Math.min(60_000 * 2 ** Math.min(failures, 6), 3_600_000);
  await deps.subscriptions.write({ ...next, nextAtMs: deps.clock.now() + waitMs }, state.epoch);
}

/** Makes it durable that a subscription is about to be asked for; false where another has taken over, and then it is not. */
type Remember = (triedAtMs: SubscriptionState['triedAtMs']) => Promise<boolean>;
type Turn = { readonly state: SubscriptionState; readonly remember: Remember };

type Looked = Pick<SubscriptionState, 'had' | 'triedAtMs'> & {
  /** Why something could not be done, or null. */
  readonly failed: string | null;
  /** Resources whose subscription is gone that was there. */
  readonly removed: readonly string[];
};

async function look(deps: KeepDeps, on: Channel, { state, remember }: Turn, deadlineMs: number): Promise<Looked> {
  const nothing = { had: state.had, triedAtMs: state.triedAtMs, removed: [] };
  const keeper = await deps.loadKeeper(on.config.connector);
  const [secret, origin] = [await deps.secretOf(on.secret), deps.publicOrigin];
  if (!keeper) return { ...nothing, failed: 'connector_keeps_none' };
  // On one machine there is no address that a provider could reach.
  if (origin !== null && !origin.startsWith('https://')) return { ...nothing, failed: null };
  if (secret === null || origin === null) {
    return { ...nothing, failed: secret === null ? 'secret_missing' : 'public_address_unknown' };
  }
  const standing = await standingOf(deps, keeper, on, deadlineMs);
  if (standing.kind === 'failed') return { ...nothing, failed: standing.code };
  const notificationUrl = `${origin}/${on.system}/${on.channel}`;
  const way: Way = { on, state, remember, keeper, secret, notificationUrl, deadlineMs };
  const triedAtMs: Record<string, number> = { ...state.triedAtMs };
  const [had, removed, failures]: [string[], string[], string[]] = [[], [], []];
  for (const wanted of on.wanted) {
    const found = standing.all.find((one) => keeper.matches(one, wanted, notificationUrl));
    if (!found && state.had.includes(wanted.resource)) removed.push(wanted.resource);
    const failed = found ? await renewDue(deps, way, found) : await make(deps, way, wanted, triedAtMs);
    if (found) delete triedAtMs[wanted.resource];
    if (failed === 'waits_to_show') continue;
    if (failed !== null) failures.push(failed);
    if (found || failed === null) had.push(wanted.resource);
  }
  return { had, triedAtMs, removed, failed: failures[0] ?? null };
}

type Way = Turn & {
  readonly on: Channel;
  readonly keeper: SubscriptionKeeper;
  readonly secret: string;
  readonly notificationUrl: string;
  readonly deadlineMs: number;
};

type Standing =
  | { readonly kind: 'all'; readonly all: readonly StandingSubscription[] }
  | { readonly kind: 'failed'; readonly code: string };

async function standingOf(
  deps: KeepDeps,
  keeper: SubscriptionKeeper,
  { system }: Channel,
  deadlineMs: number,
): Promise<Standing> {
  const live = { ...deps, systems: deps.config.systems, adapterOf: async () => null };
  const all: StandingSubscription[] = [];
  let after: string | undefined;
  do {
    const read = await reReadRecord(live, keeper.list(system, after), deadlineMs);
    if (read.kind !== 'record') return { kind: 'failed', code: read.kind === 'gone' ? 'not_found' : read.code };
    const page = read.data as { readonly results: readonly StandingSubscription[]; readonly after: string | null };
    all.push(...page.results);
    after = page.after ?? undefined;
  } while (after !== undefined);
  return { kind: 'all', all };
}

/** Null where nothing was due or it was done, else why not. */
async function renewDue(deps: KeepDeps, way: Way, found: StandingSubscription): Promise<string | null> {
  const { on, state, keeper } = way;
  const nowMs = deps.clock.now();
  const lifeMs = keeper.longestMs(found.resource);
  const leftMs = Date.parse(found.expiresAt) - nowMs;
  if (!state.renewAll && leftMs > lifeMs * (1 - renewAfter)) return null;
  const expiresAt = new Date(nowMs + lifeMs).toISOString();
  const spec = keeper.renew({ apiVersion: on.config.apiVersion, id: found.id, expiresAt });
  return send(deps, way, spec, { what: 'subscription_renewed', resource: found.resource });
}

async function make(
  deps: KeepDeps,
  way: Way,
  wanted: WantedSubscription,
  triedAtMs: Record<string, number>,
): Promise<string | null> {
  const { on, keeper, secret, notificationUrl, remember } = way;
  const nowMs = deps.clock.now();
  if (nowMs - (triedAtMs[wanted.resource] ?? Number.NEGATIVE_INFINITY) < settleMs) return 'waits_to_show';
  const expiresAt = new Date(nowMs + keeper.longestMs(wanted.resource)).toISOString();
  const { apiVersion } = on.config;
  const spec = keeper.create({ apiVersion, wanted, notificationUrl, secret, expiresAt });
  triedAtMs[wanted.resource] = nowMs;
  // Before it is asked for: a process that dies after the request leaves no successor that asks again too soon.
  if (!(await remember({ ...triedAtMs }))) return 'another_keeper';
  const failed = await send(deps, way, spec, { what: 'subscription_made', resource: wanted.resource });
  // Only what may have arrived has to be waited for.
  if (failed !== null && failed !== 'lost') delete triedAtMs[wanted.resource];
  return failed;
}

async function send(
  deps: KeepDeps,
  { on, keeper, state, deadlineMs }: Way,
  spec: Parameters<Sender>[0]['spec'],
  told: { readonly what: string; readonly resource: string },
): Promise<string | null> {
  const mayWrite = () => deps.clock.now() < state.leaseUntilMs;
  const sent = await deps.send({ system: on.system, spec, purpose: 'write', deadlineMs, mayWrite });
  if (sent.kind === 'lost') return 'lost';
  if (sent.kind === 'not_sent') return sent.error.code;
  if (!keeper.isDone(sent.answer)) return `http_${sent.answer.status}`;
  const atMs = deps.clock.now();
  await deps.ledger.append(
    operationEntry({
      ...{
        entryId: `operation:${newId('sub', atMs, deps.random)}`,
        atMs,
        what: told.what,
        by: 'service:subscriptions',
      },
      ...{ system: on.system, reason: told.resource.slice(0, 200) },
    }),
  );
  return null;
}

async function tell(
  deps: KeepDeps,
  on: Channel,
  looked: Looked & { readonly failures: number },
  before: SubscriptionState,
): Promise<void> {
  const nowMs = deps.clock.now();
  const about = { ...on, owner: on.config.owner };
  for (const resource of looked.removed) await openCase(deps, removedCase(about, resource), nowMs);
  if (looked.failures === failuresOfCase) await openCase(deps, failingCase(about, looked.failed ?? ''), nowMs);
  if (looked.failures === 0 && before.failures >= failuresOfCase) {
    const reason = 'The subscriptions stand again.';
    await deps.cases.settle(subscriptionsKey(on), {
      by: 'service:subscriptions',
      atMs: nowMs,
      reason,
      decision: 'settled',
    });
  }
}

async function openCase(deps: KeepDeps, opening: CaseOpening, nowMs: number): Promise<void> {
  await notify(deps, await deps.cases.open(opening, nowMs), 'opened', null);
}

/** What a provider says of its subscriptions: they are looked at with the next minute, and renewed where it asks for that. */
export function lifecycleHandler(deps: { readonly subscriptions: SubscriptionStore }): EventHandler {
  return {
    wants: ({ type }) => type.startsWith('lifecycle.'),
    async handle({ message }) {
      const id = `${message.system}/${message.channel}`;
      for (let attempt = 0; attempt < 3; attempt += 1) {
        const known = await deps.subscriptions.get(id);
        if (!known) return [];
        const renewAll = known.renewAll || message.type === 'lifecycle.reauthorizationRequired';
        const next = { ...known, epoch: known.epoch + 1, nextAtMs: 0, renewAll };
        if ((await deps.subscriptions.write(next, known.epoch)) === 'written') return [];
      }
      // The event stays in the queue: what the provider asked for is not forgotten.
      throw new PlumblineError('The state of a subscription changed again and again.', {
        code: 'store_unavailable',
        retry: 'after_check',
        hint: 'It is tried again by itself.',
      });
    },
  };
}
