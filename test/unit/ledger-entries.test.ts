import { describe, expect, it } from 'vitest';
import { entriesOf, recordName } from '../../shared/ledger/entries.ts';
import { inOrder, projectChange } from '../../shared/ledger/project.ts';
import { sha256Hex } from '../../shared/model/ids.ts';
import { actionRecord, states, testKey, testNowMs } from '../kit/action-records.ts';
import { memoryLedgerStore } from '../kit/memory-ledger-store.ts';
import { memoryPayloadStore } from '../kit/memory-payload-store.ts';

const started = actionRecord(states.started);
const done = actionRecord(states.succeeded, { epoch: 2, answerHash: 'e'.repeat(64), updatedAtMs: testNowMs + 1000 });

describe('entries of an action', () => {
  it('names a transition by action, epoch and state', () => {
    expect(entriesOf(null, started).map((entry) => entry.entryId)).toEqual([`act_${testKey}_1:1:STARTED`]);
  });

  it('writes the call entry with the transition that carries its answer, and once', () => {
    const entries = [
      ...entriesOf(null, started),
      ...entriesOf(started, done),
      ...entriesOf(done, { ...done, attempts: 2 }),
    ];
    expect(entries.filter((entry) => entry.kind === 'call').map((entry) => entry.entryId)).toEqual(['call_1']);
  });

  it('writes no call entry where a worker moved the action and nobody was answered', () => {
    const queued = actionRecord({ state: 'RETRYABLE', dueMs: 1, failure: null }, { answerHash: 'e'.repeat(64) });
    const moved = actionRecord(states.succeeded, { epoch: 3, answerHash: null });
    expect(entriesOf(queued, moved).map((entry) => entry.kind)).toEqual(['transition']);
  });

  it('writes the entry of a later call that takes a queued action over', () => {
    const queued = actionRecord({ state: 'RETRYABLE', dueMs: 1, failure: null }, { answerHash: 'e'.repeat(64) });
    const moved = actionRecord(states.succeeded, { epoch: 3, callId: 'call_2', answerHash: 'e'.repeat(64) });
    expect(entriesOf(queued, moved).find((entry) => entry.kind === 'call')?.entryId).toBe('call_2');
  });

  it('writes nothing for a change that is no transition', () => {
    expect(entriesOf(done, { ...done, updatedAtMs: 9 })).toEqual([]);
  });

  it('says who decided, only on the transition that the decision made', () => {
    const decision = { by: 'person:ben@acme.example', atMs: testNowMs, reason: 'agreed' };
    const before = actionRecord(states.needsHuman);
    const settled = actionRecord(states.succeeded, { epoch: 2, decision });
    const later = actionRecord(states.started, { epoch: 3, gen: 2, decision });
    const by = [entriesOf(before, settled), entriesOf(settled, later)].map(([entry]) =>
      entry?.kind === 'transition' ? entry.by : undefined,
    );
    expect(by).toEqual([decision.by, null]);
  });

  it('keeps an e-mail address out of record names and equal records equal', () => {
    const name = recordName(['hubspot', 'contact', 'ann@acme.example']);
    expect(name).toMatch(/^hubspot\/contact\/~[0-9a-f]{20}$/);
    expect(recordName(['hubspot', 'contact', 'ann@acme.example'])).toBe(name);
  });
});

describe('projection of a change', () => {
  it('keeps before- and after-image where their hashes point', async () => {
    const deps = { ledger: memoryLedgerStore(), payloads: memoryPayloadStore() };
    const before = { inline: { stage: 'qualified' } };
    await projectChange(deps, { old: null, next: { ...started, before } });
    await projectChange(deps, { old: { ...started, before }, next: { ...done, before } });
    const last = deps.ledger.entries.find((entry) => entry.kind === 'transition' && entry.state === 'SUCCEEDED');
    expect(last).toMatchObject({
      beforeHash: sha256Hex('{"stage":"qualified"}'),
      afterHash: sha256Hex('{"id":"501"}'),
    });
    expect([...deps.payloads.objects.keys()].sort()).toEqual(
      [sha256Hex('{"stage":"qualified"}'), sha256Hex('{"id":"501"}')].sort(),
    );
  });

  it('handled twice leaves one entry a fact', async () => {
    const deps = { ledger: memoryLedgerStore(), payloads: memoryPayloadStore() };
    for (let i = 0; i < 2; i += 1) await projectChange(deps, { old: started, next: done });
    expect(deps.ledger.entries.map((entry) => entry.entryId)).toEqual([`act_${testKey}_1:2:SUCCEEDED`, 'call_1']);
  });

  it('writes nothing for a removed record', async () => {
    const deps = { ledger: memoryLedgerStore(), payloads: memoryPayloadStore() };
    await projectChange(deps, { old: done, next: null });
    expect(deps.ledger.entries).toEqual([]);
  });
});

describe('a batch of changes', () => {
  it('stops at the first failure and gives its sequence number back', async () => {
    const handled: string[] = [];
    const faults: unknown[] = [];
    const answer = await inOrder(
      ['1', '2', '3'],
      (record) => record,
      async (record) => {
        if (record === '2') throw new Error('down');
        handled.push(record);
      },
      (fault) => faults.push(fault),
    );
    expect({ answer, handled, faults: faults.length }).toEqual({
      answer: { batchItemFailures: [{ itemIdentifier: '2' }] },
      handled: ['1'],
      faults: 1,
    });
  });
});
