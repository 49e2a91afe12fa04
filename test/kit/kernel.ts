import { createHash } from 'node:crypto';
import { deriveIdentity, type IdentityInput } from '../../shared/action/keys.ts';
import type { ActionStore } from '../../shared/action/store.ts';
import type { Attempt, ClaimRequest, Identity, KernelDeps, KernelLimits } from '../../shared/action/types.ts';
import { failureOf } from '../../shared/connectors/failure.ts';
import type { Clock } from '../../shared/model/clock.ts';
import { sha256Hex } from '../../shared/model/ids.ts';
import { memoryActionStore } from './memory-action-store.ts';

/** A clock that moves only when told, or when somebody sleeps. */
export function testClock(startMs = 1_800_000_000_000): Clock & { advance(ms: number): void } {
  let nowMs = startMs;
  return {
    now: () => nowMs,
    sleep: async (ms) => {
      nowMs += ms;
    },
    advance: (ms) => {
      nowMs += ms;
    },
  };
}

/** Random bytes that are the same in every run and never repeat in one. */
export function testRandom(seed = 'seed'): (count: number) => Uint8Array {
  let used = 0;
  return (count) => {
    used += 1;
    return createHash('sha512').update(`${seed}:${used}`).digest().subarray(0, count);
  };
}

export const testLimits: KernelLimits = {
  leaseMs: 30_000,
  skewMs: 1000,
  maxAttempts: 4,
  maxAgeMs: 86_400_000,
  maxProbes: 6,
};

/** Kernel dependencies over memory, each of them replaceable. */
export function testKernel(
  given: Partial<KernelDeps> & { attempt: Attempt },
): KernelDeps & { store: ActionStore; objects: Map<string, Uint8Array> } {
  const objects = new Map<string, Uint8Array>();
  return {
    store: memoryActionStore(),
    payloads: {
      put: async (bytes) => {
        const hash = sha256Hex(bytes);
        objects.set(hash, bytes);
        return hash;
      },
      get: async (hash) => objects.get(hash) ?? null,
    },
    clock: testClock(),
    random: testRandom(),
    limits: testLimits,
    digest: ({ operation, input }) => sha256Hex(JSON.stringify([operation, input])),
    failureOf,
    render: ({ kind }) => Buffer.from(JSON.stringify({ status: kind })),
    objects,
    ...given,
  };
}

/** The identity of a deal's move to a stage, with what a test wants otherwise. */
export function testIdentity(given: Partial<IdentityInput> = {}): Identity {
  const derived = deriveIdentity(
    {
      principal: 'agent:sales-assistant',
      actionType: 'deal_update_stage',
      occasion: 'window',
      windowMs: null,
      target: ['hubspot', 'deal', '501'],
      identifying: { stage: 'contractsent' },
      input: { deal_id: '501', stage: 'contractsent', reason: 'the customer said so on the phone' },
      runId: null,
      event: null,
      idempotencyKey: null,
      ...given,
    },
    { nowMs: 1_800_000_000_000, retentionMs: 400 * 86_400_000 },
  );
  if (derived.kind !== 'identity') throw new Error(derived.detail);
  return derived.identity;
}

/** A claim of that identity, due to be answered within 20 s. */
export function testRequest(given: Partial<ClaimRequest> = {}): ClaimRequest {
  return {
    identity: testIdentity(),
    again: null,
    againAllowed: true,
    principal: 'agent:sales-assistant',
    tool: 'deal_update_stage',
    effect: 'update',
    resend: { kind: 'probe', settleMs: 60_000 },
    call: {
      operation: 'hubspot.deals.update',
      system: 'hubspot',
      input: { id: '501', properties: { dealstage: 'contractsent' } },
    },
    requestDigest: sha256Hex('request'),
    before: { dealstage: 'qualified' },
    target: ['hubspot', 'deal', '501'],
    context: {
      callId: 'call_01hv00000abcdefghjkmnpqrs',
      runId: 'run_01hv00000abcdefghjkmnpqrs',
      workflow: null,
      period: null,
      eventId: null,
      contextHash: sha256Hex('context'),
    },
    permission: { kind: 'allow' },
    deadlineMs: 1_800_000_020_000,
    ...given,
  };
}
