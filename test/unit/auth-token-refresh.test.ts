import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RefreshDeps } from '../../shared/auth/refresh.ts';
import { leaseMs } from '../../shared/auth/token-record.ts';
import { type Accident, accidentAt, tokenWorld } from '../kit/token-world.ts';

const accidents: readonly Accident[] = ['dies_before', 'dies_after', 'answer_lost_before', 'answer_lost_after'];
/** Requests of one undisturbed refresh; one more, so that the case of no accident is in the matrix too. */
const steps = Array.from({ length: 8 }, (_, index) => index + 1);
const matrix = steps.flatMap((n) => accidents.map((accident) => [n, accident] as const));

/** Runs one refresh with an accident, then lets other processes try until nothing changes any more. */
async function afterAccident(n: number, accident: Accident, options: { graceMs?: number } = {}) {
  const world = tokenWorld(options);
  const { gate, steps: made } = accidentAt(n, accident);
  await world.ask(0, world.process(gate)).catch(() => null);
  let result = await world.ask(0);
  for (let tries = 0; tries < 4 && result.kind === 'busy'; tries += 1) {
    world.clock.advance(leaseMs + 1);
    result = await world.ask(0);
  }
  return { world, result, made };
}

const openCases = (world: ReturnType<typeof tokenWorld>) => world.cases.cases.filter((one) => one.state === 'OPEN');

describe('an undisturbed refresh', () => {
  it('publishes a token after the new grant is kept', async () => {
    const { gate, steps: made } = accidentAt(0, 'dies_before');
    const world = tokenWorld();
    expect(await world.ask(0, world.process(gate))).toEqual({ kind: 'version', version: 1 });
    expect(made.map((step) => step.name)).toEqual([
      'tokens.get',
      'secrets.get',
      'tokens.write',
      'post',
      'secrets.putPending',
      'secrets.promote',
      'tokens.write',
    ]);
  });

  it('answers a version that is newer than the one seen without asking the provider', async () => {
    const world = tokenWorld();
    await world.ask(0);
    expect([await world.ask(0), world.provider.counters().refreshes]).toEqual([{ kind: 'version', version: 1 }, 1]);
  });

  it('replaces a version that was refused', async () => {
    const world = tokenWorld();
    await world.ask(0);
    expect(await world.ask(1)).toEqual({ kind: 'version', version: 2 });
  });

  it('keeps the old refresh token where none is returned', async () => {
    const world = tokenWorld({ rotates: false });
    await world.ask(0);
    await world.ask(1);
    expect(world.uses.get('refresh-1')).toBe(2);
  });

  it('keeps the lifetime the provider names', async () => {
    const world = tokenWorld();
    await world.ask(0);
    expect((await world.tokens.get('hubspot'))?.observedLifetimeMs).toBe(1_800_000);
  });

  it('takes the documented lifetime where the provider names none', async () => {
    const world = tokenWorld();
    const post = async () => ({ kind: 'answer' as const, status: 200, bodyText: '{"access_token":"opaque"}' });
    await world.ask(0, { ...world.process(), post });
    const current = (await world.tokens.get('hubspot'))?.current;
    expect((current?.expiresAtMs ?? 0) - (current?.issuedAtMs ?? 0)).toBe(1_800_000);
  });

  it('learns from an early refusal how long a token without a named lifetime lives', async () => {
    const world = tokenWorld();
    const post = async () => ({ kind: 'answer' as const, status: 200, bodyText: '{"access_token":"opaque"}' });
    const deps = { ...world.process(), post };
    await world.ask(0, deps);
    world.clock.advance(600_000);
    await world.ask(1, deps);
    expect((await world.tokens.get('hubspot'))?.observedLifetimeMs).toBe(600_000);
  });
});

describe('a refresh hit by an accident, without a documented grace window', () => {
  it.each(matrix)('at request %i (%s) never presents a refresh token twice', async (n, accident) => {
    const { world } = await afterAccident(n, accident);
    expect(Math.max(0, ...world.uses.values())).toBeLessThanOrEqual(1);
  });

  it.each(matrix)('at request %i (%s) ends with a token or with exactly one case', async (n, accident) => {
    const { world, result } = await afterAccident(n, accident);
    await world.ask(0);
    expect([result.kind, openCases(world).length]).toEqual(result.kind === 'version' ? ['version', 0] : ['broken', 1]);
  });

  it.each(matrix)('at request %i (%s) goes on once a person has stored a new grant', async (n, accident) => {
    const { world, result } = await afterAccident(n, accident);
    if (result.kind === 'version') return;
    world.secrets.set('grant', world.grantOf('refresh-of-a-person'), 'v-person');
    const accept = async () => ({
      kind: 'answer' as const,
      status: 200,
      bodyText: '{"access_token":"new","expires_in":60}',
    });
    expect((await world.ask(0, { ...world.process(), post: accept })).kind).toBe('version');
    expect(openCases(world)).toEqual([]);
  });
});

