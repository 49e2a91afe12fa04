import type { ActionRecord } from '../model/action.ts';
import type { Json } from '../model/json.ts';
import type { PlannedCall, ProbeVerdict } from '../model/operation.ts';
import { type Applied, apply, atNow } from './driver.ts';
import { roomIn } from './fit.ts';
import { frozen } from './frozen.ts';
import { askAgain, type Recheck, resume, sendAndSettle } from './resume.ts';
import { newNonce, providerKeyOf } from './send-once.ts';
import { nextProof } from './step-resolve.ts';
import type { KernelDeps, Probe } from './types.ts';

/** An action of unknown outcome, and how it can be proven. */
export type ResolveInput = {
  readonly key: string;
  readonly deadlineMs: number;
  readonly recheck: Recheck;
  /** The read-back of the record's operation, or null where it has none. */
  readonly probeFor: (record: ActionRecord) => Probe | null;
};

/**
 * Moves an action of unknown outcome one step towards proof: an expired lease becomes UNKNOWN, an UNKNOWN action is re-sent
 * under the provider's own key, read back, or handed to a person. Never sends on hope. Harmless to call at any time.
 * Throws `store_unavailable`; the due index finds the action again.
 */
export async function resolve(deps: KernelDeps, input: ResolveInput): Promise<Applied> {
  const record = await deps.store.get(input.key);
  if (record?.state === 'STARTED') return apply(deps, record, { kind: 'time' });
  if (record?.state !== 'UNKNOWN') return { kind: 'stayed', why: 'illegal', record };
  if (record.dueMs > deps.clock.now()) return { kind: 'stayed', why: 'too_early', record };
  const probe = input.probeFor(record);
  const { call, before, says } = await askAgain(deps, record, input.recheck);
  const requestDigest = deps.digest(call);
  switch (nextProof(record, { probe: probe !== null, requestDigest }, atNow(deps))) {
    case 'wait':
      return { kind: 'stayed', why: 'too_early', record };
    case 'person':
      return apply(deps, record, { kind: 'unprovable', why: 'It cannot be proven from here.' });
    case 'probe':
      if (says.kind === 'hold' && says.unreachable === true) return apply(deps, record, { kind: 'recheck', says });
      return readBack(deps, { record, call, before, deadlineMs: input.deadlineMs, probe: probe as Probe });
    case 'resend': {
      // A switch or any other no only holds an unknown outcome: it stays unknown until policy lets it be proven.
      if (says.kind !== 'go') return apply(deps, record, { kind: 'recheck', says: heldBy(says, deps) });
      const claim = await apply(deps, record, { kind: 'resend', nonce: newNonce(deps), requestDigest });
      return claim.kind === 'moved' && claim.record.state === 'STARTED'
        ? sendAndSettle(deps, claim.record, call.input, input.deadlineMs)
        : claim;
    }
  }
}

/** One step for whatever an action waits for: its due time, its lease, its proof or its approval. */
export async function workOn(deps: KernelDeps, input: ResolveInput): Promise<Applied> {
  const record = await deps.store.get(input.key);
  if (record?.state === 'RETRYABLE') return resume(deps, input);
  if (record?.state === 'AWAITING_APPROVAL') return apply(deps, record, { kind: 'time' });
  return resolve(deps, input);
}

type ReadBack = {
  readonly record: ActionRecord;
  readonly call: PlannedCall;
  readonly before: Json | null;
  readonly deadlineMs: number;
  readonly probe: Probe;
};

async function readBack(deps: KernelDeps, input: ReadBack): Promise<Applied> {
  const { record, call, before, deadlineMs } = input;
  const askedAtMs = deps.clock.now();
  const providerKey = providerKeyOf(record);
  const verdict = await input.probe({ record, call, before, providerKey, deadlineMs }).catch(unanswered);
  const { stored, object } = frozen(verdict.kind === 'equal' ? verdict.data : null, roomIn(record));
  if (object) await deps.payloads.put(object).catch(() => null);
  const [byte = 0] = deps.random(1);
  return apply(deps, record, { kind: 'probed', verdict, askedAtMs, result: stored, jitter: byte / 255 });
}

function unanswered(): ProbeVerdict {
  const error = { class: 'transient', code: 'probe_threw', message: 'the read-back ended without an answer' } as const;
  return { kind: 'inconclusive', error };
}

/** Until when a no holds a resend: a minute where policy names no time. */
function heldBy(says: Exclude<Awaited<ReturnType<Recheck>>, { kind: 'go' }>, deps: KernelDeps) {
  return says.kind === 'hold' ? says : { kind: 'hold' as const, untilMs: deps.clock.now() + 60_000 };
}
