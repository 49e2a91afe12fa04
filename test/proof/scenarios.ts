import type { KernelLimits } from '../../shared/action/types.ts';
import type { Scenario } from './world.ts';

const limits: KernelLimits = { leaseMs: 3000, skewMs: 0, maxAttempts: 3, maxAgeMs: 1_000_000, maxProbes: 3 };
const caller = { kind: 'caller' } as const;
const worker = { kind: 'worker' } as const;

/** Small worlds, each with the part of the kernel it is about; together they cover every state and resend class. */
export const scenarios = {
  probe: {
    name: 'two callers and a worker, found by read-back',
    roles: [caller, caller, worker],
    resend: { kind: 'probe', settleMs: 1000 },
    fates: ['ok', 'response_lost', 'delayed', 'rate'],
    ticks: 9,
    limits,
    flightTicks: 1,
  },
  twoWorkers: {
    name: 'a caller and two workers',
    roles: [caller, worker, worker],
    resend: { kind: 'probe', settleMs: 1000 },
    fates: ['ok', 'response_lost', 'delayed'],
    ticks: 9,
    limits,
    flightTicks: 1,
  },
  key: {
    name: 'a provider key whose window ends',
    roles: [caller, worker, worker],
    resend: { kind: 'key', windowMs: 9000, settleMs: 1000 },
    fates: ['ok', 'response_lost', 'stored_error'],
    ticks: 12,
    limits: { ...limits, leaseMs: 2000 },
    flightTicks: 1,
  },
  deploy: {
    name: 'a deploy that renders another request',
    roles: [caller, worker],
    resend: { kind: 'key', windowMs: 20_000, settleMs: 1000 },
    fates: ['ok', 'response_lost', 'rate'],
    ticks: 10,
    limits,
    flightTicks: 1,
    deployAt: 2,
    probe: true,
  },
  upsert: {
    name: 'an upsert settled by reading back',
    roles: [caller, caller, worker],
    resend: { kind: 'upsert', settleMs: 1000 },
    fates: ['ok', 'response_lost', 'delayed'],
    ticks: 9,
    limits,
    flightTicks: 1,
  },
  person: {
    name: 'nothing but a person',
    roles: [caller, worker, { kind: 'person', acts: ['settle', 'retry', 'cancel'] }, caller],
    resend: { kind: 'none' },
    fates: ['ok', 'delayed', 'refused'],
    ticks: 5,
    limits: { ...limits, leaseMs: 2000 },
    flightTicks: 4,
  },
  approval: {
    name: 'an approval, given or refused, late or for another generation',
    roles: [
      { kind: 'caller', approval: true },
      { kind: 'person', acts: ['approve', 'cancel'], gen: 1 },
      { kind: 'worker', approval: true },
      { kind: 'caller', approval: true, again: 1 },
    ],
    resend: { kind: 'probe', settleMs: 1000 },
    fates: ['ok', 'refused'],
    ticks: 3,
    limits: { ...limits, leaseMs: 2000 },
    flightTicks: 1,
    approvalMs: 1000,
  },
  reopened: {
    name: 'a refused action that a person reopens needs another approval',
    roles: [
      { kind: 'caller', approval: true },
      { kind: 'person', acts: ['approve'] },
      { kind: 'person', acts: ['retry'] },
      { kind: 'worker', approval: true },
    ],
    resend: { kind: 'probe', settleMs: 1000 },
    fates: ['ok', 'refused'],
    ticks: 2,
    limits: { ...limits, leaseMs: 2000 },
    flightTicks: 1,
  },
  generations: {
    name: 'again, twice, while others ask the same',
    roles: [caller, { kind: 'caller', again: 1 }, { kind: 'caller', again: 1 }, caller],
    resend: { kind: 'probe', settleMs: 1000 },
    fates: ['ok', 'response_lost', 'refused'],
    ticks: 2,
    limits,
    flightTicks: 1,
  },
  window: {
    name: 'the same intent after its window',
    roles: [caller, caller, caller],
    resend: { kind: 'probe', settleMs: 1000 },
    fates: ['ok', 'refused', 'rate'],
    ticks: 5,
    limits,
    flightTicks: 1,
    windowMs: 2000,
  },
  skew: {
    name: 'clocks a second apart',
    roles: [caller, worker, worker],
    resend: { kind: 'probe', settleMs: 1000 },
    fates: ['ok', 'delayed'],
    ticks: 9,
    limits: { ...limits, skewMs: 1000 },
    flightTicks: 1,
    ahead: [0, 1, 0],
  },
} as const satisfies Record<string, Scenario>;

export type ScenarioName = keyof typeof scenarios;
