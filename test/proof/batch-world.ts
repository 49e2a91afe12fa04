import type { Guard } from '../../shared/action/store.ts';
import type { KernelLimits } from '../../shared/action/types.ts';
import type { ActionRecord } from '../../shared/model/action.ts';
import type { ResendClass, WriteVerdict } from '../../shared/model/operation.ts';
import { brief, Violation } from './world.ts';

/**
 * Who works on several actions at once: `caller` runs `executeMany` on them, `worker` runs `workMany` again and again,
 * `single` is a call of the first of them alone, which shares its request with nobody.
 */
export type BatchRole = { readonly kind: 'caller' | 'worker' | 'single'; readonly keys: readonly number[] };

/**
 * What may become of one request. `part`: the first action is applied, the others are refused, and the answer says so.
 * `torn`: the same, and the answer is lost. `delayed` lands up to `flightTicks` later.
 */
export type BatchFate = 'ok' | 'response_lost' | 'delayed' | 'rate' | 'part' | 'torn';

export type BatchScenario = {
  readonly name: string;
  /** How many actions there are. */
  readonly actions: number;
  /** Those that wait to be attempted again from the beginning on. */
  readonly due?: readonly number[];
  readonly roles: readonly BatchRole[];
  readonly resend: ResendClass;
  /** What a provider key covers in a shared request. */
  readonly keyed: 'item' | 'request';
  readonly fates: readonly BatchFate[];
  readonly ticks: number;
  readonly limits: KernelLimits;
  readonly flightTicks: number;
  /** Whether responses of the store may be lost too. */
  readonly unheard?: boolean;
};

export type BatchActor = {
  readonly pc: 'look' | 'write' | 'rewrite' | 'depart' | 'head' | 'settle' | 'close' | 'reclose' | 'done';
  /** Position among the actor's actions, or among its requests at `head`. */
  readonly at: number;
  readonly next: ActionRecord | null;
  readonly seen: ActionRecord | null;
  readonly guard: Guard | null;
  /** The claims that are the actor's, by position. */
  readonly owned: readonly (ActionRecord | null)[];
  /** Positions by request, in the order they go out. */
  readonly requests: readonly (readonly number[])[];
  readonly verdicts: readonly (WriteVerdict | null)[];
};

/** A request on its way: which actions it carries, each with the key by which the provider knows it. */
export type BatchFlight = {
  readonly items: readonly (readonly [action: number, key: string])[];
  readonly untilTick: number;
};

export type BatchWorld = {
  readonly tick: number;
  readonly records: readonly (ActionRecord | null)[];
  readonly effects: readonly number[];
  readonly known: readonly string[];
  readonly flights: readonly BatchFlight[];
  readonly actors: readonly BatchActor[];
};

export const resting: BatchActor = {
  pc: 'look',
  at: 0,
  next: null,
  seen: null,
  guard: null,
  owned: [],
  requests: [],
  verdicts: [],
};

/** A request arrives: each of its actions happens, unless the provider knows its key. */
export function landAll(world: BatchWorld, { resend }: BatchScenario, items: BatchFlight['items']): BatchWorld {
  const effects = [...world.effects];
  const known = [...world.known];
  for (const [action, key] of items) {
    if (resend.kind === 'key' && known.includes(key)) continue;
    known.push(key);
    effects[action] = (effects[action] ?? 0) + 1;
    if ((effects[action] ?? 0) > 1) throw new Violation(`two effects of action ${action}`);
  }
  return { ...world, effects, known };
}

const clean = ['RETRYABLE', 'FAILED', 'REJECTED', 'EXPIRED', 'CANCELLED'];

/** What must hold of every action in every state. */
export function checkAll(world: BatchWorld): void {
  for (const [action, record] of world.records.entries()) {
    if (record === null) continue;
    const happened = world.effects[action] ?? 0;
    const flying = world.flights.some(({ items }) => items.some(([one]) => one === action));
    if (record.state === 'SUCCEEDED' && happened !== 1) throw new Violation('SUCCEEDED without an effect');
    if (clean.includes(record.state) && happened > 0) throw new Violation(`${record.state} although it happened`);
    if (clean.includes(record.state) && flying) throw new Violation(`${record.state} although it may still happen`);
  }
}

/** The identity of a state: equal texts are explored once. */
export function fingerprintOf(world: BatchWorld): string {
  const actors = world.actors.map(({ pc, at, next, owned, requests, verdicts }) => {
    const told = verdicts.map((verdict) =>
      verdict ? verdict.kind + ('error' in verdict ? verdict.error.class : '') : '',
    );
    return [pc, at, brief(next), owned.map((record) => brief(record)), JSON.stringify(requests), told].join('|');
  });
  const { tick, records, effects, known, flights } = world;
  return [tick, records.map((record) => brief(record)), effects, known, JSON.stringify(flights), ...actors].join(';');
}
