import { beforeEach, describe, expect, it } from 'vitest';
import type { DueHint } from '../../shared/action/due-queue.ts';
import { keepDeadLetter } from '../../shared/ledger/dead-letters.ts';
import { escalateOverdue } from '../../shared/ledger/notices.ts';
import { routeChange } from '../../shared/ledger/route-change.ts';
import type { ActionRecord } from '../../shared/model/action.ts';
import { silentLog } from '../../shared/observe/json-log.ts';
import { actionRecord, approval, states, testKey, testNowMs } from '../kit/action-records.ts';
import { fixedClock } from '../kit/fixed-clock.ts';
import { memoryCaseStore } from '../kit/memory-case-store.ts';
import { memoryLedgerStore } from '../kit/memory-ledger-store.ts';
import { memoryPayloadStore } from '../kit/memory-payload-store.ts';
import { operatorConfig } from '../kit/operator-world.ts';

function world() {
  const clock = fixedClock(testNowMs);
  const [cases, ledger, payloads] = [memoryCaseStore(), memoryLedgerStore(), memoryPayloadStore()];
  const hints: DueHint[] = [];
  const due = { send: async (sent: readonly DueHint[]) => void hints.push(...sent) };
  const deps = { cases, ledger, payloads, due, config: operatorConfig, clock, log: silentLog };
  const route = (old: ActionRecord | null, next: ActionRecord | null) => routeChange(deps, { old, next });
  const open = () =>
    cases.cases.filter((one) => one.state === 'OPEN').map(({ kind, reason, owner }) => [kind, reason, owner]);
  return { ...deps, deps, hints, route, open };
}

describe('cases from actions', () => {
  let w: ReturnType<typeof world>;
  const awaiting = actionRecord(states.awaiting, { approval, answerHash: 'e'.repeat(64) });
  const started = actionRecord(states.started);

  beforeEach(() => {
    w = world();
  });

  it('hints when a waiting retry is due, so that it need not wait for the tick', async () => {
    await w.route(started, actionRecord({ state: 'RETRYABLE', dueMs: testNowMs + 5000, failure: null }, { epoch: 2 }));
    expect(w.hints).toEqual([{ key: testKey, delayMs: 5000 }]);
  });

  it('leaves waits that no queue can keep to the tick', async () => {
    const state = { state: 'RETRYABLE', dueMs: testNowMs + 900_001, failure: null } as const;
    await w.route(started, actionRecord(state, { epoch: 2 }));
    expect(w.hints).toEqual([]);
  });

  it('asks the team that the rule names to approve', async () => {
    await w.route(null, awaiting);
    expect(w.open()).toEqual([['approval', 'approval', 'revops-leads']]);
  });

  it('is due when the approval expires', async () => {
    await w.route(null, awaiting);
    expect(w.cases.cases[0]?.dueAtMs).toBe(approval.notAfterMs);
  });

  it('settles the approval when the action moves on, by whom decided', async () => {
    const decision = { by: 'person:ben@acme.example', atMs: testNowMs, reason: 'agreed' };
    await w.route(null, awaiting);
    await w.route(awaiting, actionRecord({ state: 'RETRYABLE', dueMs: 1, failure: null }, { epoch: 2, decision }));
    expect(w.cases.cases[0]).toMatchObject({
      state: 'RESOLVED',
      resolution: { by: decision.by, decision: 'retryable' },
    });
  });

  it('asks the owner of the system about an unknown outcome', async () => {
    await w.route(started, actionRecord(states.needsHuman, { epoch: 3 }));
    expect(w.open()).toEqual([['exception', 'outcome_unknown', 'revops']]);
  });

  it('opens nothing for a failure that its caller was told of', async () => {
    await w.route(started, actionRecord(states.rejected, { epoch: 2, answerHash: 'e'.repeat(64) }));
    expect(w.open()).toEqual([]);
  });

  it('opens a case for a failure that nobody was told of', async () => {
    await w.route(started, actionRecord(states.rejected, { epoch: 2 }));
    expect(w.open()).toEqual([['exception', 'system_rejected', 'revops']]);
  });

  it('opens a case for exhausted attempts also where a caller was told', async () => {
    await w.route(started, actionRecord(states.exhausted, { epoch: 2, answerHash: 'e'.repeat(64) }));
    expect(w.open()).toEqual([['exception', 'attempts_exhausted', 'revops']]);
  });

  it('opens nothing for an action that a person settled as failed, and settles its case', async () => {
    const needs = actionRecord(states.needsHuman, { epoch: 3 });
    await w.route(started, needs);
    await w.route(needs, actionRecord(states.rejected, { epoch: 4 }));
    expect(w.open()).toEqual([]);
  });

  it('delivered again from the start ends as it did before', async () => {
    const needs = actionRecord(states.needsHuman, { epoch: 3 });
    const settled = actionRecord(states.succeeded, { epoch: 4 });
    for (let i = 0; i < 2; i += 1) {
      await w.route(started, needs);
      await w.route(needs, settled);
    }
    expect(w.open()).toEqual([]);
  });

  it('notifies once of a case that is delivered twice, in the run of the action', async () => {
    await w.route(null, awaiting);
    await w.route(null, awaiting);
    expect(w.ledger.entries).toMatchObject([
      { kind: 'operation', notified: 'revops-leads #revops-leads', runId: 'run_1', principal: 'agent:sales-assistant' },
    ]);
  });

  it('says nothing of the business values in a case', async () => {
    const secret = actionRecord(states.awaiting, { approval, target: ['hubspot', 'contact', 'ann@acme.example'] });
    await w.route(null, secret);
    expect(JSON.stringify(w.cases.cases)).not.toContain('ann@');
  });

  it('ignores a removed record', async () => {
    await w.route(awaiting, null);
    expect(w.cases.cases).toEqual([]);
  });
});

