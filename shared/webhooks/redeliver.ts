import type { DeliveryKeeper, EndpointPlace, StandingDelivery } from '../connectors/endpoint-keeper.ts';
import type { Sender } from '../connectors/sender.ts';
import { operationEntry } from '../ledger/operations.ts';
import type { LedgerStore } from '../ledger/ports.ts';
import type { Clock, Random } from '../model/clock.ts';
import { newId } from '../model/ids.ts';
import type { PlannedCall } from '../model/operation.ts';
import type { LiveRecord } from './process.ts';

/** How far the failed deliveries of one endpoint have been looked at and asked for again. */
export type RedeliveryState = {
  readonly endpoint: string;
  /** What was delivered before this time is settled. */
  readonly settledUntilMs: number;
  /** A walk that is not at its end: where it goes on, and what it has found. */
  readonly walk: Walk | null;
  /** Events that were asked for again and have not arrived yet, by guid. */
  readonly tried: Readonly<Record<string, { readonly times: number; readonly atMs: number }>>;
  /** The last attempt of the event that was tried longest ago and still may arrive, or null: the provider forgets it from then on. */
  readonly oldestOpenMs: number | null;
  /** How many events the provider does not keep any more, and that never arrived. */
  readonly lost: number;
};

type Walk = {
  readonly after: string | undefined;
  readonly beganAtMs: number;
  readonly oldestOpenMs: number | null;
  /** The newest attempt that says whether anything arrives, or null. */
  readonly newest: Pick<StandingDelivery, 'ok' | 'atMs' | 'redelivery'> | null;
  /** Guids of which a later attempt arrived. */
  readonly arrived: readonly string[];
};

/** What asking for deliveries again needs. */
export type RedeliverDeps = {
  readonly send: Sender;
  readonly ledger: LedgerStore;
  readonly clock: Clock;
  readonly random: Random;
};

/** One endpoint whose deliveries are looked at. */
export type RedeliverWay = {
  readonly at: EndpointPlace;
  readonly apiVersion: string;
  readonly keeper: DeliveryKeeper;
  readonly read: (call: PlannedCall) => Promise<LiveRecord>;
  /** Asked in the moment a request is written. */
  readonly mayWrite: () => boolean;
  readonly deadlineMs: number;
};

/** So many events at most are asked for in one pass, which is once a minute. */
export const perPass = 20;
/** Events that are remembered as asked for: with more of them, no other is begun with. */
export const mostTried = 2000;
/** One event at most so often, milliseconds. */
export const againAfterMs = 600_000;
/** One event at most so many times; then a person looks. */
export const mostTimes = 5;
/** An attempt may be under way for so long, and be listed as not arrived. */
const underWayMs = 30_000;
/** What may be listed later than it was delivered. */
const listedLateMs = 900_000;
/** Kept for what comes after the walk, milliseconds. */
const reserveMs = 15_000;

/** A state of an endpoint that was never looked at. */
export const unseen = (endpoint: string): RedeliveryState => ({
  ...{ endpoint, settledUntilMs: 0, walk: null, tried: {}, oldestOpenMs: null, lost: 0 },
});

/** Events that were asked for as often as they may be, and had the time to arrive. */
export function givenUp({ tried }: RedeliveryState, nowMs: number): number {
  return Object.values(tried).filter(({ times, atMs }) => times >= mostTimes && nowMs - atMs >= againAfterMs).length;
}

/** What one walk found: the state after it, and what is to be asked for again. */
export type Found = {
  readonly state: RedeliveryState;
  readonly due: readonly StandingDelivery[];
  /** Whether nothing arrives at the moment. */
  readonly down: boolean;
  /** Why it ended early, or null. */
  readonly failed: string | null;
};

/**
 * Walks over the attempts, newest first, down to what is settled, and finds the events of which none arrived: at most
 * {@link perPass} of them, and while even the newest attempt did not arrive, one alone as a probe, so that an outage uses up
 * nobody's attempts. The provider's list is the truth; only what was asked for is remembered here. A walk that its time cuts off
 * goes on where it was; nothing counts as settled before a walk has come to its end.
 */
