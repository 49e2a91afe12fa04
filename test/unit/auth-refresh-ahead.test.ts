import { expect, it } from 'vitest';
import { refreshAhead } from '../../shared/auth/refresh-ahead.ts';
import { emptyTokenRecord } from '../../shared/auth/token-record.ts';
import { systemSchema } from '../../shared/config/schema.ts';
import { memoryTokenStore } from '../kit/memory-token-store.ts';
import { manualClock } from '../kit/simulator.ts';

const system = (auth: object) =>
  systemSchema.parse({
    ...{ connector: 'hubspot', owner: 'revops', account: { is: 'sandbox' }, apiVersion: '1' },
    auth: { secret: 's', ...auth },
    limits: [{ calls: 1, per: 'second' }],
  });
const life = { tokenLifetime: '1h' };
const systems = {
  refreshed: system({ grant: 'refresh_token', ...life }),
  machine: system({ grant: 'client_credentials', ...life }),
  asserting: system({ grant: 'jwt_bearer', audience: 'https://a.example', ...life }),
  'on-refusal': system({ grant: 'client_credentials', refresh: 'on401', ...life }),
  never: system({ grant: 'jwt_bearer', audience: 'https://a.example', refresh: 'never', ...life }),
  fixed: system({ grant: 'bearer' }),
  unused: system({ grant: 'client_credentials', ...life }),
};

it('asks for a new token of every grant that is renewed by time, once 80 % of its life are over', async () => {
  const clock = manualClock(0);
  const tokens = memoryTokenStore();
  for (const name of Object.keys(systems).filter((one) => one !== 'unused')) {
    const current = { token: 't', version: 3, issuedAtMs: 0, expiresAtMs: 1000 };
    await tokens.write({ ...emptyTokenRecord(name), current, version: 3, epoch: 1 }, 0);
  }
  const asked: string[] = [];
  const invoker = {
    refresh: async (input: { system: string; seenVersion: number }) => {
      asked.push(`${input.system} ${input.seenVersion}`);
      return { kind: 'busy' } as const;
    },
  };
  clock.advance(799);
  expect(await refreshAhead({ systems, tokens, invoker, clock })).toEqual([]);
  clock.advance(1);
  expect(await refreshAhead({ systems, tokens, invoker, clock })).toEqual(['refreshed', 'machine', 'asserting']);
  expect(asked).toEqual(['refreshed 3', 'machine 3', 'asserting 3']);
});
