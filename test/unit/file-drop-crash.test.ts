import { afterEach, describe, expect, it } from 'vitest';
import type { FileDeps } from '../../shared/files/work-file.ts';
import { changeControl } from '../../shared/policy/control.ts';
import { dueWorker } from '../../shared/tools/work-due.ts';
import { type FileWorld, fileWorld } from '../kit/portal-files.ts';

let files: FileWorld;
afterEach(() => files.close());

const key = 'files/purchase-orders/2026-11-20.csv';
const head = 'article,pieces,deliver_to,wanted_on,po_number,remark';
const row = (n: number, pieces: number | string = 1) =>
  `${100_007 + ((Math.floor(n / 1000) + n) % 10) * 7},${pieces},,2026-12-01,PO-${n},`;
const csv = (...rows: readonly string[]) => `${[head, ...rows].join('\n')}\n`;

class Dead extends Error {}

/** Everything the worker asks of the world, until it dies at the `nth` thing: before it is asked, or before it hears the answer. */
function mortal(deps: FileDeps, nth: number, when: 'before' | 'after'): { deps: FileDeps; asked: () => number } {
  let asked = 0;
  const die = async <T>(ask: () => Promise<T>): Promise<T> => {
    asked += 1;
    if (asked > nth || (asked === nth && when === 'before')) throw new Dead();
    const answer = await ask();
    if (asked >= nth) throw new Dead();
    return answer;
  };
  const wrapped = <T extends object>(port: T): T =>
    new Proxy(port, {
      get(target, name) {
        const found: unknown = Reflect.get(target, name);
        if (typeof found !== 'function' || name === 'list') return found;
        return (...given: unknown[]) => die(async () => (found as (...all: unknown[]) => unknown).apply(target, given));
      },
    });
  const { kernel, send } = deps;
  return {
    asked: () => asked,
    deps: {
      ...deps,
      ...{ drops: wrapped(deps.drops), cursors: wrapped(deps.cursors), cases: wrapped(deps.cases) },
      ...{ budgets: wrapped(deps.budgets), ledger: wrapped(deps.ledger), payloads: wrapped(deps.payloads) },
      send: (input) => die(() => send(input)),
      kernel: { ...kernel, store: wrapped(kernel.store), payloads: wrapped(kernel.payloads) },
    },
  };
}

/** What the tick and its worker do with what a dead process left behind, until nothing is open. */
async function bringToAnEnd({ deps, clock }: FileWorld) {
  const work = dueWorker(deps);
  for (let step = 0; step < 60; step += 1) {
    const [next] = await deps.kernel.store.due({ shard: 0, byMs: Number.MAX_SAFE_INTEGER, limit: 100 });
    if (!next) return;
    clock.advance(Math.max(0, next.dueMs - clock.now()) + 1);
    await work([{ messageId: 'm', body: JSON.stringify({ key: next.key }) }], 60_000);
  }
  throw new Error('something stays open');
}

const content = csv(row(1), row(2), row(3, 'x'), row(4));
const quantities = () => files.orders().map(({ properties }) => properties.quantity);

async function dieAndGoOn(nth: number, when: 'before' | 'after') {
  files = await fileWorld();
  files.drops.drop(key, content);
  const dying = mortal(files.deps, nth, when);
  const ended = await files.round(dying.deps).then(
    () => 'alive',
    () => 'dead',
  );
  for (let round = 0; round < 3; round += 1) {
    await files.round();
    await bringToAnEnd(files);
    files.clock.advance(60_000);
  }
  return { ended, asked: dying.asked() };
}

describe.each(['before', 'after'] as const)('a worker that dies %s the n-th thing it asks for', (when) => {
  it('leaves every row carried out once, and bad rows in one case', async () => {
    let nth = 0;
    for (let ended = 'dead'; ended === 'dead'; ) {
      nth += 1;
      ({ ended } = await dieAndGoOn(nth, when));
      const seen = `dead ${when} ${nth}`;
      expect([seen, quantities()]).toEqual([seen, [1, 1, 1]]);
      expect([seen, files.cursor()?.phase, files.cursor()?.rows, files.cursor()?.bad]).toEqual([seen, 'done', 4, 1]);
      expect([seen, files.cases().map(({ reason }) => reason)]).toEqual([seen, ['file_bad_rows']]);
      await files.close();
    }
    expect(nth).toBeGreaterThan(20);
    files = await fileWorld();
  }, 120_000);
});

it('two workers at one file at once carry out every row once', async () => {
  files = await fileWorld();
  files.drops.drop(key, csv(...Array.from({ length: 30 }, (_, i) => row(i))));
  await Promise.all([files.round(), files.round(), files.round()]);
  await files.round();
  await bringToAnEnd(files);
  expect([files.orders().length, files.cursor()?.phase]).toEqual([30, 'done']);
});

it('a file that is replaced while it is worked on is never read half old and half new', async () => {
  files = await fileWorld();
  files.drops.drop(key, csv(...Array.from({ length: 150 }, (_, i) => row(i))));
  let written = 0;
  const cursors: FileDeps['cursors'] = {
    get: files.cursors.get,
    write: async (next, epoch) => {
      written += 1;
      if (written === 3) files.drops.drop(key, csv(row(500)));
      return files.cursors.write(next, epoch);
    },
  };
  await files.round({ cursors });
  await files.round();
  expect(files.orders()).toHaveLength(101);
});

