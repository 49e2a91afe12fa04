import type { KernelLimits } from '../../shared/action/types.ts';
import type { BatchScenario } from './batch-world.ts';
import type { Mutation } from './mutations.ts';

const limits: KernelLimits = { leaseMs: 2000, skewMs: 0, maxAttempts: 3, maxAgeMs: 1_000_000, maxProbes: 3 };

/** Small worlds in which several actions share requests; each is about one thing, so that all of it is searched in seconds. */
export const batchScenarios = {
  caller: {
    name: 'two actions in one request, and a worker after whatever became of it',
    actions: 2,
    roles: [
      { kind: 'caller', keys: [0, 1] },
      { kind: 'worker', keys: [0, 1] },
    ],
    resend: { kind: 'probe', settleMs: 1000 },
    keyed: 'item',
    fates: ['delayed', 'part', 'torn'],
    ticks: 4,
    limits,
    flightTicks: 1,
  },
  overlapping: {
    name: 'two callers whose sets overlap, where writes go unheard',
    actions: 3,
    roles: [
      { kind: 'caller', keys: [0, 1] },
      { kind: 'caller', keys: [1, 2] },
    ],
    resend: { kind: 'probe', settleMs: 1000 },
    keyed: 'item',
    fates: ['ok', 'torn'],
    ticks: 0,
    limits,
    flightTicks: 1,
    unheard: true,
  },
  workers: {
    name: 'two workers that put the same due actions together',
    actions: 2,
    due: [0, 1],
    roles: [
      { kind: 'worker', keys: [0, 1] },
      { kind: 'worker', keys: [1, 0] },
    ],
    resend: { kind: 'upsert', settleMs: 1000 },
    keyed: 'item',
    fates: ['torn', 'response_lost'],
    ticks: 3,
    limits,
    flightTicks: 1,
  },
  slowSender: {
    name: 'a sender that stands still, with leases that end one long after the other',
    actions: 2,
    roles: [
      { kind: 'caller', keys: [0, 1] },
      { kind: 'worker', keys: [0] },
    ],
    resend: { kind: 'upsert', settleMs: 1000 },
    keyed: 'item',
    fates: ['ok'],
    ticks: 10,
    limits: { ...limits, leaseMs: 7000 },
    flightTicks: 1,
  },
  oneKey: {
    name: 'a provider key that covers the whole request',
    actions: 2,
    roles: [
      { kind: 'caller', keys: [0, 1] },
      { kind: 'worker', keys: [0, 1] },
    ],
    resend: { kind: 'key', windowMs: 100_000, settleMs: 1000 },
    keyed: 'request',
    fates: ['response_lost', 'rate'],
    ticks: 4,
    limits,
    flightTicks: 1,
  },
  sentAlone: {
    name: 'an action that was sent alone under its own key, among others that share one',
    actions: 2,
    due: [1],
    roles: [
      { kind: 'single', keys: [0] },
      { kind: 'worker', keys: [0, 1] },
    ],
    resend: { kind: 'key', windowMs: 100_000, settleMs: 1000 },
    keyed: 'request',
    fates: ['response_lost', 'rate'],
    ticks: 3,
    limits,
    flightTicks: 1,
  },
  ownKeys: {
    name: 'a provider key for each item',
    actions: 2,
    due: [0, 1],
    roles: [
      { kind: 'worker', keys: [0, 1] },
      { kind: 'worker', keys: [0] },
    ],
    resend: { kind: 'key', windowMs: 100_000, settleMs: 1000 },
    keyed: 'item',
    fates: ['torn', 'response_lost'],
    ticks: 3,
    limits,
    flightTicks: 1,
  },
} as const satisfies Record<string, BatchScenario>;

export type BatchMutation = Omit<Mutation, 'scenario'> & { readonly scenario: keyof typeof batchScenarios };

/** The guards that are there because requests are shared, and some that hold there too. */
export const batchMutations: readonly BatchMutation[] = [
  {
    guard: 'a shared request needs a live lease of each of its actions',
    file: 'gather.ts',
    source: 'return items.every(({ mayWrite }) => mayWrite());',
    without: 'return items.some(({ mayWrite }) => mayWrite());',
    scenario: 'slowSender',
  },
  {
    guard: 'a provider key that covers the request proves nothing of an action',
    file: 'moves.ts',
    source: "return shared === true && resend.kind === 'key' ?",
    without: 'return false ?',
    scenario: 'oneKey',
  },
  {
    guard: 'what is sent again under its own key goes alone',
    file: 'gather.ts',
    source: 'return record.inDoubt !== true;',
    without: 'return true;',
    scenario: 'sentAlone',
  },
  {
    guard: 'an action of a shared request that nobody reports of is unknown, not free',
    file: 'step-time.ts',
    source: "if (record.state === 'STARTED') return toUnknown(record, at, { failure: lostOwner, owner: null });",
    without:
      "if (record.state === 'STARTED') return move(record, at, { state: 'RETRYABLE', dueMs: at.nowMs, failure: null });",
    scenario: 'caller',
  },
  {
    guard: 'an action that another one claimed is in no request',
    file: 'store.ts',
    source: "if (guard === 'absent') return current === null;",
    without: "if (guard === 'absent') return true;",
    scenario: 'overlapping',
  },
  {
    guard: 'a due action that another worker claimed is in no request',
    file: 'store.ts',
    source: 'current.state === guard.state && current.epoch === guard.epoch && ',
    without: '',
    scenario: 'workers',
  },
];
