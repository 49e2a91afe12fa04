import { beforeEach, describe, expect, it } from 'vitest';
import { evidenceOf, exhibitJson } from '../../shared/ledger/evidence.ts';
import { countLedgerChanges } from '../../shared/ledger/guard.ts';
import { operationEntry } from '../../shared/ledger/operations.ts';
import { projectChange } from '../../shared/ledger/project.ts';
import { runText } from '../../shared/ledger/run-text.ts';
import { runsOf, runView } from '../../shared/ledger/run-view.ts';
import { actionRecord, approval, states, testKey, testNowMs } from '../kit/action-records.ts';
import { memoryLedgerStore } from '../kit/memory-ledger-store.ts';
import { memoryPayloadStore } from '../kit/memory-payload-store.ts';

const sales = 'agent:sales-assistant';
const otherKey = 'hgfedcba'.repeat(5);

describe('a run', () => {
  let ledger: ReturnType<typeof memoryLedgerStore>;
  let payloads: ReturnType<typeof memoryPayloadStore>;

  beforeEach(async () => {
    // Small pages, so that whatever reads only the first one is found out.
    ledger = memoryLedgerStore(2);
    payloads = memoryPayloadStore();
    const deps = { ledger, payloads };
    const answerHash = await payloads.put(new TextEncoder().encode('{"status":"applied"}'));
    const contextHash = await payloads.put(new TextEncoder().encode('move Acme'));
    const started = actionRecord(states.started, { contextHash });
    const done = actionRecord(states.succeeded, { epoch: 2, answerHash, contextHash, updatedAtMs: testNowMs + 1000 });
    await projectChange(deps, { old: null, next: started });
    await projectChange(deps, { old: started, next: done });
    const waiting = actionRecord(states.awaiting, {
      key: otherKey,
      approval,
      tool: 'deal_create',
      effect: 'create',
      callId: 'call_2',
      answerHash,
      contextHash: null,
      updatedAtMs: testNowMs + 2000,
    });
    await projectChange(deps, { old: null, next: waiting });
    await ledger.append(
      operationEntry({
        entryId: 'notice:case_1:opened',
        atMs: testNowMs + 2100,
        what: 'case_opened',
        by: 'service:plumbline',
        principal: sales,
        runId: 'run_1',
        notified: 'revops-leads #revops-leads',
      }),
    );
  });

  it('says what ran, what was applied, what waits and who was notified, over several pages', async () => {
    expect(await runView(ledger, sales, 'run_1')).toMatchObject({
      calls: 2,
      actions: 2,
      counts: { applied: 1, waiting: 1 },
      records: ['hubspot/deal/501'],
      notified: ['revops-leads #revops-leads'],
      withoutContext: 1,
      truncated: false,
    });
  });

  it('is another run under another principal', async () => {
    expect(await runView(ledger, 'agent:support-assistant', 'run_1')).toBeNull();
  });

  it('is found by workflow and period', async () => {
    const found = await runsOf(ledger, 'monthly-close', '2026-10');
    expect(found.map(({ runId, principal, actions }) => [runId, principal, actions])).toEqual([['run_1', sales, 2]]);
  });

  it('is not found under another period', async () => {
    expect(await runsOf(ledger, 'monthly-close', '2026-11')).toEqual([]);
  });

  it('reads as a timeline', async () => {
    const view = await runView(ledger, sales, 'run_1');
    expect(view && runText(view).split('\n')).toEqual([
      'run_1  sales-assistant  monthly-close 2026-10  14:02:11 to 14:02:13  2 actions, 1 applied, 1 waiting',
      expect.stringMatching(
        /^ {2}14:02:11 {2}update {2}deal_update_stage {2}hubspot\/deal\/501 {2}applied, prompt [0-9a-f]{8}$/,
      ),
      '  14:02:13  create  deal_create        hubspot/deal/501  waiting, no prompt',
      '  notified revops-leads #revops-leads',
    ]);
  });

  it('keeps context and answer of an action byte for byte as evidence', async () => {
    const evidence = await evidenceOf({ ledger, payloads, actions: { get: async () => null } }, `act_${testKey}_1`);
    const [call] = evidence?.calls ?? [];
    expect([exhibitJson(call?.context ?? null), exhibitJson(call?.answer ?? null)]).toMatchObject([
      { text: 'move Acme', intact: true },
      { text: '{"status":"applied"}', intact: true },
    ]);
  });

  it('finds the model output of the call that made an action by its context', async () => {
    const put = (text: string) => payloads.put(new TextEncoder().encode(text));
    const contextHash = await put(JSON.stringify({ prompt: null, model_output_sha256: await put('"said"') }));
    const answerHash = await put('{}');
    const next = actionRecord(states.succeeded, { key: otherKey, callId: 'call_3', gen: 2, contextHash, answerHash });
    await projectChange({ ledger, payloads }, { old: null, next });
    const evidence = await evidenceOf({ ledger, payloads, actions: { get: async () => null } }, `act_${otherKey}_2`);
    expect(exhibitJson(evidence?.calls[0]?.modelOutput ?? null)).toMatchObject({ text: '"said"', intact: true });
  });

  it('says of an erased payload that it is erased', async () => {
    payloads.objects.clear();
    const evidence = await evidenceOf({ ledger, payloads, actions: { get: async () => null } }, `act_${testKey}_1`);
    expect(exhibitJson(evidence?.calls[0]?.context ?? null)).toMatchObject({ erased: true });
  });

  it('gives bytes that are not UTF-8 back exactly', () => {
    const bytes = new Uint8Array([0xff, 0x00, 0xef, 0xbb, 0xbf]);
    expect(exhibitJson({ kind: 'kept', hash: 'h', intact: true, bytes })).toMatchObject({ base64: '/wDvu78=' });
  });

  it('keeps a byte order mark of a text', () => {
    const bytes = new Uint8Array([0xef, 0xbb, 0xbf, 0x61]);
    expect(exhibitJson({ kind: 'kept', hash: 'h', intact: true, bytes })).toMatchObject({ text: '\ufeffa' });
  });

  it('has no evidence of an action nobody knows', async () => {
    expect(await evidenceOf({ ledger, payloads, actions: { get: async () => null } }, `act_${testKey}_2`)).toBeNull();
  });
});

describe('the guard of the ledger', () => {
  const byDynamo = { type: 'Service', principalId: 'dynamodb.amazonaws.com' };

  it('counts an expired entry that DynamoDB removed apart from tampering', () => {
    const changes = [
      { eventName: 'INSERT', ttl: null },
      { eventName: 'REMOVE', userIdentity: byDynamo, ttl: 100 },
      { eventName: 'REMOVE', ttl: 100 },
      { eventName: 'MODIFY', ttl: 100 },
    ];
    expect(countLedgerChanges(changes, 200_000)).toEqual({ added: 1, expired: 1, tampered: 2 });
  });

  it('counts a removal before the time of the entry as tampering', () => {
    expect(countLedgerChanges([{ eventName: 'REMOVE', userIdentity: byDynamo, ttl: 300 }], 200_000).tampered).toBe(1);
  });
});