describe('rows that cannot be carried out now', () => {
  const off = (reason: string | null) =>
    changeControl(files.world.control, files.clock.now(), (control) => ({
      ...control,
      allOff: reason === null ? null : { by: 'dev', atMs: 0, reason, untilMs: null },
    }));

  it('wait while everything is switched off, open a case after an hour, and are carried out afterwards', async () => {
    files = await fileWorld();
    files.drops.drop(key, csv(row(1), row(2)));
    await off('Month end.');
    await files.round();
    expect(files.cursor()).toMatchObject({ phase: 'waits', rows: 0, line: 2 });
    expect(files.cases()).toEqual([]);
    files.clock.advance(3_600_001);
    await files.round();
    expect(files.cases()).toMatchObject([{ reason: 'file_waits', owner: 'revops', title: `${key} waits at line 2` }]);
    files.clock.advance(60_000);
    await files.round();
    expect(files.cases()).toMatchObject([{ state: 'OPEN' }]);
    await off(null);
    files.clock.advance(4000);
    await files.round();
    expect([files.orders().length, files.cursor()?.phase]).toEqual([2, 'done']);
    expect(files.cases()).toMatchObject([{ reason: 'file_waits', state: 'RESOLVED' }]);
  });

  it('wait for the budget of their agent, and none is lost', async () => {
    files = await fileWorld((config) => {
      const agent = config.agents['purchase-order-files'];
      if (!agent) throw new Error('no such agent');
      const budgets = { create: { atMost: 2, windowMs: 3_600_000 } };
      return { ...config, agents: { ...config.agents, 'purchase-order-files': { ...agent, budgets } } };
    });
    files.drops.drop(key, csv(row(1), row(2), row(3), row(4), row(5)));
    const seen: number[] = [];
    for (let hour = 0; hour < 3; hour += 1) {
      await files.round();
      seen.push(files.orders().length);
      files.clock.advance(3_600_000);
    }
    expect([seen, files.cursor()?.phase]).toEqual([[2, 4, 5], 'done']);
  });

  it('are not begun while their system takes no more: one waits as an action, the others in the file', async () => {
    files = await fileWorld();
    files.drops.drop(key, csv(row(1), row(2), row(3)));
    files.portal.addFault({ kind: 'rate_limited', times: 1, match: { method: 'POST' } });
    const begun = files.clock.now();
    await files.round();
    expect([files.orders().length, files.cursor()?.rows]).toEqual([2, 3]);
    expect(files.clock.now() - begun).toBeGreaterThanOrEqual(1000);
    await bringToAnEnd(files);
    expect([files.orders().length, files.cursor()?.bad]).toEqual([3, 0]);
  });

  it('end the round where their system takes no more for longer than it lasts', async () => {
    files = await fileWorld();
    files.drops.drop(key, csv(row(1), row(2), row(3)));
    const down: FileDeps['send'] = async () => ({
      kind: 'not_sent',
      error: { class: 'transient', code: 'circuit_open', message: '', retryAfterMs: 600_000 },
    });
    await files.round({ send: down });
    expect(files.cursor()).toMatchObject({ phase: 'rows', rows: 1, line: 3 });
    await files.round();
    await bringToAnEnd(files);
    expect([files.orders().length, files.cursor()?.phase]).toEqual([3, 'done']);
  });

  it('wait for an approval where policy asks for one, each row on its own', async () => {
    files = await fileWorld((config) => ({
      ...config,
      policies: {
        ...config.policies,
        approvals: [{ when: { tool: 'portal_order_create', quantity: 7 }, by: 'revops-leads', within: 3_600_000 }],
      },
    }));
    files.drops.drop(key, csv(row(1), row(2, 7), row(3)));
    await files.round();
    expect([files.orders().length, files.cursor()?.phase, files.cursor()?.bad]).toEqual([2, 'done', 0]);
    const [waiting] = await files.deps.kernel.store.due({ shard: 0, byMs: Number.MAX_SAFE_INTEGER, limit: 9 });
    expect(await files.deps.kernel.store.get(waiting?.key ?? '')).toMatchObject({ state: 'AWAITING_APPROVAL' });
  });
});

it('a hundred thousand rows hold one part of the file', async () => {
  files = await fileWorld();
  const width = row(100_000, 'x').length + 1;
  const rows = 100_000;
  const size = head.length + 1 + rows * width;
  const lineAt = (i: number) => `${row(100_000 + i, i % 1000 === 0 ? 1 : 'x')}\n`;
  let [held, reads] = [0, 0];
  const drops: FileDeps['drops'] = {
    async *list() {
      yield { key, etag: '"big"', size };
    },
    async read(_file, from, length) {
      held = Math.max(held, length);
      reads += 1;
      const first = Math.max(0, Math.floor((from - head.length - 1) / width));
      const many = Math.min(rows - first, Math.ceil(length / width) + 2);
      const text =
        (from <= head.length ? `${head}\n` : '') + Array.from({ length: many }, (_, i) => lineAt(first + i)).join('');
      const skip = from <= head.length ? from : from - head.length - 1 - first * width;
      return new TextEncoder().encode(text).slice(skip, skip + Math.min(length, size - from));
    },
  };
  const begun = process.memoryUsage().rss;
  await files.round({ drops });
  const grown = process.memoryUsage().rss - begun;
  expect(files.cursor()).toMatchObject({ phase: 'done', rows, bad: rows - 100 });
  expect([files.orders().length, held, reads > 1000]).toEqual([100, 4_194_304, true]);
  expect(files.cases()[0]?.detail).toContain(`… and ${rows - 150} more.`);
  expect(grown).toBeLessThan(200 * 1_048_576);
}, 60_000);
