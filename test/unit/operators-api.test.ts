import { beforeEach, describe, expect, it } from 'vitest';
import { actionRecord, approval, states, testKey, testNowMs } from '../kit/action-records.ts';
import { operatorWorld } from '../kit/operator-world.ts';

const id = `act_${testKey}_1`;
const reason = 'looked at it';

describe('approvals', () => {
  let w: ReturnType<typeof operatorWorld>;
  let caseId: string;
  const resolve = (person: string, decision: string) =>
    w.ask(w.as(person), 'POST', `/v1/cases/${caseId}/resolution`, { decision, reason });

  beforeEach(async () => {
    w = operatorWorld();
    w.records.set(testKey, actionRecord(states.awaiting, { approval }));
    const base = { title: 't', detail: 'd', runId: 'run_1', system: 'hubspot', eventIdentity: null, facts: {} };
    const opening = {
      kind: 'approval',
      reason: 'approval',
      owner: 'revops-leads',
      actionId: id,
      dedupeKey: 'k',
    } as const;
    caseId = (await w.cases.open({ ...base, ...opening, dueInMs: 1000 }, testNowMs)).caseId;
  });

  it('are decided by an approver of the named team, by name and with the reason', async () => {
    await resolve('ben', 'approve');
    const decision = { by: 'person:ben@acme.example', atMs: testNowMs, reason };
    expect(w.decided).toEqual([{ actionId: id, decision, approve: true }]);
  });

  it('are on the ledger of the run with who decided', async () => {
    await resolve('ben', 'reject');
    expect(w.ledger.entries).toMatchObject([
      {
        what: 'case_reject',
        by: 'person:ben@acme.example',
        reason,
        principal: 'agent:sales-assistant',
        runId: 'run_1',
      },
    ]);
  });

  it.each([
    ['an approver of another team', 'bea'],
    ['an approver of the team who is responsible for the agent', 'anna'],
    ['an operator of the team', 'olga'],
    ['an admin', 'ada'],
    ['a viewer', 'vera'],
  ])('are not decided by %s', async (_who, person) => {
    const answer = await resolve(person, 'approve');
    expect([answer.status, w.decided, w.ledger.entries]).toEqual([403, [], []]);
  });

  it('take no decision that belongs to exceptions', async () => {
    expect([(await resolve('ben', 'succeeded')).status, w.decided]).toEqual([422, []]);
  });

  it('of an agent that is no longer configured are decided by nobody', async () => {
    w.records.set(testKey, actionRecord(states.awaiting, { approval, principal: 'agent:retired' }));
    expect([(await resolve('ben', 'approve')).status, w.decided]).toEqual([403, []]);
  });

  it('of a superseded generation are not decided', async () => {
    w.records.set(testKey, actionRecord(states.awaiting, { approval, gen: 2 }));
    expect([(await resolve('ben', 'approve')).status, w.decided]).toEqual([409, []]);
  });

  it('that are resolved stay so', async () => {
    await resolve('ben', 'approve');
    expect([(await resolve('ben', 'reject')).status, w.decided.length]).toEqual([409, 1]);
  });

  it.each(['', '  ', 'no', 'x'.repeat(501)])('need a reason that says something: "%s"', async (short) => {
    const path = `/v1/cases/${caseId}/resolution`;
    const answer = await w.ask(w.as('ben'), 'POST', path, { decision: 'approve', reason: short });
    expect([answer.status, answer.body.errors?.[0]?.path, w.decided]).toEqual([422, 'reason', []]);
  });
});

describe('exceptions', () => {
  let w: ReturnType<typeof operatorWorld>;
  let caseId: string;
  const resolve = (person: string, decision: string) =>
    w.ask(w.as(person), 'POST', `/v1/cases/${caseId}/resolution`, { decision, reason, record_id: '77' });

  beforeEach(async () => {
    w = operatorWorld();
    w.records.set(testKey, actionRecord(states.needsHuman));
    const base = { title: 't', detail: 'd', runId: null, system: 'hubspot', eventIdentity: null, facts: {} };
    const opening = {
      kind: 'exception',
      reason: 'outcome_unknown',
      owner: 'revops',
      actionId: id,
      dedupeKey: 'k',
    } as const;
    caseId = (await w.cases.open({ ...base, ...opening, dueInMs: 1000 }, testNowMs)).caseId;
  });

  it('are settled by an operator of the owning team, who names the record that was found', async () => {
    await resolve('olga', 'succeeded');
    expect(w.decided).toMatchObject([
      { verdict: 'succeeded', recordId: '77', decision: { by: 'person:olga@acme.example' } },
    ]);
  });

  it('are not settled by an operator of another team', async () => {
    expect([(await resolve('omar', 'succeeded')).status, w.decided]).toEqual([403, []]);
  });

  it('are settled by an admin', async () => {
    expect((await resolve('ada', 'retry')).status).toBe(200);
  });

  it('are not approved', async () => {
    expect((await resolve('ben', 'approve')).status).toBe(422);
  });

  it('stay open where the kernel refuses', async () => {
    w.records.clear();
    const answer = await resolve('olga', 'failed');
    expect([answer.status, (await w.cases.get(caseId))?.state]).toEqual([409, 'OPEN']);
  });
});