describe('overdue cases', () => {
  it('are escalated once to the team that the owner escalates to', async () => {
    const w = world();
    await w.route(null, actionRecord(states.awaiting, { approval }));
    const before = await escalateOverdue(w.deps, approval.notAfterMs - 1);
    const counts = [before];
    for (let i = 0; i < 2; i += 1) counts.push(await escalateOverdue(w.deps, approval.notAfterMs));
    const notices = w.ledger.entries.filter((entry) => entry.kind === 'operation' && entry.what === 'case_escalated');
    expect({ counts, notices }).toMatchObject({
      counts: [0, 1, 0],
      notices: [{ notified: 'platform #platform-oncall' }],
    });
  });

  it('are all found beyond the first page', async () => {
    const w = world();
    for (let i = 0; i < 120; i += 1) {
      const key = `${testKey.slice(0, 37)}${String(100 + i)}`;
      await w.route(null, actionRecord(states.awaiting, { approval, key }));
    }
    expect(await escalateOverdue(w.deps, approval.notAfterMs)).toBe(120);
  });
});

describe('dead letters', () => {
  const letter = (body: string) => ({ messageId: 'm1', body, queueArn: 'arn:aws:sqs:eu-central-1:1:inbox-dead' });

  it('are kept byte for byte and are a case of the system', async () => {
    const w = world();
    const body = '{"version":1,"system":"hubspot","identity":"hubspot#crm#1"}';
    await keepDeadLetter(w.deps, letter(body));
    const [made] = w.cases.cases;
    const kept = await w.payloads.get(String(made?.facts.body));
    expect([made?.owner, made?.eventIdentity, new TextDecoder().decode(kept ?? undefined)]).toEqual([
      'revops',
      'hubspot#crm#1',
      body,
    ]);
  });

  it('of one event are one open case', async () => {
    const w = world();
    for (const attempt of [1, 2]) {
      await keepDeadLetter(w.deps, letter(`{"system":"hubspot","identity":"hubspot#crm#1","attempt":${attempt}}`));
    }
    expect(w.cases.cases).toHaveLength(1);
  });

  it('of one event for two agents are a case each, and both name the event', async () => {
    const w = world();
    for (const agent of ['desk', 'sales']) {
      await keepDeadLetter(w.deps, letter(`{"system":"hubspot","eventId":"hubspot#crm#1","agent":"${agent}"}`));
    }
    expect(w.cases.cases.map(({ eventIdentity }) => eventIdentity)).toEqual(['hubspot#crm#1', 'hubspot#crm#1']);
  });

  it.each(['not json', '[]', 'null', '{"system":"__proto__"}', '{"system":"elsewhere"}'])(
    'that cannot be read, such as %s, still have an owner',
    async (body) => {
      const w = world();
      await keepDeadLetter(w.deps, letter(body));
      expect(w.cases.cases[0]).toMatchObject({ owner: 'platform', system: null });
    },
  );
});
