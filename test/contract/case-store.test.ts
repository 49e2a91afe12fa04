import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dynamoCaseStore } from '../../shared/aws/case-store.ts';
import type { CaseStore } from '../../shared/ledger/ports.ts';
import type { CaseOpening } from '../../shared/model/case.ts';
import { systemRandom } from '../../shared/model/clock.ts';
import { givenEndpoints, startDynamo, type TestDynamo } from '../kit/dynamo.ts';
import { memoryCaseStore } from '../kit/memory-case-store.ts';

const now = Date.UTC(2026, 9, 5);
const resolution = { by: 'person:ben@acme.example', atMs: now + 5, reason: 'looked', decision: 'done' };

function opening(dedupeKey: string, over: Partial<CaseOpening> = {}): CaseOpening {
  return {
    kind: 'exception',
    reason: 'outcome_unknown',
    title: 'A title',
    detail: 'A detail',
    owner: 'revops',
    actionId: null,
    runId: null,
    system: 'hubspot',
    eventIdentity: null,
    facts: { tool: 'deal_create' },
    dedupeKey,
    dueInMs: 1000,
    ...over,
  };
}

const targets: readonly (string | undefined)[] = ['memory', undefined, ...givenEndpoints()];

describe.each(targets.map((target) => [target ?? 'embedded', target] as const))(
  'a case store (%s)',
  (_name, target) => {
    let dynamo: TestDynamo | null = null;
    let store: CaseStore;

    beforeAll(async () => {
      if (target === 'memory') {
        store = memoryCaseStore();
        return;
      }
      dynamo = await startDynamo(target);
      store = dynamoCaseStore({ client: dynamo.client, table: dynamo.names.cases, random: systemRandom });
    });

    afterAll(() => dynamo?.stop());

    it('reads a case as it was opened', async () => {
      const { dedupeKey: _key, dueInMs: _due, ...said } = opening('read');
      const made = await store.open(opening('read'), now);
      expect(await store.get(made.caseId)).toEqual({
        ...said,
        caseId: made.caseId,
        state: 'OPEN',
        openedAtMs: now,
        dueAtMs: now + 1000,
        escalatedAtMs: null,
        resolution: null,
      });
    });

    it('opens one case a dedupe key, also at once', async () => {
      const all = await Promise.all(Array.from({ length: 8 }, () => store.open(opening('once'), now)));
      expect(new Set(all.map((one) => one.caseId)).size).toBe(1);
    });

    it('opens another case after the first is resolved', async () => {
      const first = await store.open(opening('again'), now);
      await store.resolve(first.caseId, resolution);
      expect((await store.open(opening('again'), now + 1)).caseId).not.toBe(first.caseId);
    });

    it('is resolved by one of two people', async () => {
      const { caseId } = await store.open(opening('race'), now);
      const both = await Promise.all([
        store.resolve(caseId, resolution),
        store.resolve(caseId, { ...resolution, by: 'b' }),
      ]);
      expect([both.sort(), (await store.get(caseId))?.state]).toEqual([['lost', 'resolved'], 'RESOLVED']);
    });

    it('settles the open case of a key, and no other', async () => {
      const [one, other] = [await store.open(opening('s1'), now), await store.open(opening('s2'), now)];
      await store.settle('s1', resolution);
      await store.settle('unheard of', resolution);
      const states = await Promise.all([one, other].map(async ({ caseId }) => (await store.get(caseId))?.state));
      expect(states).toEqual(['RESOLVED', 'OPEN']);
    });

    it('escalates once, and keeps that through its resolution', async () => {
      const { caseId } = await store.open(opening('escalate'), now);
      const answers = [await store.escalate(caseId, now + 2000), await store.escalate(caseId, now + 3000)];
      await store.resolve(caseId, resolution);
      answers.push(await store.escalate(caseId, now + 4000));
      expect([answers, (await store.get(caseId))?.escalatedAtMs]).toEqual([['escalated', 'lost', 'lost'], now + 2000]);
    });

    it('lists the cases of an owner by due time, over several pages', async () => {
      const opened: string[] = [];
      for (let i = 0; i < 60; i += 1) {
        const { caseId } = await store.open(opening(`list${i}`, { owner: 'support', dueInMs: 60_000 - i * 1000 }), now);
        opened.unshift(caseId);
      }
      const found: string[] = [];
      let cursor: string | null = null;
      do {
        const page: Awaited<ReturnType<CaseStore['list']>> = await store.list({
          state: 'OPEN',
          owner: 'support',
          cursor,
        });
        found.push(...page.cases.map((one) => one.caseId));
        cursor = page.cursor;
      } while (cursor !== null);
      expect(found).toEqual(opened);
    });

    it('does not list a resolved case as open', async () => {
      const { caseId } = await store.open(opening('gone', { owner: 'platform' }), now);
      await store.resolve(caseId, resolution);
      const ids = async (state: 'OPEN' | 'RESOLVED') =>
        (await store.list({ state, owner: 'platform', cursor: null })).cases.map((one) => one.caseId);
      expect([await ids('OPEN'), await ids('RESOLVED')]).toEqual([[], [caseId]]);
    });
  },
);