export async function findFailed(
  deps: Pick<RedeliverDeps, 'clock'>,
  way: RedeliverWay,
  before: RedeliveryState,
): Promise<Found> {
  const nowMs = deps.clock.now();
  const floorMs = Math.max(before.settledUntilMs, nowMs - way.keeper.keptMs);
  const begun = before.walk ?? { after: undefined, beganAtMs: nowMs, oldestOpenMs: null, newest: null, arrived: [] };
  const on = openWalk(before, begun, { nowMs, floorMs });
  let after = begun.after;
  for (;;) {
    const read = await way.read(way.keeper.list(way.at, before.endpoint, after));
    if (read.kind !== 'record') return cut(on, before, after, read.kind === 'gone' ? 'not_found' : read.code);
    const page = read.data as { readonly results: readonly StandingDelivery[]; readonly after: string | null };
    const deeper = page.results.every((delivery) => on.take(delivery));
    if (!deeper || page.after === null) return ended(on, before, nowMs - way.keeper.keptMs);
    if (page.after === after) return cut(on, before, undefined, 'page_repeats');
    after = page.after;
    if (deps.clock.now() > way.deadlineMs - reserveMs) return cut(on, before, after, null);
  }
}

type OpenWalk = ReturnType<typeof openWalk>;

function openWalk(before: RedeliveryState, begun: Walk, { nowMs, floorMs }: { nowMs: number; floorMs: number }) {
  const arrived = new Set(begun.arrived);
  const met = new Set<string>();
  const tried = { ...before.tried };
  const candidates: StandingDelivery[] = [];
  let { oldestOpenMs, newest } = begun;
  const times = (guid: string) => tried[guid]?.times ?? 0;
  const judge = ({ guid, atMs, ok, redelivery }: StandingDelivery) => {
    // One that is refused time after time says nothing of the others.
    if (newest === null && (ok || (nowMs - atMs >= underWayMs && times(guid) < mostTimes)))
      newest = { ok, atMs, redelivery };
  };
  return {
    arrived,
    tried,
    soFar: (): Omit<Walk, 'after'> => ({
      ...{ beganAtMs: begun.beganAtMs, oldestOpenMs, newest, arrived: [...arrived].slice(0, mostTried) },
    }),
    due: () => dueOf(candidates, tried, mostNow(newest, nowMs)),
    /** False where everything from here on is settled. */
    take(delivery: StandingDelivery): boolean {
      const { guid, atMs, ok, redelivery } = delivery;
      if (atMs < floorMs) return false;
      judge(delivery);
      if (ok) {
        // A first attempt has no earlier one that could be met further down.
        if (redelivery) arrived.add(guid);
        delete tried[guid];
        return true;
      }
      if (arrived.has(guid) || met.has(guid)) return true;
      met.add(guid);
      if (times(guid) >= mostTimes) return true;
      oldestOpenMs = Math.min(oldestOpenMs ?? atMs, atMs);
      const askedAtMs = tried[guid]?.atMs ?? Number.NEGATIVE_INFINITY;
      if (nowMs - atMs >= underWayMs && nowMs - askedAtMs >= againAfterMs) candidates.push(delivery);
      return true;
    },
  };
}

/** While nothing arrives, one probe, and none shortly after a probe that failed. */
function mostNow(newest: Walk['newest'], nowMs: number): number {
  if (newest === null || newest.ok) return perPass;
  return newest.redelivery && nowMs - newest.atMs < againAfterMs ? 0 : 1;
}

/** What is to be asked for now: first what was asked for least, of that the oldest. */
function dueOf(candidates: readonly StandingDelivery[], tried: RedeliveryState['tried'], most: number) {
  const times = (guid: string) => tried[guid]?.times ?? 0;
  const room = mostTried - Object.keys(tried).length;
  return candidates
    .filter(({ guid }) => room >= perPass || times(guid) > 0)
    .sort((one, other) => times(one.guid) - times(other.guid) || one.atMs - other.atMs)
    .slice(0, most);
}

