import { describe, expect, it } from 'vitest';
import { actionRecord, approval, states, testKey } from '../kit/action-records.ts';
import { operatorWorld } from '../kit/operator-world.ts';

const id = `act_${testKey}_1`;
const reason = 'looked at it';

describe('reading', () => {
  it('shows the input of an action to those who decide and not to those who watch', async () => {
    const w = operatorWorld();
    w.records.set(testKey, actionRecord(states.awaiting, { approval }));
    const seen = await Promise.all(['ben', 'vera'].map((who) => w.ask(w.as(who), 'GET', `/v1/actions/${id}`)));
    expect(seen.map(({ body }) => 'input' in body)).toEqual([true, false]);
  });

  it('puts on the ledger who read evidence', async () => {
    const w = operatorWorld();
    w.records.set(testKey, actionRecord(states.awaiting, { approval }));
    await w.ask(w.as('eva'), 'GET', `/v1/actions/${id}/evidence`);
    expect(w.ledger.entries).toMatchObject([{ what: 'evidence_read', by: 'person:eva@acme.example', actionId: id }]);
  });

  it.each([
    ['GET', '/v1/nothing', 404],
    ['GET', '/v1/cases/', 404],
    ['GET', '/v1/cases/%E0%A4%A', 404],
    ['DELETE', '/v1/cases', 405],
    ['GET', '/v1/cases/case_unknown', 404],
    ['GET', '/v1/cases?state=WRONG', 422],
    ['GET', '/v1/runs/none', 404],
    ['GET', '/v1/runs?workflow=x', 422],
    ['GET', '/v1/actions/act_1', 404],
  ])('answers %s %s with a problem', async (method, path, status) => {
    const w = operatorWorld();
    const answer = await w.ask(w.as('vera'), method, path);
    expect([answer.status, answer.headers['content-type']]).toEqual([
      status,
      'application/problem+json; charset=utf-8',
    ]);
  });

  it.each<[string, unknown, Record<string, string>, number]>([
    ['not JSON', '{', {}, 400],
    ['another media type', '{}', { 'content-type': 'text/plain' }, 415],
    ['too large', `"${'x'.repeat(70_000)}"`, {}, 413],
    ['an unknown field', { what: 'all', off: true, reason, extra: 1 }, {}, 422],
    ['a wrong type', { what: 'all', off: 'yes', reason }, {}, 422],
  ])('refuses a body that is %s and changes nothing', async (_what, body, headers, status) => {
    const w = operatorWorld();
    const answer = await w.ask(w.as('olga'), 'PUT', '/v1/control', body, headers);
    expect([answer.status, (await w.control.read())?.version]).toEqual([status, 1]);
  });

  it('serves the console without a credential, closed to everything but itself and the issuer', async () => {
    const page = await operatorWorld().ask(undefined, 'GET', '/');
    expect([page.status, page.headers['content-security-policy']]).toMatchObject([
      200,
      expect.stringMatching(
        /^default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self' https:\/\/issuer\.example;/,
      ),
    ]);
  });

  it('does not serve other files', async () => {
    expect((await operatorWorld().ask(undefined, 'GET', '/config.json')).status).toBe(401);
  });
});
