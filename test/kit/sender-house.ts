import { systemSchema } from '../../shared/config/schema.ts';
import type { CredentialSource } from '../../shared/connectors/credentials.ts';
import { loadConnector } from '../../shared/connectors/registry.ts';
import { makeSender } from '../../shared/connectors/send.ts';
import type { SendInput } from '../../shared/connectors/sender.ts';
import type { OutboundRequest } from '../../shared/http/client.ts';
import type { HttpResult } from '../../shared/http/result.ts';
import { silentLog } from '../../shared/observe/json-log.ts';
import type { Log } from '../../shared/observe/log.ts';
import { breakerGuard } from '../../shared/resilience/breaker-guard.ts';
import { rateLimiter } from '../../shared/resilience/rate-limit.ts';
import { memoryResilienceStore } from './memory-resilience-store.ts';

type Auth = Record<string, unknown>;
export const oauth = (refresh: string): Auth => ({
  grant: 'refresh_token',
  secret: 's',
  tokenLifetime: '30m',
  refresh,
});

export const answer = (status: number, body: unknown = {}): HttpResult => ({
  kind: 'answer',
  answer: { status, headers: {}, bodyText: JSON.stringify(body) },
  fetchedAtMs: 0,
});
export const portal = (portalId = 4711, accountType = 'SANDBOX') => answer(200, { portalId, accountType });
export const expired = answer(401, { category: 'EXPIRED_AUTHENTICATION', message: 'expired' });
export const lost: HttpResult = { kind: 'lost', fault: { code: 'connection_lost', message: 'm' } };
export const unreachable: HttpResult = { kind: 'not_sent', fault: { code: 'connect_failed', message: 'm' } };

/** A sender to one configured system whose HTTP answers are given by path. */
export function house(given: {
  answers?: (request: OutboundRequest, n: number) => HttpResult;
  auth?: Auth;
  account?: Record<string, unknown>;
  productionStage?: boolean;
  credentials?: Partial<CredentialSource>;
  limits?: unknown;
  /** Anything else of the system's configuration, such as another connector. */
  system?: Record<string, unknown>;
  log?: Log;
}) {
  const sent: OutboundRequest[] = [];
  const rejected: number[] = [];
  let nowMs = 1_000_000;
  let version = 1;
  const clock = {
    now: () => nowMs,
    sleep: async (ms: number) => {
      nowMs += ms;
    },
  };
  const store = memoryResilienceStore();
  const config = systemSchema.parse({
    connector: 'hubspot',
    owner: 'revops',
    account: given.account ?? { portalId: 4711, is: 'sandbox' },
    apiVersion: '2026-09',
    auth: given.auth ?? { grant: 'bearer', secret: 's' },
    limits: given.limits ?? [{ calls: 100, per: '10s' }],
    breaker: { opensAfter: 3, stays: '30s', whileOpen: 'queue' },
    ...given.system,
  });
  const credentials: CredentialSource = {
    authorize: async () => ({ headers: { authorization: `Bearer t${version}` }, version }),
    rejected: async (_system, seen) => {
      rejected.push(seen);
      version += 1;
      return 'refreshed';
    },
    ...given.credentials,
  };
  const send = makeSender({
    systems: { hubspot: config },
    loadConnector,
    credentials,
    http: {
      send: async (request) => {
        sent.push(request);
        return given.answers?.(request, sent.length) ?? (request.path.startsWith('/account') ? portal() : answer(200));
      },
      abortAll() {},
      close() {},
    },
    breakers: breakerGuard({ store, clock, owner: 'test' }),
    rates: rateLimiter({ store, clock }),
    clock,
    // A second try comes at once.
    random: (count) => new Uint8Array(count),
    log: given.log ?? silentLog,
    productionStage: given.productionStage ?? false,
  });
  const call = (purpose: SendInput['purpose'], more: Partial<SendInput> = {}) =>
    send({
      system: 'hubspot',
      spec:
        purpose === 'read' ? { method: 'GET', path: '/r' } : { method: 'POST', path: '/w', body: { json: { a: 1 } } },
      purpose,
      deadlineMs: nowMs + 20_000,
      ...more,
    });
  const advance = (ms: number) => {
    nowMs += ms;
  };
  return { call, sent, rejected, advance, paths: () => sent.map(({ path }) => path) };
}
