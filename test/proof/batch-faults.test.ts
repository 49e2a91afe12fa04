import { describe, expect, it } from 'vitest';
import { executeMany, type ManyDeps, workMany } from '../../shared/action/many.ts';
import type { ActionStore } from '../../shared/action/store.ts';
import type { AttemptInput } from '../../shared/action/types.ts';
import type { ProbeVerdict, ResendClass, WriteVerdict } from '../../shared/model/operation.ts';
import { nthRequest } from '../kit/batching.ts';
import { testClock, testKernel } from '../kit/kernel.ts';
import { memoryActionStore } from '../kit/memory-action-store.ts';

/** What happens at one request of the process: it does not arrive, its response is lost, it takes too long, the process is gone. */
const faults = ['before', 'after', 'slow', 'killed'] as const;
type Fault = (typeof faults)[number];

const actions = [0, 1, 2];
const applied: WriteVerdict = { kind: 'applied', data: { text: 'x'.repeat(900) }, records: [] };
const kinds: readonly (readonly [resend: ResendClass, oneKey: boolean])[] = [
  [{ kind: 'probe', settleMs: 60_000 }, false],
  [{ kind: 'upsert', settleMs: 60_000 }, false],
  [{ kind: 'key', windowMs: 82_800_000, settleMs: 60_000 }, false],
  [{ kind: 'key', windowMs: 82_800_000, settleMs: 60_000 }, true],
];

/** A system with an effect log and a process whose request number `at` goes wrong. */
function matrix(resend: ResendClass, oneKey: boolean, at: number, fault: Fault) {
  const clock = testClock();
  const log: string[] = [];
  const keys = new Set<string>();
  let requests = 0;
  let dead = false;
  const through = async <T>(request: () => Promise<T>): Promise<T> => {
    if (dead) return new Promise(() => undefined);
    requests += 1;
    const hit = requests === at;
    if (hit && fault === 'killed') dead = true;
    if (hit && fault === 'killed') return new Promise(() => undefined);
    if (hit && fault === 'before') throw new Error('did not arrive');
    const answer = await request();
    if (hit && fault === 'slow') clock.advance(40_000);
    if (hit && fault === 'after') throw new Error('response lost');
    return answer;
  };
  /** The provider dedupes by key: an item's own, or that of the whole request, which is another each time. */
  const arrive = async (items: readonly AttemptInput[]) =>
    items.map(({ record, providerKey }) => {
      const key = oneKey && items.length > 1 ? `request${requests}/${record.key}` : providerKey;
      if (resend.kind !== 'key' || !keys.has(key)) log.push(record.key);
      keys.add(key);
      return applied;
    });
  const inner = memoryActionStore();
  const store: ActionStore = {
    ...inner,
    write: (next, guard) => through(() => inner.write(next, guard)),
    get: (key) => through(() => inner.get(key)),
  };
  const refused: WriteVerdict = { kind: 'not_applied', error: { class: 'transient', code: 'late', message: '' } };
  const deps: ManyDeps = {
    ...testKernel({
      store,
      clock,
      attempt: async (input) =>
        input.mayWrite() ? through(async () => (await arrive([input]))[0] ?? refused) : refused,
    }),
    batching: {
      plan: (calls) => [[...calls.keys()]],
      oneKey: () => oneKey,
      send: async ({ items, mayWrite }) => (mayWrite() ? through(() => arrive(items)) : items.map(() => refused)),
    },
  };
  const probe = async ({ record }: { readonly record: { readonly key: string } }): Promise<ProbeVerdict> => {
    if (log.includes(record.key)) return { kind: 'equal', data: {}, records: [] };
    return resend.kind === 'upsert' ? { kind: 'before' } : { kind: 'absent' };
  };
  const heal = () => {
    dead = false;
  };
  return { clock, log, deps, probe, heal, requests: () => requests };
}

/** All at once, then the tick for an hour, then all at once again. */
async function play(resend: ResendClass, oneKey: boolean, at: number, fault: Fault) {
  const run = matrix(resend, oneKey, at, fault);
  const requests = () =>
    actions.map((n) => {
      const bare = nthRequest(n, { resend });
      return { ...bare, requestDigest: run.deps.digest(bare.call), deadlineMs: run.clock.now() + 20_000 };
    });
  const keys = requests().map(({ identity }) => identity.key);
  const first = executeMany(run.deps, requests());
  await Promise.race([first, new Promise((resolve) => setTimeout(resolve, 20))]);
  const during = run.requests();
  run.heal();
  for (let minute = 0; minute < 30; minute += 1) {
    run.clock.advance(60_000);
    const deadlineMs = run.clock.now() + 20_000;
    const recheck = async () => ({ kind: 'go' }) as const;
    await workMany(
      run.deps,
      keys.map((key) => ({ key, deadlineMs, recheck, probeFor: () => run.probe })),
    );
  }
  const again = await executeMany(run.deps, requests());
  const last = again.map((one) => (one.status === 'fulfilled' ? one.value.outcome.kind : 'threw'));
  const effects = keys.map((key) => run.log.filter((one) => one === key).length);
  return { effects, last, during };
}

/** Requests of three actions where nothing goes wrong: three claims, one send, three completions. */
const whole = 7;

describe.each(kinds)('three actions in one request of class %o, one key for all: %s', (resend, oneKey) => {
  const cells = faults.flatMap((fault) => Array.from({ length: whole }, (_, n) => ({ fault, at: n + 1 })));

  it.each(cells)('have one effect each when request $at goes wrong: $fault', async ({ fault, at }) => {
    const { effects, last } = await play(resend, oneKey, at, fault);
    expect(effects).toEqual([1, 1, 1]);
    for (const outcome of last) expect(['replayed', 'applied']).toContain(outcome);
  });
});

it('the matrix covers every request of such a process', async () => {
  const { during, effects } = await play({ kind: 'probe', settleMs: 60_000 }, false, 0, 'before');
  expect({ during, effects }).toEqual({ during: whole, effects: [1, 1, 1] });
});