describe('switches and keys', () => {
  let w: ReturnType<typeof operatorWorld>;

  beforeEach(() => {
    w = operatorWorld();
  });

  it('switch everything off by name, with reason and ledger entry', async () => {
    await w.ask(w.as('olga'), 'PUT', '/v1/control', { what: 'all', off: true, reason });
    expect([(await w.control.read())?.allOff, w.ledger.entries]).toMatchObject([
      { by: 'person:olga@acme.example', reason },
      [{ what: 'switch_off_all', reason }],
    ]);
  });

  it('switch one agent off and on again and leave the others', async () => {
    const change = (name: string, off: boolean) =>
      w.ask(w.as('olga'), 'PUT', '/v1/control', { what: 'agent', name, off, reason });
    await change('a', true);
    await change('b', true);
    await change('a', false);
    expect(Object.keys((await w.control.read())?.agentsPaused ?? {})).toEqual(['b']);
  });

  it('need a name for everything but all', async () => {
    expect((await w.ask(w.as('olga'), 'PUT', '/v1/control', { what: 'tool', off: true, reason })).status).toBe(422);
  });

  it('leave a restored table off until an admin reconciles', async () => {
    await w.control.write({ ...(await w.control.read()), names: 'another', version: 2 } as never, 1);
    const put = (person: string, extra: object) =>
      w.ask(w.as(person), 'PUT', '/v1/control', { what: 'all', off: false, reason, ...extra });
    const answers = [
      await put('ada', {}),
      await put('olga', { reconcile: true }),
      await put('ada', { reconcile: true }),
    ];
    expect([answers.map(({ status }) => status), (await w.control.read())?.names]).toEqual([
      [409, 403, 200],
      'control',
    ]);
  });

  it('show a new key once and revoke it for as long as it lives', async () => {
    const issued = await w.ask(w.as('ada'), 'POST', '/v1/agents/sales-assistant/keys', { reason, days: 1 });
    const { key_id: name, key } = issued.body;
    await w.ask(w.as('olga'), 'PUT', '/v1/control', { what: 'key', name, off: true, reason, for_seconds: 1 });
    const revoked = (await w.control.read())?.keysRevoked[name];
    const told = JSON.stringify([w.ledger.entries, await w.keys.get(name)]);
    expect([revoked?.untilMs, told.includes(String(key).split('_').at(-1) ?? '')]).toEqual([
      testNowMs + 86_400_000,
      false,
    ]);
  });

  it('do not give a revoked key back', async () => {
    const body = { what: 'key', name: 'k', off: false, reason };
    expect((await w.ask(w.as('ada'), 'PUT', '/v1/control', body)).status).toBe(422);
  });

  it('issue no key for an agent nobody configured', async () => {
    expect((await w.ask(w.as('ada'), 'POST', '/v1/agents/constructor/keys', { reason })).status).toBe(404);
  });
});

describe('replay', () => {
  const identity = 'hubspot#crm#1';
  const message = {
    version: 1,
    identity,
    system: 'hubspot',
    channel: 'crm',
    type: 'deal',
    bodyHash: 'h',
    replay: null,
  };
  const path = `/v1/events/${encodeURIComponent(identity)}/replay`;

  async function keeping(kept: object) {
    const w = operatorWorld();
    const body = await w.payloads.put(new TextEncoder().encode(JSON.stringify(kept)));
    const base = {
      title: 't',
      detail: 'd',
      runId: null,
      system: 'hubspot',
      actionId: null,
      dedupeKey: 'k',
      dueInMs: 1,
    };
    const opening = { kind: 'exception', reason: 'dead_letter', owner: 'revops', eventIdentity: identity } as const;
    const { caseId } = await w.cases.open({ ...base, ...opening, facts: { body } }, testNowMs);
    const replay = (extra: object = {}) => w.ask(w.as('olga'), 'POST', path, { reason, case_id: caseId, ...extra });
    return { w, replay };
  }

  it('sends nothing unless it is told to', async () => {
    const { w, replay } = await keeping(message);
    expect([(await replay()).body.sent, w.sent, w.ledger.entries]).toEqual([false, [], []]);
  });

  it('sends the kept message with who asked and why, and is on the ledger', async () => {
    const { w, replay } = await keeping(message);
    await replay({ dry_run: false });
    expect([w.sent, w.ledger.entries]).toMatchObject([
      [{ identity, replay: { by: 'person:olga@acme.example', reason } }],
      [{ what: 'event_replayed' }],
    ]);
  });

  it('sends nothing that is not on the ledger', async () => {
    const { w, replay } = await keeping(message);
    w.ledger.failNext(new Error('down'));
    expect([(await replay({ dry_run: false })).status, w.sent]).toEqual([500, []]);
  });

  it('knows no event whose kept body is another one', async () => {
    const { replay } = await keeping({ ...message, identity: 'hubspot#crm#2' });
    expect((await replay({ dry_run: false })).status).toBe(404);
  });
});
