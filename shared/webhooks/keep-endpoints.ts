import type { PlumblineConfig } from '../config/schema.ts';
import type { EndpointKeeper, EndpointPlace, StandingEndpoint } from '../connectors/endpoint-keeper.ts';
import { type NoticeDeps, notify } from '../ledger/notices.ts';
import type { CaseStore } from '../ledger/ports.ts';
import type { CaseOpening } from '../model/case.ts';
import { newId } from '../model/ids.ts';
import type { Operation, PlannedCall } from '../model/operation.ts';
import { endpointCase, failingCase, keysOf, redeliveryCase, type Watched } from './endpoint-cases.ts';
import type { LiveRecord } from './process.ts';
import { reReadRecord } from './re-read.ts';
import {
  asked,
  deliverAgain,
  findFailed,
  givenUp,
  type RedeliverDeps,
  type RedeliverWay,
  type RedeliveryState,
  unseen,
} from './redeliver.ts';

/** How the endpoint of one channel stands at its provider. */
export type EndpointState = {
  /** `system/channel`. */
  readonly id: string;
  readonly epoch: number;
  readonly owner: string;
  readonly leaseUntilMs: number;
  readonly nextAtMs: number;
  /** Failures in a row. */
  readonly failures: number;
  /** Null where the provider retries by itself, or was not asked yet. */
  readonly redelivery: RedeliveryState | null;
};

/** States of endpoints. Throws `store_unavailable`: a write may have happened. */
export type EndpointStore = {
  get(id: string): Promise<EndpointState | null>;
  /** Conditional on the epoch that was read, 0 for none; `lost` where somebody else was faster. */
  write(next: EndpointState, expectedEpoch: number): Promise<'written' | 'lost'>;
};

/** What watching endpoints needs. */
export type EndpointDeps = NoticeDeps &
  RedeliverDeps & {
    readonly config: Pick<PlumblineConfig, 'owners' | 'systems'>;
    readonly endpoints: EndpointStore;
    /** Null: the connector watches none. */
    readonly loadEndpointKeeper: (connector: string) => Promise<EndpointKeeper | null>;
    readonly loadOperation: (id: string) => Promise<Operation>;
    /** The public origin of the webhook door. Null or not https: no provider can have it, and nothing is looked at. */
    readonly publicOrigin: string | null;
    readonly cases: Pick<CaseStore, 'open' | 'settle'>;
  };

const lookEveryMs = 600_000;
/** While something is to be delivered again, with every minute's run. */
const busyEveryMs = 50_000;
const leaseMs = 70_000;
const failuresOfCase = 3;
const longestWaitMs = 3_600_000;
const mostPages = 50;
const dayMs = 86_400_000;

/**
 * Looks at the provider whether the endpoint of every channel is there and switched on, opens one case for the owner where it is
 * not, and settles it once it is again; and has failed deliveries made again where the provider does not do that by itself. A
 * channel with `watched: false`, one that nothing is known of, and every one of a door that no provider can reach is left alone.
 * One channel that fails stops no other.
 * @param deadlineMs absolute end of this invocation
 */
export async function keepEndpoints(deps: EndpointDeps, deadlineMs: number): Promise<void> {
  const { publicOrigin } = deps;
  if (publicOrigin === null || !publicOrigin.startsWith('https://')) return;
  const channels = Object.entries(deps.config.systems).flatMap(([system, config]) =>
    Object.entries(config.webhooks)
      .filter(([, { watched }]) => watched !== false)
      .map(([channel, { scheme, params = {} }]): Watched => {
        return { system, channel, config, scheme, params, url: `${publicOrigin}/${system}/${channel}` };
      }),
  );
  await Promise.all(
    channels.map((on) =>
      keepEndpoint(deps, on, deadlineMs).catch((fault: unknown) => {
        deps.log.error(
          'The endpoint of a channel could not be looked at.',
          { system: on.system, channel: on.channel },
          fault,
        );
      }),
    ),
  );
}

type Way = {
  readonly on: Watched;
  readonly keeper: EndpointKeeper;
  readonly at: EndpointPlace;
  readonly deadlineMs: number;
};

async function keepEndpoint(deps: EndpointDeps, on: Watched, deadlineMs: number): Promise<void> {
  const keeper = await deps.loadEndpointKeeper(on.config.connector);
  const at = { system: on.system, params: on.params };
  if (!keeper?.schemes.includes(on.scheme) || keeper.list(at) === null) return;
  const nowMs = deps.clock.now();
  const id = `${on.system}/${on.channel}`;
  const known = await deps.endpoints.get(id);
  if (known && (known.nextAtMs > nowMs || known.leaseUntilMs > nowMs)) return;
  const empty = { id, nextAtMs: 0, failures: 0, redelivery: null };
  const [owner, epoch] = [newId('own', nowMs, deps.random), (known?.epoch ?? 0) + 1];
  const held: EndpointState = { ...(known ?? empty), epoch, owner, leaseUntilMs: nowMs + leaseMs };
  if ((await deps.endpoints.write(held, known?.epoch ?? 0)) === 'lost') return;
  const looked = await look(deps, { on, keeper, at, deadlineMs }, held);
  if (looked === null) return;
  const failures = looked.failed === null ? 0 : held.failures + 1;
  const keys = keysOf(on);
  if (looked.failed === null) await settle(deps, keys.failing, 'The endpoint can be looked at again.');
  else if (failures >= failuresOfCase) await open(deps, failingCase(on, looked.failed));
  const waitMs = looked.failed === null ? looked.everyMs : 60_000 * 2 ** Math.min(failures, 6);
  // It is asked again within the hour, whatever its provider said: so the third failure is found, and its owner told.
  const nextAtMs = nowMs + Math.min(Math.max(waitMs, looked.waitMs), longestWaitMs);
  const { state } = looked;
  await deps.endpoints.write({ ...state, epoch: state.epoch + 1, failures, nextAtMs, leaseUntilMs: 0 }, state.epoch);
}

