import { vi } from 'vitest';
import { type executeMany, type ManyDeps, workMany } from '../../shared/action/many.ts';
import type { Batching, ClaimRequest, KernelDeps } from '../../shared/action/types.ts';
import { makeProbe, type SystemDeps } from '../../shared/tools/attempt.ts';
import { makeBatching } from '../../shared/tools/batch.ts';
import { testIdentity, testKernel, testRequest } from './kernel.ts';
import { applied } from './scripted-attempts.ts';

/** The claim of the nth of many like intents. */
export function nthRequest(n: number, given: Partial<ClaimRequest> = {}): ClaimRequest {
  return testRequest({ identity: testIdentity({ identifying: { n }, input: { n } }), ...given });
}

/** A kernel that puts any calls together, up to `maxItems` a request; each item of a request is applied unless `send` says otherwise. */
export function together(given: Partial<ManyDeps> & { readonly maxItems?: number; readonly oneKey?: boolean } = {}) {
  const { maxItems = 100, oneKey = false, ...deps } = given;
  const send = vi.fn<Batching['send']>(async ({ items }) => items.map(() => applied));
  const attempt = vi.fn<ManyDeps['attempt']>(async () => applied);
  const plan: Batching['plan'] = (calls) =>
    Array.from({ length: Math.ceil(calls.length / maxItems) }, (_, group) =>
      [...calls.keys()].slice(group * maxItems, (group + 1) * maxItems),
    );
  const batching: Batching = { plan, oneKey: () => oneKey, send };
  return { deps: { ...testKernel({ attempt }), batching, ...deps }, send, attempt };
}

/** What `executeMany` says of each, as the kind of its outcome; `fault` where it threw. */
export async function kindsOf(many: ReturnType<typeof executeMany>): Promise<readonly string[]> {
  return (await many).map((one) => (one.status === 'fulfilled' ? one.value.outcome.kind : 'fault'));
}

/** Like `settle` of the simulators' kits, for many: works on all until each is settled or a person's. */
export async function settleAll(
  {
    kernel,
    system,
    clock,
  }: { kernel: KernelDeps; system: SystemDeps; clock: { now(): number; advance(ms: number): void } },
  keys: readonly string[],
) {
  for (let step = 0; step < 60; step += 1) {
    const records = await Promise.all(keys.map((key) => kernel.store.get(key)));
    const open = records.flatMap((one) => (one && 'dueMs' in one ? [one] : []));
    if (open.length === 0) return records;
    clock.advance(Math.max(0, Math.max(...open.map(({ dueMs }) => dueMs)) - clock.now()) + 1);
    const probe = makeProbe(system);
    const recheck = async () => ({ kind: 'go' }) as const;
    const deadlineMs = clock.now() + 20_000;
    await workMany(
      { ...kernel, batching: makeBatching(system) },
      open.map(({ key }) => ({ key, deadlineMs, recheck, probeFor: () => probe })),
    );
  }
  throw new Error('never settled');
}
