import { describe, expect, it } from 'vitest';
import type { RefreshInvoker, TokenRecord } from '../../shared/auth/ports.ts';
import { emptyTokenRecord, leaseMs } from '../../shared/auth/token-record.ts';
import { createCredentialSource, refreshDueMs } from '../../shared/auth/token-source.ts';
import { silentLog } from '../../shared/observe/json-log.ts';
import { memorySecretStore } from '../kit/memory-secret-store.ts';
import { memoryTokenStore } from '../kit/memory-token-store.ts';
import { manualClock } from '../kit/simulator.ts';
import { tokenWorld } from '../kit/token-world.ts';

const systems = {
  crm: { auth: { grant: 'refresh_token', secret: 'grant', refresh: 'ttl' } },
  fixed: { auth: { grant: 'bearer', secret: 'static' } },
  manual: { auth: { grant: 'refresh_token', secret: 'grant', refresh: 'never' } },
} as const;

function record(version: number, expiresAtMs: number, more: Partial<TokenRecord> = {}): TokenRecord {
  const current = { token: `token-${version}`, version, expiresAtMs, issuedAtMs: 0 };
  return { ...emptyTokenRecord('crm'), current, version, epoch: version, ...more };
}

function set(invoke: RefreshInvoker['refresh']) {
  const clock = manualClock();
  const [tokens, secrets] = [memoryTokenStore(), memorySecretStore()];
  const asked: { system: string; seenVersion: number }[] = [];
  const invoker: RefreshInvoker = {
    refresh: (input) => {
      asked.push(input);
      return invoke(input);
    },
  };
  const source = createCredentialSource({ systems, tokens, secrets, invoker, clock, log: silentLog });
  return { clock, tokens, secrets, asked, source };
}

describe('the credentials of an OAuth system', () => {
  it('uses a live token without asking for another', async () => {
    const { clock, tokens, asked, source } = set(async () => ({ kind: 'busy' }));
    await tokens.write(record(3, clock.now() + 60_000), 0);
    expect(await source.authorize('crm')).toEqual({ headers: { authorization: 'Bearer token-3' }, version: 3 });
    expect(asked).toEqual([]);
  });

  it('asks once for a new token, however many callers need it', async () => {
    const { clock, tokens, asked, source } = set(async () => {
      await tokens.write(record(1, clock.now() + 60_000), 0);
      return { kind: 'version', version: 1 };
    });
    const answers = await Promise.all(Array.from({ length: 20 }, () => source.authorize('crm')));
    expect([answers.every((one) => 'version' in one && one.version === 1), asked.length]).toEqual([true, 1]);
  });

  it('replaces a refused token once for all its callers', async () => {
    const { clock, tokens, asked, source } = set(async () => {
      await tokens.write(record(2, clock.now() + 60_000), 1);
      return { kind: 'version', version: 2 };
    });
    await tokens.write(record(1, clock.now() + 60_000), 0);
    await source.authorize('crm');
    const answers = await Promise.all(Array.from({ length: 20 }, () => source.rejected('crm', 1)));
    expect([new Set(answers), asked]).toEqual([new Set(['refreshed']), [{ system: 'crm', seenVersion: 1 }]]);
  });

  it('takes a token that another process has obtained since', async () => {
    const { clock, tokens, asked, source } = set(async () => ({ kind: 'busy' }));
    await tokens.write(record(1, clock.now() + 60_000), 0);
    await source.authorize('crm');
    await tokens.write(record(2, clock.now() + 60_000), 1);
    expect([await source.rejected('crm', 1), asked]).toEqual(['refreshed', []]);
  });

  it('does not send a token that ends within seconds', async () => {
    const { clock, tokens, asked, source } = set(async () => ({ kind: 'broken', code: 'invalid_grant' }));
    await tokens.write(record(1, clock.now() + 5_000), 0);
    expect(await source.authorize('crm')).toEqual({ unavailable: true, code: 'invalid_grant' });
    expect(asked).toHaveLength(1);
  });

  it('waits for the refresher that is at work', async () => {
    const { clock, tokens, source } = set(async () => ({ kind: 'busy' }));
    const lease = { owner: 'other', epoch: 1, untilMs: clock.now() + leaseMs, nextSecretVersionId: 'v2' };
    await tokens.write(record(1, clock.now() - 1, { lease }), 0);
    const waiting = source.authorize('crm');
    for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
    await tokens.write(record(2, clock.now() + 60_000), 1);
    clock.advance(250);
    expect(await waiting).toMatchObject({ version: 2 });
  });

  it('gives up waiting after its time and says when to come back', async () => {
    const { clock, tokens, source } = set(async () => ({ kind: 'busy' }));
    const lease = { owner: 'other', epoch: 1, untilMs: clock.now() + leaseMs, nextSecretVersionId: 'v2' };
    await tokens.write(record(1, clock.now() - 1, { lease }), 0);
    const waiting = source.authorize('crm');
    for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
    clock.advance(6_001);
    expect(await waiting).toMatchObject({ unavailable: true, code: 'refresh_busy', retryAfterMs: 5_000 });
  });

  it('says that the refresh function cannot be reached instead of throwing', async () => {
    const { source } = set(async () => {
      throw new Error('no route');
    });
    expect(await source.authorize('crm')).toMatchObject({ unavailable: true, retryAfterMs: 5_000 });
  });

  it('delays a request whose token was refused while the refresher is late, and never sends that token again', async () => {
    const { clock, tokens, source } = set(async () => {
      clock.advance(6_001);
      return { kind: 'busy' };
    });
    await tokens.write(record(1, clock.now() + 60_000), 0);
    await source.authorize('crm');
    expect(await source.rejected('crm', 1)).toBe('refreshed');
    expect(await source.authorize('crm')).toMatchObject({
      unavailable: true,
      code: 'refresh_busy',
      retryAfterMs: 5_000,
    });
  });

  it('says that a refused token is broken where the grant is', async () => {
    const { clock, tokens, source } = set(async () => ({ kind: 'broken', code: 'invalid_grant' }));
    await tokens.write(record(1, clock.now() + 60_000), 0);
    await source.authorize('crm');
    expect(await source.rejected('crm', 1)).toBe('broken');
  });

  it('asks for one newer than the token that is about to end, also where an older one was refused', async () => {
    const { clock, tokens, asked, source } = set(async () => ({ kind: 'busy' }));
    await tokens.write(record(2, clock.now() + 60_000), 0);
    await source.rejected('crm', 1);
    clock.advance(55_000);
    await source.authorize('crm');
    expect(asked[0]).toEqual({ system: 'crm', seenVersion: 2 });
  });

  it('never asks for a token where policy forbids it', async () => {
    const { asked, source } = set(async () => ({ kind: 'busy' }));
    expect([await source.rejected('manual', 1), asked]).toEqual(['broken', []]);
  });

  it('makes one provider request over eight processes that hold the same ended token', async () => {
    const world = tokenWorld();
    const invoker: RefreshInvoker = { refresh: (input) => world.ask(input.seenVersion) };
    const crm = { hubspot: { auth: { grant: 'refresh_token', refresh: 'ttl' } } } as const;
    const { tokens, secrets } = world;
    // Time passes only where somebody waits.
    const clock = { now: world.clock.now, sleep: async (ms: number) => world.clock.advance(ms) };
    const all = Array.from({ length: 8 }, () =>
      createCredentialSource({ systems: crm, tokens, secrets, invoker, clock, log: silentLog }),
    );
    const answers = await Promise.all(all.map((source) => source.authorize('hubspot')));
    expect([answers.filter((one) => 'version' in one).length, world.provider.counters().refreshes]).toEqual([8, 1]);
  });
});

