import { isDeepStrictEqual } from 'node:util';
import { describe, expect, it } from 'vitest';
import { executeMany } from '../../shared/action/many.ts';
import type { SendInput, SendResult } from '../../shared/connectors/sender.ts';
import type { Json } from '../../shared/model/json.ts';
import type {
  BatchForm,
  BatchVerdict,
  Classified,
  FailureClass,
  PlannedCall,
  WriteOperation,
  WriteVerdict,
} from '../../shared/model/operation.ts';
import { makeAttempt, type SystemDeps } from '../../shared/tools/attempt.ts';
import { believed, makeBatching, planRequests } from '../../shared/tools/batch.ts';
import { kindsOf, nthRequest } from '../kit/batching.ts';
import { testKernel } from '../kit/kernel.ts';
import { applied } from '../kit/scripted-attempts.ts';

const refusal = (kind: FailureClass): WriteVerdict & { kind: 'not_applied' } => ({
  kind: 'not_applied',
  error: { class: kind, code: kind, message: '' },
});
const call = (n: number, over: Partial<PlannedCall> = {}): PlannedCall => ({
  operation: 'shop.items.set',
  system: 'shop',
  input: { n },
  ...over,
});
const nOf = (input: Json) => Number((input as { n: number }).n);

/** A product whose requests carry the numbers of their items; `judge` says what an answer means. */
function shop(given: Partial<BatchForm> = {}) {
  const batch: BatchForm = {
    maxItems: 4,
    mode: 'each',
    keyed: 'item',
    group: () => '',
    request: ({ providerKey }, items) => ({
      method: 'POST',
      path: `/batch/${providerKey}`,
      body: { json: items.map(({ input }) => nOf(input)) },
    }),
    judge: (_answer, items) => ({ kind: 'items', verdicts: items.map(() => applied) }),
    ...given,
  };
  const operation: WriteOperation = {
    ...{ kind: 'write', id: 'shop.items.set', connector: 'shop', effect: 'create', scopes: [] },
    resend: { kind: 'probe', settleMs: 1000 },
    undo: { kind: 'none', why: '' },
    request: ({ providerKey }, input) => ({
      method: 'POST',
      path: `/one/${providerKey}`,
      body: { json: [nOf(input)] },
    }),
    judge: (answer) => (answer.status === 200 ? applied : refusal('business')),
    batch,
  };
  const sent: SendInput[] = [];
  const answers: SendResult[] = [];
  const off = new Set<string>();
  const system: { -readonly [K in keyof SystemDeps]: SystemDeps[K] } = {
    send: async (input) => {
      sent.push(input);
      return answers.shift() ?? { kind: 'answer', answer: { status: 200, headers: {}, bodyText: '' }, fetchedAtMs: 0 };
    },
    operations: (id) => (id === operation.id ? operation : null),
    systems: { shop: { apiVersion: '1' }, other: { apiVersion: '1' } } as unknown as SystemDeps['systems'],
    control: {
      check: async ({ runId }) => (off.has(String(runId)) ? { kind: 'off', what: 'run', reason: '' } : { kind: 'on' }),
    },
  };
  const kernel = testKernel({ attempt: makeAttempt(system) });
  const run = (count: number) =>
    executeMany(
      { ...kernel, batching: makeBatching(system) },
      Array.from({ length: count }, (_, n) => {
        const context = { ...nthRequest(n).context, runId: `run${n}` };
        return nthRequest(n, { call: call(n), context, deadlineMs: kernel.clock.now() + 20_000 });
      }),
    );
  const bodies = () => sent.map(({ spec }) => (spec.body && 'json' in spec.body ? spec.body.json : null));
  return { run, sent, answers, off, bodies, batch, kernel, system };
}

describe('a plan of requests', () => {
  const form = shop().batch;
  const plan = (calls: readonly PlannedCall[], over: Partial<BatchForm> = {}) =>
    planRequests(calls, ({ operation }) => (operation === 'shop.items.set' ? { ...form, ...over } : null));

  it('makes ceil(n / maxItems) of what may go together', () => {
    expect(plan(Array.from({ length: 9 }, (_, n) => call(n))).map((group) => group.length)).toEqual([4, 4, 1]);
  });

  it('keeps systems, operations and groups apart', () => {
    const calls = [call(0), call(1, { system: 'other' }), call(2), call(3, { operation: 'shop.items.add' }), call(4)];
    expect(plan(calls)).toEqual([[0, 2, 4], [1], [3]]);
    expect(plan(calls, { group: (input) => (nOf(input) === 2 ? null : 'g') })).toEqual([[0, 4], [1], [2], [3]]);
  });

  it('never names a record twice in one request', () => {
    const calls = Array.from({ length: 5 }, (_, n) => call(n));
    expect(plan(calls, { same: (input) => String(nOf(input) % 2) })).toEqual([[0, 1], [2, 3], [4]]);
  });

  it('leaves an input that its form cannot read to itself', () => {
    const group = (input: Json) => {
      if (nOf(input) === 1) throw new Error('no number');
      return '';
    };
    expect(plan([call(0), call(1), call(2)], { group })).toEqual([[0, 2], [1]]);
  });
});

