import { describe, expect, it } from 'vitest';
import { operatorRoutes } from '../../shared/ledger/operator-api/api.ts';
import type { Role } from '../../shared/model/principal.ts';
import { operatorToken, operatorWorld } from '../kit/operator-world.ts';

const reason = 'looked at it';
const people: Readonly<Record<Role, string>> = {
  viewer: 'vera',
  operator: 'olga',
  approver: 'ben',
  auditor: 'eva',
  admin: 'ada',
};
const strangers: readonly (readonly [string, string | undefined])[] = [
  ['no credential', undefined],
  ['garbage', 'Bearer garbage'],
  ['basic authentication', 'Basic dmVyYTp2ZXJh'],
  ['an agent key', `Bearer pl_key_${'0'.repeat(25)}_${'0'.repeat(52)}`],
  ['a SigV4 signature', 'AWS4-HMAC-SHA256 Credential=A/20261005/eu-central-1/execute-api/aws4_request'],
  ['a token of another issuer', `Bearer ${operatorToken('ada@acme.example', { iss: 'https://else.example' })}`],
  ['a token of another audience', `Bearer ${operatorToken('ada@acme.example', { client_id: 'agents' })}`],
  ['an identity token', `Bearer ${operatorToken('ada@acme.example', { token_use: 'id' })}`],
  ['an expired token', `Bearer ${operatorToken('ada@acme.example', { exp: 1 })}`],
  ['a token signed by another', `Bearer ${operatorToken('ada@acme.example', {}, { key: 'stranger' })}`],
  ['a person nobody configured', `Bearer ${operatorToken('mallory@acme.example')}`],
];
const bodies: Readonly<Record<string, object>> = {
  '/v1/control': { what: 'all', off: true, reason },
  '/v1/agents/{id}/keys': { reason },
  '/v1/cases/{id}/resolution': { decision: 'done', reason },
  '/v1/events/{id}/replay': { reason, case_id: 'case_1' },
};

describe('every credential at every route', () => {
  for (const route of operatorRoutes) {
    const path = route.path.replace('{id}', 'sales-assistant');
    const name = `${route.method} ${route.path}`;

    it.each(strangers)(`${name} refuses %s, with one answer and no trace`, async (_what, authorization) => {
      const w = operatorWorld();
      const answer = await w.ask(authorization, route.method, path, bodies[route.path]);
      const touched = [w.ledger.entries.length, w.control.reads(), w.sent.length, w.decided.length];
      expect([answer.status, answer.body.code, touched]).toEqual([401, 'unauthenticated', [0, 0, 0, 0]]);
    });

    for (const [role, person] of Object.entries(people) as [Role, string][]) {
      const may = route.roles.includes(role);
      it(`${name} ${may ? 'lets in' : 'refuses'} the role ${role}`, async () => {
        const w = operatorWorld();
        const answer = await w.ask(w.as(person), route.method, path, bodies[route.path]);
        expect(answer.status === 403).toBe(!may);
      });
    }
  }

  it('answers every refused credential with the same bytes', async () => {
    const w = operatorWorld();
    const all = await Promise.all(strangers.map(([, credential]) => w.ask(credential, 'GET', '/v1/cases')));
    expect(new Set(all.map((answer) => JSON.stringify([answer.body, answer.headers]))).size).toBe(1);
  });
});
