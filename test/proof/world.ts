import type { Guard } from '../../shared/action/store.ts';
import type { KernelLimits } from '../../shared/action/types.ts';
import type { ActionRecord } from '../../shared/model/action.ts';
import type { ProbeVerdict, ResendClass, WriteVerdict } from '../../shared/model/operation.ts';

export type Kernel = typeof import('./kernel.ts');

/** What one actor of the search does. Callers run `execute`, workers `workOn`, persons one act on what they see. */
export type Role =
  | { readonly kind: 'caller'; readonly again?: number; readonly approval?: boolean }
  | { readonly kind: 'worker'; readonly approval?: boolean }
  | {
      readonly kind: 'person';
      readonly acts: readonly ('approve' | 'settle' | 'retry' | 'cancel')[];
      readonly gen?: number;
    };

/** What may become of one send. `delayed` lands up to `flightTicks` later. */
export type Fate =
  | 'ok'
  | 'request_lost'
  | 'response_lost'
  | 'delayed'
  | 'rate'
  | 'stored_error'
  | 'stored_after'
  | 'stored_without'
  | 'refused';

/** One bounded world to search: ticks are seconds. */
export type Scenario = {
  readonly name: string;
  readonly roles: readonly Role[];
  readonly resend: ResendClass;
  readonly fates: readonly Fate[];
  readonly ticks: number;
  readonly limits: KernelLimits;
  readonly flightTicks: number;
  /** By how many ticks each actor's clock is ahead. */
  readonly ahead?: readonly number[];
  readonly windowMs?: number;
  /** From this tick on new code renders another request. */
  readonly deployAt?: number;
  /** Whether the operation can be read back. */
  readonly probe?: boolean;
  readonly approvalMs?: number;
};

export type Actor = {
  readonly pc: 'idle' | 'write' | 'rewrite' | 'send' | 'settle' | 'ask' | 'asked' | 'done';
  /** The record that was read, or is owned. */
  readonly seen: ActionRecord | null;
  readonly next: ActionRecord | null;
  readonly guard: Guard | null;
  readonly verdict: WriteVerdict | null;
  readonly probed: ProbeVerdict | null;
  readonly askedAtMs: number;
};

/** A request on its way to the provider. */
export type Flight = { readonly gen: number; readonly key: string; readonly untilTick: number };

/** One state of everything: the store, the provider's truth, what people approved, and where every actor stands. */
export type World = {
  readonly tick: number;
  readonly record: ActionRecord | null;
  /** Effects by generation. */
  readonly effects: readonly number[];
  /** Provider keys with the tick of their first effect. */
  readonly known: readonly (readonly [key: string, tick: number])[];
  /** Provider keys whose record says that the provider keeps an error under them: a repeat brings nothing else. */
  readonly spent: readonly string[];
  readonly flights: readonly Flight[];
  /** Approvals that people gave and no attempt has used, by generation. */
  readonly approvals: readonly number[];
  readonly actors: readonly Actor[];
};

export const idle: Actor = {
  pc: 'idle',
  seen: null,
  next: null,
  guard: null,
  verdict: null,
  probed: null,
  askedAtMs: 0,
};

/** A broken promise, found by the search. */
export class Violation extends Error {}

/** An effect arrives: the provider dedupes by key while it knows it, otherwise it does it. */
export function land(world: World, scenario: Scenario, flight: Flight): World {
  const { resend } = scenario;
  if (world.spent.includes(flight.key)) throw new Violation('sent under a key that holds an error');
  const first = world.known.find(([key]) => key === flight.key)?.[1];
  if (resend.kind === 'key' && first !== undefined && (world.tick - first) * 1000 < resend.windowMs) return world;
  const effects = [...world.effects];
  effects[flight.gen] = (effects[flight.gen] ?? 0) + 1;
  if ((effects[flight.gen] ?? 0) > 1) throw new Violation(`two effects of generation ${flight.gen}`);
  return { ...world, effects, known: [...world.known, [flight.key, world.tick]] };
}

/** What must hold in every state. */
export function check(world: World): void {
  const { record } = world;
  if (record === null) return;
  const happened = world.effects[record.gen] ?? 0;
  const flying = world.flights.some(({ gen }) => gen === record.gen);
  if (record.state === 'SUCCEEDED' && happened !== 1) throw new Violation('SUCCEEDED without an effect');
  const clean = ['AWAITING_APPROVAL', 'RETRYABLE', 'FAILED', 'REJECTED', 'EXPIRED', 'CANCELLED'];
  if (clean.includes(record.state) && happened > 0) throw new Violation(`${record.state} although it happened`);
  if (clean.includes(record.state) && flying) throw new Violation(`${record.state} although it may still happen`);
}

/** What must hold between two versions of the record. */
export function checkWrite(before: ActionRecord | null, next: ActionRecord, nowMs: number): void {
  if (before === null) return;
  if (next.epoch < before.epoch) throw new Violation('the epoch went back');
  if (next.gen === before.gen) {
    if (before.state === 'SUCCEEDED' && next.state !== 'SUCCEEDED') throw new Violation('SUCCEEDED did not last');
    if (before.state === 'CANCELLED') throw new Violation('CANCELLED was reopened');
    return;
  }
  if (next.gen !== before.gen + 1) throw new Violation('a generation was skipped or came back');
  if (!('settledAtMs' in before)) throw new Violation(`a generation began while the one before was ${before.state}`);
  const named = next.callId.startsWith('again');
  if (named && next.callId !== `again${before.gen}`)
    throw new Violation('again started another generation than the next');
  const over = before.windowMs !== null && nowMs > before.settledAtMs + before.windowMs;
  if (!named && !over) throw new Violation('a generation began inside the window');
  if (named && before.state !== 'SUCCEEDED' && before.state !== 'FAILED') throw new Violation('again of the unsettled');
}

/** The identity of a state: equal texts are explored once. */
export function fingerprint(world: World): string {
  const actors = world.actors.map(({ pc, seen, next, verdict, probed, askedAtMs }) =>
    pc === 'done' || pc === 'idle'
      ? pc
      : `${pc},${brief(seen)},${brief(next)},${verdict?.kind ?? ''}${verdict && 'stored' in verdict ? 's' : ''},${probed?.kind ?? ''},${askedAtMs}`,
  );
  const flights = world.flights.map(({ gen, key, untilTick }) => `${gen}${key}${untilTick}`);
  return `${world.tick};${brief(world.record)};${world.effects.join()};${world.known.join()};${world.spent.join()};${flights.join()};${world.approvals.join()};${actors.join(';')}`;
}

export function brief(record: ActionRecord | null): string {
  if (record === null) return '';
  const { gen, epoch, state, attempts, resendNo, inDoubt, keySpent, firstSentAtMs, approval, requestDigest, callId } =
    record;
  const owner = 'owner' in record ? record.owner : '';
  const lease = 'leaseUntilMs' in record ? record.leaseUntilMs : '';
  const due = 'dueMs' in record ? record.dueMs : '';
  const since = 'sinceMs' in record ? `${record.sinceMs}/${'probes' in record ? record.probes : ''}` : '';
  const ended = 'settledAtMs' in record ? record.settledAtMs : '';
  const decided = approval ? `${approval.notAfterMs}${approval.decision ? 'y' : 'n'}` : '';
  const decision = record.decision?.atMs ?? '';
  return `${gen}.${epoch}.${state}.${owner}.${lease}.${due}.${since}.${ended}.${attempts}.${resendNo}.${inDoubt ?? ''}.${keySpent ?? ''}.${record.resend.kind}.${firstSentAtMs}.${decided}.${decision}.${requestDigest}.${callId}`;
}
