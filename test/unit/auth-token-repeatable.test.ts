import { describe, expect, it } from 'vitest';
import type { RefreshDeps } from '../../shared/auth/refresh.ts';
import { leaseMs } from '../../shared/auth/token-record.ts';
import { type Accident, accidentAt, tokenWorld } from '../kit/token-world.ts';

const grants = ['client_credentials', 'jwt_bearer'] as const;
const accidents: readonly Accident[] = ['dies_before', 'dies_after', 'answer_lost_before', 'answer_lost_after'];
const matrix = grants.flatMap((grant) =>
  [1, 2, 3, 4, 5, 6].flatMap((n) => accidents.map((accident) => [grant, n, accident] as const)),
);

const openCases = (world: ReturnType<typeof tokenWorld>) => world.cases.cases.filter((one) => one.state === 'OPEN');
const answerWith =
  (status: number, body: object): RefreshDeps['post'] =>
  async () => ({ kind: 'answer', status, bodyText: JSON.stringify(body) });

describe.each(grants)('a token by %s', (grant) => {
  it('is asked for with one request and published', async () => {
    const world = tokenWorld({ grant });
    const { gate, steps } = accidentAt(0, 'dies_before');
    expect(await world.ask(0, world.process(gate))).toEqual({ kind: 'version', version: 1 });
    const names = ['tokens.get', 'secrets.get', 'tokens.write', 'post', 'tokens.write'];
    expect([steps.map(({ name }) => name), world.issued()]).toEqual([names, 1]);
  });

  it('is asked for by one refresher at a time', async () => {
    const world = tokenWorld({ grant });
    await Promise.all(Array.from({ length: 8 }, () => world.ask(0)));
    expect(world.issued()).toBe(1);
  });

  it('takes a new secret at the next refresh, without a refusal of the old one', async () => {
    const world = tokenWorld({ grant });
    await world.ask(0);
    const [held] = await world.secrets.current('grant');
    world.secrets.set('grant', held?.value ?? '', 'v2');
    await world.ask(1);
    expect((await world.tokens.get('hubspot'))?.secretVersionId).toBe('v2');
  });

  it('is asked for again after a 5xx, and the failure ends nothing', async () => {
    const world = tokenWorld({ grant });
    const failed = await world.ask(0, { ...world.process(), post: answerWith(503, {}) });
    expect([failed.kind, (await world.ask(0)).kind, openCases(world)]).toEqual(['busy', 'version', []]);
  });

  it('becomes one case where it is refused, tried again from time to time, and settles it when it comes', async () => {
    const world = tokenWorld({ grant });
    let posts = 0;
    const refused = answerWith(400, { error: 'invalid_client' });
    const deps: RefreshDeps = {
      ...world.process(),
      post: async (input) => {
        posts += 1;
        return refused(input);
      },
    };
    const results = [await world.ask(0, deps), await world.ask(0, deps)];
    expect([results, posts]).toEqual([Array(2).fill({ kind: 'broken', code: 'invalid_client' }), 1]);
    world.clock.advance(900_000);
    await world.ask(0, deps);
    expect([posts, openCases(world).length, world.cases.cases.length]).toEqual([2, 1, 1]);
    world.clock.advance(900_000);
    expect([(await world.ask(0)).kind, openCases(world)]).toEqual(['version', []]);
  });

  it('becomes one case where it fails for a quarter of an hour without being refused', async () => {
    const world = tokenWorld({ grant });
    const deps = { ...world.process(), post: answerWith(503, {}) };
    await world.ask(0, deps);
    world.clock.advance(899_999);
    await world.ask(0, deps);
    expect(openCases(world)).toEqual([]);
    world.clock.advance(1);
    await world.ask(0, deps);
    await world.ask(0, deps);
    expect(openCases(world)).toMatchObject([{ owner: 'revops', reason: 'refresh_failed' }]);
    await world.ask(0);
    expect(openCases(world)).toEqual([]);
  });

  it('says nothing of the secret or the answer in a case', async () => {
    const world = tokenWorld({ grant });
    const answer = { error: 'invalid_client', error_description: 'the secret of app is wrong' };
    await world.ask(0, { ...world.process(), post: answerWith(401, answer) });
    expect(JSON.stringify(world.cases.cases)).not.toMatch(/secret of app|PRIVATE KEY|integration\.example/);
  });

  it.each([
    ['missing', null],
    ['of another kind', '{"client_id":"app","refresh_token":"r"}'],
    ['not JSON', 'plain'],
  ])('is a case where the secret is %s', async (_what, value) => {
    const world = tokenWorld({ grant });
    const secrets = { ...world.secrets, get: async () => (value === null ? null : { value, versionId: 'v1' }) };
    const code = value === null ? 'grant_missing' : 'grant_unreadable';
    expect(await world.ask(0, { ...world.process(), secrets })).toEqual({ kind: 'broken', code });
    expect([openCases(world).length, world.uses.size]).toEqual([1, 0]);
  });
});