describe('a refresh hit by an accident, with a documented grace window', () => {
  it.each(matrix)('at request %i (%s) never loses the installation', async (n, accident) => {
    const { world, result } = await afterAccident(n, accident, { graceMs: 120_000 });
    expect([result.kind, openCases(world)]).toEqual(['version', []]);
  });

  it.each(matrix)('at request %i (%s) presents no refresh token more than twice', async (n, accident) => {
    const { world } = await afterAccident(n, accident, { graceMs: 120_000 });
    expect(Math.max(...world.uses.values())).toBeLessThanOrEqual(2);
  });

  it('asks a person where the one retry is interrupted too', async () => {
    const world = tokenWorld({ graceMs: 120_000 });
    for (let round = 0; round < 2; round += 1) {
      await world.ask(0, world.process(accidentAt(4, 'dies_after').gate)).catch(() => null);
      world.clock.advance(leaseMs + 1);
    }
    // The retry reads the item, the absent version and the old one first: its fourth request is the lease.
    await world.ask(0, world.process(accidentAt(5, 'dies_after').gate)).catch(() => null);
    world.clock.advance(leaseMs + 1);
    expect([(await world.ask(0)).kind, openCases(world).length]).toEqual(['broken', 1]);
  });

  it('does not retry once the window is over', async () => {
    const world = tokenWorld({ graceMs: 60_000 });
    await world.ask(0, world.process(accidentAt(4, 'dies_after').gate)).catch(() => null);
    world.clock.advance(60_000);
    expect([(await world.ask(0)).kind, world.uses.get('refresh-1')]).toEqual(['broken', 1]);
  });
});

describe('refreshers beside each other', () => {
  it('make one request, whatever the order of their steps', async () => {
    const order = fc.asyncProperty(fc.scheduler(), async (scheduler) => {
      const world = tokenWorld();
      const gate = <T>(_step: unknown, work: () => Promise<T>) => scheduler.schedule(Promise.resolve()).then(work);
      const all = Promise.all(Array.from({ length: 4 }, () => world.ask(0, world.process(gate))));
      await scheduler.waitFor(all);
      expect([world.provider.counters().refreshes, world.provider.counters().reuses]).toEqual([1, 0]);
    });
    await fc.assert(order, { numRuns: 300, seed: 42 });
  });

  it('do not send once their lease is about to end', async () => {
    const world = tokenWorld();
    const frozen = world.process(async (step, work) => {
      if (step.isPost) world.clock.advance(leaseMs);
      return work();
    });
    expect([await world.ask(0, frozen), world.uses.size]).toEqual([{ kind: 'busy' }, 0]);
  });

  it('pick up a grant that a frozen refresher stores after it was given up', async () => {
    const world = tokenWorld();
    const thaw = Promise.withResolvers<void>();
    const frozen = world.ask(
      0,
      world.process(async (step, work) => {
        if (step.name === 'secrets.putPending') await thaw.promise;
        return work();
      }),
    );
    while ((await world.tokens.get('hubspot'))?.lease == null || world.uses.size === 0) await Promise.resolve();
    world.clock.advance(leaseMs + 1);
    const meanwhile = await world.ask(0);
    thaw.resolve();
    await frozen;
    const later = await world.ask(0);
    expect([meanwhile.kind, later.kind, world.provider.counters().reuses]).toEqual(['broken', 'version', 0]);
  });
});

