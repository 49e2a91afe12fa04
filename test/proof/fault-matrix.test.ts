import { describe, expect, it } from 'vitest';
import { execute } from '../../shared/action/execute.ts';
import { workOn } from '../../shared/action/resolve.ts';
import type { ActionStore } from '../../shared/action/store.ts';
import type { KernelDeps } from '../../shared/action/types.ts';
import type { ProbeVerdict, ResendClass, WriteVerdict } from '../../shared/model/operation.ts';
import { testClock, testIdentity, testKernel, testRequest } from '../kit/kernel.ts';
import { memoryActionStore } from '../kit/memory-action-store.ts';

/** What happens at one request of a call: it fails before it arrives, its response is lost, it takes longer than the lease. */
const faults = ['before', 'after', 'slow', 'killed'] as const;
type Fault = (typeof faults)[number];

/** The call's process is gone: nothing after this line of it ever runs. */
class Killed extends Error {}

const classes: readonly ResendClass[] = [
  { kind: 'key', windowMs: 82_800_000, settleMs: 60_000 },
  { kind: 'upsert', settleMs: 60_000 },
  { kind: 'probe', settleMs: 60_000 },
  { kind: 'none' },
];

/** A system with an effect log, and a call of which request number `at` goes wrong. */
function matrix(resend: ResendClass, at: number, fault: Fault) {
  const clock = testClock();
  const log: string[] = [];
  const seen = new Set<string>();
  let requests = 0;
  let dead = false;
  const through = async <T>(request: () => Promise<T>): Promise<T> => {
    if (dead) return new Promise(() => undefined);
    requests += 1;
    const hit = requests === at;
    if (hit && fault === 'killed') dead = true;
    if (hit && fault === 'killed') throw new Killed();
    if (hit && fault === 'before') throw new Error('did not arrive');
    const answer = await request();
    if (hit && fault === 'slow') clock.advance(40_000);
    if (hit && fault === 'after') throw new Error('response lost');
    return answer;
  };
  const inner = memoryActionStore();
  const store: ActionStore = {
    ...inner,
    write: (next, guard) => through(() => inner.write(next, guard)),
    get: (key) => through(() => inner.get(key)),
  };
  const deps = testKernel({
    store,
    clock,
    attempt: async ({ providerKey, mayWrite }) => {
      if (!mayWrite()) return { kind: 'not_applied', error: { class: 'transient', code: 'late', message: '' } };
      return through(async (): Promise<WriteVerdict> => {
        if (resend.kind !== 'key' || !seen.has(providerKey)) log.push(providerKey);
        seen.add(providerKey);
        return { kind: 'applied', data: { text: 'x'.repeat(900) }, records: [] };
      });
    },
  });
  const { put } = deps.payloads;
  const faulty: KernelDeps = { ...deps, payloads: { ...deps.payloads, put: (bytes) => through(() => put(bytes)) } };
  const probe = async (): Promise<ProbeVerdict> => {
    if (log.length > 0) return { kind: 'equal', data: {}, records: [] };
    return resend.kind === 'upsert' ? { kind: 'before' } : { kind: 'absent' };
  };
  const heal = () => {
    dead = false;
  };
  return { clock, log, deps, faulty, probe, requests: () => requests, heal };
}

type Run = ReturnType<typeof matrix>;

function request(run: Run, resend: ResendClass) {
  const input = { text: 'y'.repeat(900) };
  const call = { operation: 'hubspot.notes.create', system: 'hubspot', input };
  return testRequest({ resend, call, requestDigest: run.deps.digest(call), deadlineMs: run.clock.now() + 20_000 });
}

/** The call, then the tick for an hour, then the same call twice. */
async function play(resend: ResendClass, at: number, fault: Fault) {
  const run = matrix(resend, at, fault);
  const first = await Promise.race([
    execute(run.faulty, request(run, resend)).then(
      ({ outcome }) => outcome.kind,
      () => 'threw',
    ),
    new Promise<string>((resolve) => setTimeout(resolve, 20, 'gone')),
  ]);
  run.heal();
  const recheck = async () => ({ kind: 'go' }) as const;
  const probeFor = () => (resend.kind === 'none' ? null : run.probe);
  for (let minute = 0; minute < 30; minute += 1) {
    run.clock.advance(60_000);
    await workOn(run.deps, { key: testIdentity().key, deadlineMs: run.clock.now() + 20_000, recheck, probeFor });
  }
  const again = [];
  for (let i = 0; i < 2; i += 1) again.push((await execute(run.deps, request(run, resend))).outcome.kind);
  return { first, again, effects: run.log.length, requests: run.requests() };
}

for (const resend of classes) {
  describe(`a call of class ${resend.kind}`, () => {
    const cells = faults.flatMap((fault) => [1, 2, 3, 4, 5, 6].map((at) => ({ fault, at })));

    it.each(cells)('has one effect when request $at goes wrong: $fault', async ({ fault, at }) => {
      const { first, again, effects } = await play(resend, at, fault);
      expect(effects).toBeLessThanOrEqual(1);
      if (first === 'applied') expect(effects).toBe(1);
      if (again.includes('applied') || again.includes('replayed')) expect(effects).toBe(1);
      // Without any way to prove it, the end may be a person's; in every other class the call ends in its one effect.
      if (resend.kind === 'none' && again[1] === 'unknown') return;
      expect({ effects, last: again[1] }).toEqual({ effects: 1, last: 'replayed' });
    });
  });
}

describe('the matrix', () => {
  it('covers every request of a call', async () => {
    const run = matrix({ kind: 'none' }, 0, 'before');
    await execute(run.faulty, request(run, { kind: 'none' }));
    expect(run.requests()).toBe(6);
  });
});