describe('the credentials of a static system', () => {
  it('reads the secret once and again by age', async () => {
    const { clock, secrets, source } = set(async () => ({ kind: 'busy' }));
    secrets.set('static', 'first\n', 'v1');
    await source.authorize('fixed');
    secrets.set('static', 'second', 'v2');
    const young = await source.authorize('fixed');
    clock.advance(300_000);
    expect([young, await source.authorize('fixed')]).toMatchObject([
      { headers: { authorization: 'Bearer first' }, version: 1 },
      { headers: { authorization: 'Bearer second' }, version: 2 },
    ]);
  });

  it('finds a replaced token after a refusal', async () => {
    const { clock, secrets, source } = set(async () => ({ kind: 'busy' }));
    secrets.set('static', 'first', 'v1');
    await source.authorize('fixed');
    secrets.set('static', 'second', 'v2');
    clock.advance(5_000);
    expect(await source.rejected('fixed', 1)).toBe('refreshed');
  });

  it('is broken where the refused token is still the one in the secret', async () => {
    const { clock, secrets, source } = set(async () => ({ kind: 'busy' }));
    secrets.set('static', 'first', 'v1');
    await source.authorize('fixed');
    clock.advance(5_000);
    expect(await source.rejected('fixed', 1)).toBe('broken');
  });

  it('is unavailable without a secret', async () => {
    const { source } = set(async () => ({ kind: 'busy' }));
    expect(await source.authorize('fixed')).toEqual({ unavailable: true, code: 'secret_missing' });
  });
});

describe('the time to refresh ahead', () => {
  it('is at 80 % of the token’s life', () => {
    expect(refreshDueMs(record(1, 1000), 'ttl')).toBe(800);
  });

  it('is never where only a refusal triggers a refresh', () => {
    expect(refreshDueMs(record(1, 1000), 'on401')).toBeNull();
  });
});
