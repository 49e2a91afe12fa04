import { expect, it } from 'vitest';
import { evidenceOf } from '../../shared/ledger/evidence.ts';
import { projectChange } from '../../shared/ledger/project.ts';
import { runView } from '../../shared/ledger/run-view.ts';
import type { LedgerEntry } from '../../shared/model/ledger-entry.ts';
import { callActionGet } from '../../shared/tools/action-get.ts';
import type { Call, CallDeps } from '../../shared/tools/call-deps.ts';
import { actionRecord, states, testKey, testNowMs } from '../kit/action-records.ts';
import { memoryLedgerStore } from '../kit/memory-ledger-store.ts';
import { memoryPayloadStore } from '../kit/memory-payload-store.ts';

const agent = 'agent:sales-assistant';
const id = `act_${testKey}_1`;

/** A ledger of one action whose owner's clock went back between its claim and its verdict. */
async function clockWentBack() {
  const [ledger, payloads] = [memoryLedgerStore(), memoryPayloadStore()];
  const started = actionRecord(states.started, { updatedAtMs: testNowMs });
  const done = actionRecord(states.succeeded, { updatedAtMs: testNowMs - 500, answerHash: 'e'.repeat(64) });
  await projectChange({ ledger, payloads }, { old: null, next: started });
  await projectChange({ ledger, payloads }, { old: started, next: done });
  return { ledger, payloads };
}

it('shows an action as applied though the clock of its owner went back', async () => {
  const { ledger } = await clockWentBack();
  expect((await runView(ledger, agent, 'run_1'))?.lines).toMatchObject([{ standing: 'applied' }]);
});

it('says of an earlier generation that it was applied though the clock of its owner went back', async () => {
  const { ledger } = await clockWentBack();
  const later = actionRecord(states.started, { gen: 2, epoch: 1_000_001 });
  const deps = { ledger, kernel: { store: { get: async () => later }, clock: { now: () => testNowMs } } };
  const call = { callId: 'call_2', principalId: agent, context: { runId: null }, warnings: [], deadlineMs: testNowMs };
  const answer = await callActionGet(deps as unknown as CallDeps, call as unknown as Call, id);
  expect([answer.status, answer.effect]).toEqual(['applied', 'applied']);
});

it('hands out the evidence of an action that was repeated without end in pages, and every call once', async () => {
  const { ledger, payloads } = await clockWentBack();
  const [first] = ledger.entries.filter((entry) => entry.kind === 'call') as Extract<LedgerEntry, { kind: 'call' }>[];
  for (let i = 0; i < 119; i += 1) {
    const answerHash = await payloads.put(new TextEncoder().encode(`answer ${i}`));
    await ledger.append({ ...(first as LedgerEntry), entryId: `repeat_${i}`, answerHash } as LedgerEntry);
  }
  const deps = { ledger, payloads, actions: { get: async () => null } };
  const pages: number[] = [];
  const seen = new Set<string>();
  for (let from: number | null = 0; from !== null; ) {
    const page = await evidenceOf(deps, id, from);
    pages.push(page?.calls.length ?? 0);
    for (const { entry } of page?.calls ?? []) seen.add(entry.entryId);
    from = page?.next ?? null;
  }
  expect([pages, seen.size]).toEqual([[50, 50, 20], 120]);
});
