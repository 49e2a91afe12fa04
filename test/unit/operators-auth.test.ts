import { describe, expect, it } from 'vitest';
import { authenticateOperator, emptyKeySet } from '../../shared/auth/operators.ts';
import { testNowMs } from '../kit/action-records.ts';
import { fixedClock } from '../kit/fixed-clock.ts';
import { audience, issuer, jwks, operatorConfig, operatorToken } from '../kit/operator-world.ts';

const person = 'olga@acme.example';
const now = testNowMs / 1000;

function world() {
  let fetches = 0;
  const clock = fixedClock(testNowMs);
  const deps = {
    issuer,
    audience,
    owners: operatorConfig.owners,
    clock,
    keySet: emptyKeySet(),
    fetchJson: async (): Promise<unknown> => {
      fetches += 1;
      return jwks;
    },
  };
  return { clock, deps, fetches: () => fetches, who: (token: string) => authenticateOperator(deps, `Bearer ${token}`) };
}

describe('tokens of operators', () => {
  it.each(['rsa', 'ec'] as const)(
    'signed by the issuer with its %s key name a person of the configuration',
    async (key) => {
      expect(await world().who(operatorToken(person, {}, { key }))).toEqual({
        kind: 'operator',
        operator: { principal: { kind: 'person', id: person, roles: ['operator'] }, teams: ['revops'] },
      });
    },
  );

  it('take roles and teams from the configuration, whatever they claim', async () => {
    const claims = { roles: ['admin'], 'cognito:groups': ['admin'], scope: 'admin', teams: ['platform'] };
    expect(await world().who(operatorToken(person, claims))).toMatchObject({
      operator: { principal: { roles: ['operator'] }, teams: ['revops'] },
    });
  });

  const cognito = (sub: string) => operatorToken(person, { email: undefined, email_verified: undefined, sub });
  const withSubjects = (...subjects: readonly string[]) => {
    const { people } = operatorConfig.owners;
    const of = Object.fromEntries(
      Object.entries(people).map(([name, one], i) => [
        name,
        { ...one, ...(subjects[i] ? { subject: subjects[i] } : {}) },
      ]),
    );
    return { ...world().deps, owners: { people: of } };
  };

  it('without an e-mail name the person whose subject they carry, by the name of the configuration', async () => {
    const [first] = Object.keys(operatorConfig.owners.people);
    expect(await authenticateOperator(withSubjects('s-1', 's-2'), `Bearer ${cognito('s-1')}`)).toMatchObject({
      operator: { principal: { id: first } },
    });
  });

  it('whose subject two people share name nobody', async () => {
    expect((await authenticateOperator(withSubjects('s-1', 's-1'), `Bearer ${cognito('s-1')}`)).kind).toBe('refused');
  });

  it('without e-mail and subject name nobody', async () => {
    const token = operatorToken(person, { email: undefined, sub: undefined });
    expect((await authenticateOperator(withSubjects('s-1'), `Bearer ${token}`)).kind).toBe('refused');
  });

  it.each<[string, string]>([
    ['another issuer', operatorToken(person, { iss: 'https://elsewhere.example' })],
    ['another client', operatorToken(person, { client_id: 'agents' })],
    ['no client', operatorToken(person, { client_id: undefined })],
    ['another audience beside our client', operatorToken(person, { aud: 'agents' })],
    ['an identity token', operatorToken(person, { token_use: 'id' })],
    ['no token use', operatorToken(person, { token_use: undefined })],
    ['an expired token', operatorToken(person, { exp: now - 31 })],
    ['no expiry', operatorToken(person, { exp: undefined })],
    ['an expiry that is text', operatorToken(person, { exp: String(now + 100) })],
    ['a token of tomorrow', operatorToken(person, { nbf: now + 100 })],
    ['an issue time to come', operatorToken(person, { iat: now + 100 })],
    ['a life of two days', operatorToken(person, { exp: now + 2 * 86_400 })],
    ['a key that the issuer does not publish', operatorToken(person, {}, { key: 'stranger' })],
    ['an unknown key id', operatorToken(person, {}, { kid: 'other' })],
    ['no key id', operatorToken(person, {}, { kid: undefined })],
    ['the algorithm none', operatorToken(person, {}, { alg: 'none' })],
    ['a symmetric algorithm', operatorToken(person, {}, { alg: 'HS256' })],
    ['an algorithm of another key kind', operatorToken(person, {}, { alg: 'ES256' })],
    ['a critical extension', operatorToken(person, {}, { crit: ['exp'] })],
    ['a person nobody configured', operatorToken('mallory@acme.example')],
    ['an e-mail that is not verified', operatorToken(person, { email_verified: false })],
    ['an e-mail verified in words only', operatorToken(person, { email_verified: 'yes' })],
    ['a built-in property as a person', operatorToken('constructor', { sub: '__proto__' })],
    ['garbage', 'a.b.c'],
    ['an API key of an agent', `pl_key_${'0'.repeat(25)}_${'0'.repeat(52)}`],
  ])('are refused: %s', async (_what, token) => {
    expect((await world().who(token)).kind).toBe('refused');
  });

  it('are refused when a byte of the payload changes', async () => {
    const [head, body, signature] = operatorToken(person).split('.');
    const changed = Buffer.from(String(body), 'base64url').toString().replace('olga', 'anna');
    const token = [head, Buffer.from(changed).toString('base64url'), signature].join('.');
    expect(await world().who(token)).toEqual({ kind: 'refused', why: 'signature not valid' });
  });

  it('read the keys of the issuer once', async () => {
    const w = world();
    for (let i = 0; i < 3; i += 1) await w.who(operatorToken(person));
    expect(w.fetches()).toBe(1);
  });

  it('with invented key ids make at most one request in 30 s', async () => {
    const w = world();
    for (let i = 0; i < 10; i += 1) await w.who(operatorToken(person, {}, { kid: `k${i}` }));
    w.clock.advance(30_000);
    await w.who(operatorToken(person, {}, { kid: 'k' }));
    expect(w.fetches()).toBe(2);
  });

  it('of another issuer make no request', async () => {
    const w = world();
    await w.who(operatorToken(person, { iss: 'https://elsewhere.example' }));
    expect(w.fetches()).toBe(0);
  });

  it('cannot be judged where the issuer does not answer: a fault, not a refusal', async () => {
    const w = world();
    const deps = { ...w.deps, fetchJson: () => Promise.reject(new Error('down')) };
    await expect(authenticateOperator(deps, `Bearer ${operatorToken(person)}`)).rejects.toThrow('down');
  });
});
