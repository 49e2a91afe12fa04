import type { ActionBase, ActionRecord, ActionState } from '../../shared/model/action.ts';

/** A valid action key for tests. */
export const testKey = 'abcdefgh'.repeat(5);

/** When the records of tests were made. */
export const testNowMs = Date.UTC(2026, 9, 5, 14, 2, 11);

/** An action record in the given state; `over` replaces what every state shares. */
export function actionRecord(state: ActionState, over: Partial<ActionBase> = {}): ActionRecord {
  return {
    key: testKey,
    gen: 1,
    epoch: 1,
    intentHash: 'a'.repeat(64),
    inputHash: 'b'.repeat(64),
    tool: 'deal_update_stage',
    effect: 'update',
    principal: 'agent:sales-assistant',
    occasion: 'run',
    windowMs: null,
    system: 'hubspot',
    operation: 'deals.update',
    resend: { kind: 'upsert', settleMs: 300_000 },
    intent: { inline: { deal_id: '501', stage: 'contractsent' } },
    requestDigest: 'c'.repeat(64),
    before: null,
    target: ['hubspot', 'deal', '501'],
    attempts: 1,
    resendNo: 0,
    firstSentAtMs: null,
    createdAtMs: testNowMs,
    updatedAtMs: testNowMs,
    runId: 'run_1',
    callId: 'call_1',
    workflow: 'monthly-close',
    period: '2026-10',
    eventId: null,
    contextHash: 'd'.repeat(64),
    answerHash: null,
    approval: null,
    decision: null,
    ...over,
    ...state,
  };
}

/** States as tests need them most. */
export const states = {
  started: { state: 'STARTED', owner: 'own_1', leaseUntilMs: testNowMs + 30_000, dueMs: testNowMs + 30_000 },
  succeeded: {
    state: 'SUCCEEDED',
    settledAtMs: testNowMs + 1000,
    result: { inline: { id: '501' } },
    records: [['hubspot', 'deal', '501']],
    proof: 'answer',
    owner: 'own_1',
  },
  awaiting: { state: 'AWAITING_APPROVAL', dueMs: testNowMs + 3_600_000 },
  needsHuman: {
    state: 'NEEDS_HUMAN',
    sinceMs: testNowMs,
    failure: { code: 'outcome_unknown', category: 'upstream', retryable: false, detail: 'lost' },
  },
  exhausted: {
    state: 'FAILED',
    settledAtMs: testNowMs + 1000,
    failure: { code: 'attempts_exhausted', category: 'upstream', retryable: false, detail: 'gave up' },
    owner: null,
  },
  rejected: {
    state: 'FAILED',
    settledAtMs: testNowMs + 1000,
    failure: { code: 'system_rejected', category: 'upstream', retryable: false, detail: 'no' },
    owner: 'own_1',
  },
} as const satisfies Record<string, ActionState>;

/** The approval of a record that waits for revops-leads. */
export const approval = { rule: 'approvals[0]', by: 'revops-leads', notAfterMs: testNowMs + 3_600_000, decision: null };