describe('a shared request', () => {
  it('carries all, under a key of its own', async () => {
    const { run, sent, bodies } = shop();
    await run(3);
    await run(0);
    expect(bodies()).toEqual([[0, 1, 2]]);
    expect(sent[0]?.spec.path).toMatch(/^\/batch\/req_[0-9a-f]{40}$/);
    const again = shop();
    await again.kernel.clock.sleep(1);
    await again.run(3);
    expect(again.sent[0]?.spec.path).not.toBe(sent[0]?.spec.path);
  });

  it('that cannot be made sends each alone, and one that throws leaves the outcomes of the others known', async () => {
    const request = () => {
      throw new TypeError('an item that does not go with the others');
    };
    const world = shop({ request });
    const inner = world.system.send;
    world.system.send = async (input) => {
      const body = input.spec.body && 'json' in input.spec.body ? input.spec.body.json : null;
      if (isDeepStrictEqual(body, [1])) throw new TypeError('no address');
      return inner(input);
    };
    expect(await kindsOf(world.run(3))).toEqual(['applied', 'unknown', 'applied']);
  });

  it('leaves out what a person switched off', async () => {
    const { run, off, bodies } = shop();
    off.add('run1');
    expect(await kindsOf(run(3))).toEqual(['applied', 'queued', 'applied']);
    expect(bodies()).toEqual([[0, 2]]);
  });

  it('is not sent where all are switched off, and is the single operation where one is left', async () => {
    const { run, off, sent } = shop();
    for (const n of [0, 1]) off.add(`run${n}`);
    expect(await kindsOf(run(2))).toEqual(['queued', 'queued']);
    expect(sent).toEqual([]);
    expect(await kindsOf(shop().run(1))).toEqual(['applied']);
    const three = shop();
    for (const n of [0, 1]) three.off.add(`run${n}`);
    expect(await kindsOf(three.run(3))).toEqual(['queued', 'queued', 'applied']);
    expect(three.sent[0]?.spec.path).toMatch(/^\/one\/act_/);
  });

  const lostError: Classified = { class: 'unknown_outcome', code: 'reset', message: '' };
  it.each<[string, SendResult, string]>([
    [
      'that was not sent leaves all for later',
      { kind: 'not_sent', error: { ...lostError, class: 'transient' } },
      'queued',
    ],
    ['that was lost leaves all unknown', { kind: 'lost', error: lostError }, 'unknown'],
  ])('%s', async (_name, result, outcome) => {
    const { run, answers } = shop();
    answers.push(result);
    expect(await kindsOf(run(3))).toEqual(Array(3).fill(outcome));
  });

  const whole = (bad: readonly number[], kind: FailureClass): BatchForm['judge'] => {
    return (_answer, items): BatchVerdict =>
      items.some(({ input }) => bad.includes(nOf(input)))
        ? { kind: 'whole', verdict: refusal(kind) }
        : { kind: 'items', verdicts: items.map(() => applied) };
  };

  it('that is refused as a whole because of an item is sent again in halves, until it is found', async () => {
    const { run, bodies, answers } = shop({ judge: whole([2], 'business') });
    const ok: SendResult = { kind: 'answer', answer: { status: 200, headers: {}, bodyText: '' }, fetchedAtMs: 0 };
    const bad: SendResult = { kind: 'answer', answer: { status: 400, headers: {}, bodyText: '' }, fetchedAtMs: 0 };
    answers.push(ok, ok, ok, bad);
    expect(await kindsOf(run(4))).toEqual(['applied', 'applied', 'failed', 'applied']);
    expect(bodies()).toEqual([[0, 1, 2, 3], [0, 1], [2, 3], [2], [3]]);
  });

  it.each(['rate', 'transient', 'auth', 'permission'] as const)('that is refused for %s is not', async (kind) => {
    const { run, sent } = shop({ judge: whole([2], kind) });
    const outcome = kind === 'rate' || kind === 'transient' ? 'queued' : 'failed';
    expect(await kindsOf(run(4))).toEqual(Array(4).fill(outcome));
    expect(sent).toHaveLength(1);
  });

  it('that cannot be built goes one by one', async () => {
    const { run, bodies } = shop({
      request: () => {
        throw new Error('too long');
      },
    });
    expect(await kindsOf(run(3))).toEqual(['applied', 'applied', 'applied']);
    expect(bodies().map(String).toSorted()).toEqual(['0', '1', '2']);
  });

  it('whose judge fails leaves all unknown', async () => {
    const { run } = shop({
      judge: () => {
        throw new Error('null');
      },
    });
    expect(await kindsOf(run(2))).toEqual(['unknown', 'unknown']);
  });
});

describe('verdicts that cannot be true', () => {
  const items = (...verdicts: WriteVerdict[]): BatchVerdict => ({ kind: 'items', verdicts });
  const unknown = { kind: 'whole', verdict: { kind: 'unknown', error: { code: 'incomplete_batch' } } };

  it('are believed of no item', () => {
    const torn = items(applied, refusal('business'));
    expect(believed({ mode: 'all_or_none' }, torn, 2)).toMatchObject(unknown);
    expect(believed({ mode: 'each' }, torn, 2)).toBe(torn);
    expect(believed({ mode: 'each' }, torn, 3)).toMatchObject(unknown);
  });

  it('do not hold back what was rolled back, or applied, as a whole', () => {
    for (const same of [items(applied, applied), items(refusal('transient'), refusal('business'))])
      expect(believed({ mode: 'all_or_none' }, same, 2)).toBe(same);
  });
});