type Looked = {
  readonly state: EndpointState;
  readonly failed: string | null;
  readonly everyMs: number;
  /** What the provider asks to be left alone for, milliseconds. */
  readonly waitMs: number;
};

/** Null where somebody else has taken over. */
async function look(deps: EndpointDeps, way: Way, state: EndpointState): Promise<Looked | null> {
  const { on, keeper } = way;
  const listed = await allEndpoints(deps, way);
  if (listed.kind === 'failed') return { state, failed: listed.code, everyMs: lookEveryMs, waitMs: listed.waitMs };
  const ours = listed.all.filter(({ url }) => isSame(url, on.url));
  const enabled = ours.find((one) => one.enabled);
  if (!enabled) {
    await open(deps, endpointCase(on, ours.length > 0 ? 'disabled' : 'missing', keeper.repair));
    return { state, failed: null, everyMs: lookEveryMs, waitMs: 0 };
  }
  await settle(deps, keysOf(on).endpoint, 'The endpoint is switched on.');
  return keeper.deliveries
    ? redeliver(deps, way, enabled, state)
    : { state, failed: null, everyMs: lookEveryMs, waitMs: 0 };
}

function isSame(listed: string, ours: string): boolean {
  return URL.canParse(listed) && new URL(listed).href === new URL(ours).href;
}

type Listed =
  | { readonly kind: 'all'; readonly all: readonly StandingEndpoint[] }
  | { readonly kind: 'failed'; readonly code: string; readonly waitMs: number };

async function allEndpoints(deps: EndpointDeps, { keeper, at, deadlineMs }: Way): Promise<Listed> {
  const all: StandingEndpoint[] = [];
  let after: string | undefined;
  for (let pages = 0; pages < mostPages; pages += 1) {
    const call = keeper.list(at, after);
    const read = call && (await readLive(deps, call, deadlineMs));
    if (read?.kind !== 'record') return { kind: 'failed', ...whyNot(read) };
    const page = read.data as { readonly results: readonly StandingEndpoint[]; readonly after: string | null };
    all.push(...page.results);
    if (page.after === null) return { kind: 'all', all };
    after = page.after;
  }
  return { kind: 'failed', code: 'too_many_pages', waitMs: 0 };
}

function readLive(deps: EndpointDeps, call: PlannedCall, deadlineMs: number): Promise<LiveRecord> {
  return reReadRecord({ ...deps, systems: deps.config.systems, adapterOf: async () => null }, call, deadlineMs);
}

function whyNot(read: Exclude<LiveRecord, { kind: 'record' }> | null): {
  readonly code: string;
  readonly waitMs: number;
} {
  if (read?.kind !== 'unavailable') return { code: 'not_found', waitMs: 0 };
  return { code: read.code, waitMs: read.retryAfterMs ?? 0 };
}

async function redeliver(
  deps: EndpointDeps,
  way: Way,
  endpoint: StandingEndpoint,
  held: EndpointState,
): Promise<Looked | null> {
  const { on, at, deadlineMs, keeper } = way;
  if (!keeper.deliveries) return { state: held, failed: null, everyMs: lookEveryMs, waitMs: 0 };
  const reading: RedeliverWay = {
    ...{ at, deadlineMs, keeper: keeper.deliveries, apiVersion: on.config.apiVersion },
    read: (call) => readLive(deps, call, deadlineMs),
    mayWrite: () => deps.clock.now() < held.leaseUntilMs,
  };
  const standing = held.redelivery?.endpoint === endpoint.id ? held.redelivery : unseen(endpoint.id);
  const found = await findFailed(deps, reading, standing);
  const redelivery = asked(found.state, found.due, deps.clock.now());
  const state = { ...held, epoch: held.epoch + 1, redelivery };
  if ((await deps.endpoints.write(state, held.epoch)) === 'lost') return null;
  const done = await deliverAgain(deps, reading, { before: found.state, state: redelivery, due: found.due });
  await tell(deps, on, done.state);
  // While nothing arrives, only what became of a probe is of interest.
  const mayArrive = done.state.oldestOpenMs !== null && (!found.down || found.due.length > 0);
  const busy = done.state.walk !== null || mayArrive;
  return {
    state: { ...state, redelivery: done.state },
    ...{ failed: found.failed ?? done.failed, everyMs: busy ? busyEveryMs : lookEveryMs, waitMs: done.waitMs },
  };
}

async function tell(deps: EndpointDeps, on: Watched, state: RedeliveryState): Promise<void> {
  const nowMs = deps.clock.now();
  const [stopped, oldestOpenMs] = [givenUp(state, nowMs), state.oldestOpenMs];
  // A day is left until the provider forgets it.
  const urgent = oldestOpenMs !== null && nowMs - oldestOpenMs > 2 * dayMs;
  if (stopped > 0 || urgent) await open(deps, redeliveryCase(on, { stopped, oldestOpenMs, lost: state.lost }));
  // What the provider has forgotten arrives no more: such a case is a person's to close.
  else if (state.lost === 0 && state.walk === null)
    await settle(deps, keysOf(on).redelivery, 'Every event has arrived.');
}

async function open(deps: EndpointDeps, opening: CaseOpening): Promise<void> {
  await notify(deps, await deps.cases.open(opening, deps.clock.now()), 'opened', null);
}

async function settle(deps: EndpointDeps, dedupeKey: string, reason: string): Promise<void> {
  const by = { by: 'service:endpoints', atMs: deps.clock.now(), reason, decision: 'settled' } as const;
  await deps.cases.settle(dedupeKey, by);
}