function cut(on: OpenWalk, before: RedeliveryState, after: string | undefined, failed: string | null): Found {
  const soFar = on.soFar();
  // A place that could not be read is not gone back to: the next walk begins anew.
  const walk = failed === null ? { ...soFar, after } : null;
  return { state: { ...before, tried: on.tried, walk }, due: on.due(), down: soFar.newest?.ok === false, failed };
}

function ended(on: OpenWalk, before: RedeliveryState, keptSinceMs: number): Found {
  const { oldestOpenMs, beganAtMs, newest } = on.soFar();
  const entries = Object.entries(on.tried);
  const tried = Object.fromEntries(entries.filter(([, { atMs }]) => atMs >= keptSinceMs));
  const lost = before.lost + entries.length - Object.keys(tried).length;
  const settledUntilMs = Math.max(before.settledUntilMs, oldestOpenMs ?? beganAtMs - listedLateMs);
  const state = { ...before, settledUntilMs, walk: null, tried, oldestOpenMs, lost };
  return { state, due: on.due(), down: newest?.ok === false, failed: null };
}

/** The state in which everything that is due counts as asked for: stored before the first request, so that no crash asks more often. */
export function asked(state: RedeliveryState, due: readonly StandingDelivery[], nowMs: number): RedeliveryState {
  const times = (guid: string) => (state.tried[guid]?.times ?? 0) + 1;
  const added = due.map(({ guid }) => [guid, { times: times(guid), atMs: nowMs }] as const);
  return { ...state, tried: { ...state.tried, ...Object.fromEntries(added) } };
}

/**
 * Has the provider deliver again what is due. It ends where the provider says that it is enough or that it may not be; what was not
 * asked for by then counts as before. Returns the state, and why it ended early.
 */
export async function deliverAgain(
  deps: RedeliverDeps,
  way: RedeliverWay,
  { before, state, due }: Pick<Found, 'state' | 'due'> & { readonly before: RedeliveryState },
): Promise<{ readonly state: RedeliveryState; readonly failed: string | null; readonly waitMs: number }> {
  for (const [at, delivery] of due.entries()) {
    const refused = await ask(deps, way, state.endpoint, delivery);
    if (refused === null) continue;
    const left = new Set(due.slice(at).map(({ guid }) => guid));
    const kept = Object.entries(state.tried).flatMap(([guid, now]) => {
      const was = left.has(guid) ? before.tried[guid] : now;
      return was === undefined ? [] : [[guid, was] as const];
    });
    return { state: { ...state, tried: Object.fromEntries(kept) }, failed: refused.code, waitMs: refused.waitMs };
  }
  return { state, failed: null, waitMs: 0 };
}

/** Null where it was asked for or where asking this one is pointless, else why no other may be asked for now. */
async function ask(
  deps: RedeliverDeps,
  way: RedeliverWay,
  endpoint: string,
  { id, guid }: StandingDelivery,
): Promise<{ readonly code: string; readonly waitMs: number } | null> {
  const { at, apiVersion, keeper, mayWrite, deadlineMs } = way;
  const spec = keeper.again({ apiVersion, at, endpoint, delivery: id });
  const sent = await deps.send({ system: at.system, spec, purpose: 'write', deadlineMs, mayWrite });
  if (sent.kind === 'not_sent') return { code: sent.error.code, waitMs: sent.error.retryAfterMs ?? 0 };
  const refusal = sent.kind === 'answer' ? keeper.refusal(sent.answer) : null;
  // About this one delivery: it counts as asked for, and after some times a person looks at it.
  if (refusal !== null && ['not_found', 'business', 'conflict'].includes(refusal.class)) return null;
  if (refusal !== null) return { code: refusal.code, waitMs: refusal.retryAfterMs ?? 0 };
  const atMs = deps.clock.now();
  const entryId = `operation:${newId('sub', atMs, deps.random)}`;
  const told = { what: 'delivery_asked_again', by: 'service:endpoints', system: at.system, reason: guid };
  await deps.ledger.append(operationEntry({ entryId, atMs, ...told }));
  return null;
}
