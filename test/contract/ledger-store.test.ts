import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dynamoLedgerStore } from '../../shared/aws/ledger-store.ts';
import { operationEntry } from '../../shared/ledger/operations.ts';
import type { LedgerStore } from '../../shared/ledger/ports.ts';
import { givenEndpoints, startDynamo, type TestDynamo } from '../kit/dynamo.ts';
import { memoryLedgerStore } from '../kit/memory-ledger-store.ts';

const atMs = Date.UTC(2026, 9, 5);
const key = 'abcdefgh'.repeat(5);

function entry(entryId: string, over: object = {}) {
  return operationEntry({ entryId, atMs, what: 'tested', by: 'agent:a', ...over });
}

const targets: readonly (string | undefined | 'memory')[] = ['memory', undefined, ...givenEndpoints()];

describe.each(targets.map((target) => [target ?? 'embedded', target] as const))(
  'a ledger store (%s)',
  (_name, target) => {
    let dynamo: TestDynamo | null = null;
    let store: LedgerStore;

    beforeAll(async () => {
      if (target === 'memory') {
        store = memoryLedgerStore();
        return;
      }
      dynamo = await startDynamo(target);
      store = dynamoLedgerStore({ client: dynamo.client, table: dynamo.names.ledger });
    });

    afterAll(() => dynamo?.stop());

    it('writes an entry once and keeps the first', async () => {
      const answers = [await store.append(entry('e1')), await store.append(entry('e1', { reason: 'another' }))];
      expect([answers, (await store.get('e1'))?.kind === 'operation' && (await store.get('e1'))]).toMatchObject([
        ['written', 'exists'],
        { reason: null },
      ]);
    });

    it('lets one of many writers of one entry write', async () => {
      const all = await Promise.all(Array.from({ length: 20 }, () => store.append(entry('e2'))));
      expect(all.filter((one) => one === 'written')).toHaveLength(1);
    });

    it('finds a run under its own principal only', async () => {
      await store.append(entry('r1', { runId: 'run_x' }));
      await store.append(entry('r2', { runId: 'run_x', principal: 'agent:b' }));
      const ids = async (principal: string) =>
        (await store.byRun(principal, 'run_x', null)).entries.map((one) => one.entryId);
      expect([await ids('agent:a'), await ids('agent:b'), await ids('agent:')]).toEqual([['r1'], ['r2'], []]);
    });

    it('gives every entry once over several pages, oldest first', async () => {
      const ids = Array.from({ length: 230 }, (_, i) => `p${String(i).padStart(3, '0')}`);
      for (const [i, id] of ids.entries()) await store.append(entry(id, { atMs: atMs + i, runId: 'run_long' }));
      const found: string[] = [];
      let cursor: string | null = null;
      do {
        const page: Awaited<ReturnType<LedgerStore['byRun']>> = await store.byRun('agent:a', 'run_long', cursor);
        found.push(...page.entries.map((one) => one.entryId));
        cursor = page.cursor;
      } while (cursor !== null);
      expect(found).toEqual(ids);
    });

    it('finds entries by action, record, day and workflow', async () => {
      const facts = { actionId: `act_${key}_1`, record: 'hubspot/deal/501', workflow: 'close', period: '2026-10' };
      await store.append(entry('f1', { ...facts, principal: 'agent:f' }));
      const pages = await Promise.all([
        store.byAction(key, null),
        store.byRecord('hubspot/deal/501', null),
        store.byPrincipalDay('agent:f', '2026-10-05', null),
        store.byWorkflow('close', '2026-10', null),
      ]);
      expect(pages.map((page) => page.entries.map((one) => one.entryId))).toEqual([['f1'], ['f1'], ['f1'], ['f1']]);
    });

    it('keeps workflows apart whose names run into each other', async () => {
      await store.append(entry('w1', { workflow: 'a#b', period: 'c' }));
      expect((await store.byWorkflow('a', 'b#c', null)).entries).toEqual([]);
    });

    it('does not know an entry that was never written', async () => {
      expect(await store.get('nothing')).toBeNull();
    });
  },
);