describe('a repeatable grant hit by an accident', () => {
  it.each(matrix)('%s at request %i (%s) ends with a token and without a case', async (grant, n, accident) => {
    const world = tokenWorld({ grant });
    await world.ask(0, world.process(accidentAt(n, accident).gate)).catch(() => null);
    let result = await world.ask(0);
    for (let tries = 0; tries < 3 && result.kind === 'busy'; tries += 1) {
      world.clock.advance(leaseMs + 1);
      result = await world.ask(0);
    }
    expect([result.kind, openCases(world)]).toEqual(['version', []]);
  });

  it.each(matrix.filter(([grant]) => grant === 'jwt_bearer'))(
    '%s at request %i (%s) presents no assertion twice',
    async (grant, n, accident) => {
      const world = tokenWorld({ grant });
      await world.ask(0, world.process(accidentAt(n, accident).gate)).catch(() => null);
      world.clock.advance(leaseMs + 1);
      await world.ask(0);
      expect(Math.max(0, ...world.uses.values())).toBe(1);
    },
  );
});

describe('a token for another origin than the configured one', () => {
  const foreign = (more: object = {}) =>
    answerWith(200, { access_token: 'leads-elsewhere', instance_url: 'https://evil.example', ...more });

  it.each(['refresh_token', ...grants] as const)(
    'by %s is refused with a code of its own, kept nowhere, and is one case',
    async (grant) => {
      const world = tokenWorld({ grant });
      const deps = { ...world.process(), post: foreign() };
      const results = [await world.ask(0, deps), await world.ask(0, deps)];
      expect(results).toEqual(Array(2).fill({ kind: 'broken', code: 'token_for_other_origin' }));
      expect(openCases(world)).toMatchObject([{ reason: 'token_for_other_origin', system: 'hubspot' }]);
      const kept = JSON.stringify([await world.tokens.get('hubspot'), world.cases.cases]);
      expect(kept).not.toMatch(/leads-elsewhere|evil\.example/);
    },
  );

  it('does not lose a grant that was rotated with it, and goes on when the provider names the right one', async () => {
    const world = tokenWorld();
    await world.ask(0, { ...world.process(), post: foreign({ refresh_token: 'refresh-2' }) });
    world.clock.advance(900_000);
    const presented: (string | undefined)[] = [];
    const post: RefreshDeps['post'] = async ({ form }) => {
      presented.push(form.find(([name]) => name === 'refresh_token')?.[1]);
      return { kind: 'answer', status: 200, bodyText: '{"access_token":"ours"}' };
    };
    const result = await world.ask(0, { ...world.process(), post });
    expect([result.kind, presented, openCases(world)]).toEqual(['version', ['refresh-2'], []]);
  });

  it.each(['https://acme.my.salesforce.com:444', 'http://acme.my.salesforce.com', 'acme', ''])(
    'is told from the configured one by scheme, host and port: %s',
    async (instance_url) => {
      const world = tokenWorld();
      const post = answerWith(200, { access_token: 'a', instance_url });
      expect(await world.ask(0, { ...world.process(), post })).toMatchObject({ code: 'token_for_other_origin' });
    },
  );

  it('is not one that names a path of the configured origin', async () => {
    const world = tokenWorld();
    const post = answerWith(200, { access_token: 'a', instance_url: 'https://acme.my.salesforce.com/services' });
    expect((await world.ask(0, { ...world.process(), post })).kind).toBe('version');
  });
});

describe('a refresh token that works', () => {
  it('goes on with a grant that a person has stored meanwhile, although the old one still works', async () => {
    const world = tokenWorld({ rotates: false });
    await world.ask(0);
    world.secrets.set('grant', world.grantOf('refresh-of-a-person'), 'v-person');
    const presented: (string | undefined)[] = [];
    const post: RefreshDeps['post'] = async ({ form }) => {
      presented.push(form.find(([name]) => name === 'refresh_token')?.[1]);
      return { kind: 'answer', status: 200, bodyText: '{"access_token":"new"}' };
    };
    await world.ask(1, { ...world.process(), post });
    expect([presented, (await world.tokens.get('hubspot'))?.secretVersionId]).toEqual([
      ['refresh-of-a-person'],
      'v-person',
    ]);
  });
});
