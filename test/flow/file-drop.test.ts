import { afterAll, beforeAll, expect, it } from 'vitest';
import type { AppliedEffect } from '../../infra/local/systems/effect-log.ts';
import { startToolWorld, type ToolWorld } from '../kit/tool-world.ts';

let world: ToolWorld;
beforeAll(async () => {
  world = await startToolWorld();
});
afterAll(() => world?.close());

const head = 'article,pieces,deliver_to,wanted_on,po_number,remark';
const rows = (count: number, name: string) =>
  Array.from({ length: count }, (_, i) => `${100_007 + (i % 10) * 7},1,,2026-12-01,${name}-${i},`);

function drop(name: string, lines: readonly string[]): void {
  const text = `${[head, ...lines].join('\r\n')}\r\n`;
  const bucket = world.tableName('PAYLOAD_BUCKET');
  world.local.standIns.objects.put(bucket, `files/purchase-orders/${name}`, new TextEncoder().encode(text));
}

async function orders(): Promise<readonly AppliedEffect[]> {
  const { url = '' } = world.local.simulators.get('supplier-portal') ?? {};
  const { effects } = (await (await fetch(`${url}/_effects`)).json()) as { effects: readonly AppliedEffect[] };
  return effects;
}

const mine = async () => (await world.records()).filter(({ principal }) => principal === 'agent:purchase-order-files');

/** Makes what was begun before a time as old as a lease, and what is unknown as old as the time in which effects show. */
const endLeases = (beforeMs: number) =>
  world.age(300_000, (one) => one.state === 'UNKNOWN' || (one.state === 'STARTED' && one.updatedAtMs < beforeMs));

/** Waits until nothing is under way that a killed worker began. */
const settleUpTo = (beforeMs: number) =>
  world.until('what was under way is settled', async () => {
    await endLeases(beforeMs);
    await world.local.pollers.fire('tick');
    return (await mine()).every(({ state }) => state === 'SUCCEEDED');
  });

type Told = { readonly cases: readonly { readonly reason: string; readonly detail: string; readonly owner: string }[] };
const cases = async () => {
  const told = (await world.operator('dev', 'GET', '/v1/cases')).json as Told;
  return told.cases.filter(({ reason }) => reason.startsWith('file_'));
};

it('carries out the rows of a file in the bucket, and opens a case for the bad ones', async () => {
  drop('good.csv', [...rows(3, 'GOOD'), '100007,many,,,GOOD-9,']);
  const [fired] = await world.local.pollers.fire('file-drop');
  expect(fired).toMatchObject({ kind: 'returned' });
  expect(await orders()).toHaveLength(3);
  expect((await mine()).map(({ state }) => state)).toEqual(['SUCCEEDED', 'SUCCEEDED', 'SUCCEEDED']);
  expect(await cases()).toMatchObject([{ reason: 'file_bad_rows', owner: 'revops' }]);
  expect((await cases())[0]?.detail).toContain('line 5: "pieces" is no number');
  await world.local.pollers.fire('file-drop');
  expect([(await orders()).length, (await cases()).length]).toEqual([3, 1]);
});

it('carries out every row once when the worker is killed again and again', async () => {
  const before = (await orders()).length;
  drop('killed.csv', rows(60, 'KILLED'));
  let dead = 0;
  for (const after of [5, 20, 40]) {
    // The row that a killed worker was at waits for the end of its lease, and those behind it for that row.
    await settleUpTo(dead);
    const round = world.local.pollers.fire('file-drop').catch(() => []);
    await world.until('some rows are done', async () => (await orders()).length >= before + after);
    await world.local.pool('file-drop').kill('SIGKILL');
    await round;
    dead = Date.now();
  }
  await world.until(
    'every row is settled',
    async () => {
      await endLeases(dead);
      await Promise.all([world.local.pollers.fire('file-drop'), world.local.pollers.fire('tick')]);
      const all = await mine();
      return all.length === 63 && all.every(({ state }) => state === 'SUCCEEDED');
    },
    60_000,
  );
  const made = (await orders()).slice(before).map(({ key }) => key);
  expect([made.length, new Set(made).size]).toEqual([60, 60]);
}, 120_000);