describe('a refresh that is refused', () => {
  it('reads the grant again before it is declared dead', async () => {
    const world = tokenWorld();
    await world.ask(0);
    const presented: (string | undefined)[] = [];
    const post: RefreshDeps['post'] = async ({ form }) => {
      presented.push(form.find(([name]) => name === 'refresh_token')?.[1]);
      if (presented.length > 1) return { kind: 'answer', status: 200, bodyText: '{"access_token":"new"}' };
      // A person installs the app again while the request is under way.
      world.secrets.set('grant', world.grantOf('refresh-of-a-person'), 'v-person');
      return { kind: 'answer', status: 400, bodyText: '{"error":"invalid_grant"}' };
    };
    const result = await world.ask(1, { ...world.process(), post });
    expect([result, presented[1]]).toEqual([{ kind: 'version', version: 2 }, 'refresh-of-a-person']);
    expect(openCases(world)).toEqual([]);
  });

  it('opens one case for the owner, however often it is asked', async () => {
    const world = tokenWorld();
    world.secrets.set('grant', world.grantOf('unknown'), 'v2');
    for (let tries = 0; tries < 3; tries += 1)
      expect(await world.ask(0)).toEqual({ kind: 'broken', code: 'invalid_grant' });
    expect(openCases(world)).toMatchObject([{ owner: 'revops', reason: 'refresh_failed', system: 'hubspot' }]);
  });

  it('says nothing of the grant or the answer in the case', async () => {
    const world = tokenWorld();
    world.secrets.set('grant', world.grantOf('very-secret-token'), 'v2');
    await world.ask(0);
    expect(JSON.stringify(world.cases.cases)).not.toContain('very-secret-token');
  });

  it('waits after a 429 and uses the same grant later', async () => {
    const world = tokenWorld();
    const post = async () => ({ kind: 'answer' as const, status: 429, bodyText: '' });
    const limited = await world.ask(0, { ...world.process(), post });
    expect([limited.kind, (await world.ask(0)).kind, openCases(world)]).toEqual(['busy', 'version', []]);
  });

  it('keeps the live token and its version after a 429', async () => {
    const world = tokenWorld();
    await world.ask(0);
    await world.ask(1, { ...world.process(), post: async () => ({ kind: 'answer', status: 429, bodyText: '' }) });
    expect(await world.tokens.get('hubspot')).toMatchObject({ version: 1, current: { version: 1 }, health: 'ok' });
  });

  it('does not present the refresh token again after a 5xx', async () => {
    const world = tokenWorld();
    const post = async () => ({ kind: 'answer' as const, status: 503, bodyText: '' });
    await world.ask(0, { ...world.process(), post });
    expect([(await world.ask(0)).kind, world.uses.size, openCases(world).length]).toEqual(['broken', 0, 1]);
  });

  it('does not go back to an older grant that a stale read shows as the current one', async () => {
    const world = tokenWorld();
    await world.ask(0);
    const stale = { value: world.grantOf('refresh-1'), versionId: 'v1' };
    const secrets = { ...world.secrets, current: async () => [stale] };
    const presented: string[] = [];
    const post: RefreshDeps['post'] = async ({ form }) => {
      presented.push(
        new URLSearchParams(form.map(([name, value]): [string, string] => [name, value])).get('refresh_token') ?? '',
      );
      return { kind: 'answer', status: 400, bodyText: '{"error":"invalid_grant"}' };
    };
    const result = await world.ask(1, { ...world.process(), secrets, post });
    expect([result.kind, presented.length, presented.includes('refresh-1')]).toEqual(['broken', 1, false]);
  });

  it('uses the grace window after a 5xx, since a gateway may fail after the provider has rotated', async () => {
    const world = tokenWorld({ graceMs: 120_000 });
    const post = async () => ({ kind: 'answer' as const, status: 503, bodyText: '' });
    await world.ask(0, { ...world.process(), post });
    expect((await world.ask(0)).kind).toBe('version');
  });
});

describe('a store that fails for a moment', () => {
  it('does not lose a new grant: it is written again under the same version', async () => {
    const world = tokenWorld();
    let puts = 0;
    const putPending: typeof world.secrets.putPending = async (...args) => {
      puts += 1;
      if (puts < 3) throw new Error('unavailable');
      return world.secrets.putPending(...args);
    };
    const deps = { ...world.process(), secrets: { ...world.secrets, putPending } };
    expect([await world.ask(0, deps), puts]).toEqual([{ kind: 'version', version: 1 }, 3]);
  });

  it('sends nothing where the lease it could not write is held by another', async () => {
    const world = tokenWorld();
    const other = world.process(async (step, work) => (step.isPost ? new Promise<never>(() => undefined) : work()));
    const failing = world.process(async (step, work) => {
      if (step.name !== 'tokens.write') return work();
      void world.ask(0, other);
      while ((await world.tokens.get('hubspot')) === null) await Promise.resolve();
      throw new Error('unavailable');
    });
    await expect(world.ask(0, failing)).rejects.toThrow('unavailable');
    expect(world.uses.size).toBe(0);
  });

  it('goes on with a lease whose answer was lost', async () => {
    const world = tokenWorld();
    const { gate } = accidentAt(3, 'answer_lost_after');
    expect(await world.ask(0, world.process(gate))).toEqual({ kind: 'version', version: 1 });
  });
});
