import type { Authorization, CredentialSource } from '../connectors/credentials.ts';
import type { Clock } from '../model/clock.ts';
import type { Log } from '../observe/log.ts';
import type { AccessToken, RefreshInvoker, SecretStore, TokenRecord, TokenStore } from './ports.ts';
import type { StaticAuth } from './static-credential.ts';
import { createStaticKeys, type StaticKeys } from './static-keys.ts';

/** What the source needs to know of each system: the `auth` part of its configuration. */
export type CredentialSystems = {
  readonly [system: string]: {
    readonly auth:
      | StaticAuth
      | {
          readonly grant: 'refresh_token' | 'client_credentials' | 'jwt_bearer';
          readonly refresh: 'ttl' | 'on401' | 'both' | 'never';
        };
  };
};

/** What {@link createCredentialSource} needs. */
export type CredentialDeps = {
  readonly systems: CredentialSystems;
  /** For static keys only; grants are never read here. */
  readonly secrets: Pick<SecretStore, 'get'>;
  readonly tokens: Pick<TokenStore, 'get'>;
  readonly invoker: RefreshInvoker;
  readonly clock: Clock;
  readonly log: Log;
};

type Source = {
  readonly deps: CredentialDeps;
  readonly held: Map<string, AccessToken>;
  /** The newest version each system has refused. */
  readonly refused: Map<string, number>;
  readonly late: Map<string, { readonly untilMs: number; readonly answer: Authorization }>;
  readonly flights: Map<string, Promise<Authorization>>;
  readonly keys: StaticKeys;
};

/** A token this close to its end, or in the last tenth of its life, is not sent any more: it must arrive while it counts. */
const endMarginMs = 10_000;

/** How long a refresh may take altogether, milliseconds. */
const patienceMs = 6_000;

const pollMs = 200;

/** How long callers are told to wait without asking again, once a refresh was late, milliseconds. */
const lateMs = 1_000;

/**
 * The credentials of one process. Access tokens are read from `state` and kept until shortly before their end; a newer one
 * is asked of the refresh function by one caller at a time, the others of the process wait for its answer.
 */
export function createCredentialSource(deps: CredentialDeps): CredentialSource {
  const maps = { held: new Map(), refused: new Map(), late: new Map(), flights: new Map() };
  const source: Source = { deps, ...maps, keys: createStaticKeys(deps) };
  return {
    async authorize(system) {
      const auth = deps.systems[system]?.auth;
      if (auth === undefined) return { unavailable: true, code: 'unknown_system' };
      if (!('refresh' in auth)) return source.keys.authorize(auth);
      return authorizeOAuth(source, system);
    },
    async rejected(system, version) {
      const auth = deps.systems[system]?.auth;
      if (auth === undefined) return 'broken';
      if (!('refresh' in auth)) return source.keys.rejected(auth.secret, version);
      if (auth.refresh === 'never') return 'broken';
      return replaceRefused(source, system, version);
    },
  };
}

// Where the new token is only late, the answer is `refreshed` too: the authorize that follows says how long to wait, so that a
// busy refresher delays an action and never fails it.
async function replaceRefused(source: Source, system: string, version: number): Promise<'refreshed' | 'broken'> {
  source.refused.set(system, Math.max(version, source.refused.get(system) ?? 0));
  const held = source.held.get(system);
  if (held !== undefined && held.version > version) return 'refreshed';
  source.held.delete(system);
  const next = await inOneFlight(source, system, version);
  if ('headers' in next) return 'refreshed';
  if (next.retryAfterMs === undefined) return 'broken';
  source.late.set(system, { untilMs: source.deps.clock.now() + lateMs, answer: next });
  return 'refreshed';
}

async function authorizeOAuth(source: Source, system: string): Promise<Authorization> {
  const held = source.held.get(system);
  if (held !== undefined && isUsable(source, held)) return toHeaders(held);
  const late = source.late.get(system);
  if (late !== undefined && source.deps.clock.now() < late.untilMs) return late.answer;
  return inOneFlight(source, system, source.refused.get(system) ?? null);
}

// One question at a time and process. Whoever saw a newer version refused than the running flight asks again after it.
async function inOneFlight(source: Source, system: string, refused: number | null): Promise<Authorization> {
  const running = source.flights.get(system);
  if (running !== undefined) {
    const outcome = await running;
    if (refused === null || !('headers' in outcome) || outcome.version > refused) return outcome;
    return inOneFlight(source, system, refused);
  }
  const flight = obtain(source, system, refused).finally(() => source.flights.delete(system));
  source.flights.set(system, flight);
  return flight;
}

async function obtain(source: Source, system: string, refused: number | null): Promise<Authorization> {
  const { deps } = source;
  const untilMs = deps.clock.now() + patienceMs;
  const record = await deps.tokens.get(system);
  const ready = take(source, record, refused);
  if (ready !== null) return ready;
  const seenVersion = Math.max(refused ?? 0, record?.version ?? 0);
  // Asked a second time only where the refresher we waited for ended without a token.
  for (let asked = 0; asked < 2 && deps.clock.now() < untilMs; asked += 1) {
    const answer = await ask(source, system, seenVersion);
    if (answer.kind === 'unreachable') break;
    if (answer.kind === 'broken') return { unavailable: true, code: answer.code };
    const next = await waitForToken(source, system, refused, untilMs);
    if (next !== null) return next;
  }
  return { unavailable: true, code: 'refresh_busy', retryAfterMs: 5_000 };
}

async function ask(source: Source, system: string, seenVersion: number) {
  const { invoker, log } = source.deps;
  try {
    return await invoker.refresh({ system, seenVersion });
  } catch (error) {
    log.error('The refresh function did not answer.', { system, code: 'refresh_unreachable' }, error);
    return { kind: 'unreachable' } as const;
  }
}

// Null: nobody is refreshing any more, or not in time, and there is no new token.
async function waitForToken(
  source: Source,
  system: string,
  refused: number | null,
  untilMs: number,
): Promise<Authorization | null> {
  const { clock, tokens } = source.deps;
  for (;;) {
    const record = await tokens.get(system);
    const ready = take(source, record, refused);
    if (ready !== null) return ready;
    const isRefreshing = record?.lease != null && record.lease.untilMs > clock.now();
    if (!isRefreshing || clock.now() >= untilMs) return null;
    await clock.sleep(pollMs);
  }
}

function take(source: Source, record: TokenRecord | null, refused: number | null): Authorization | null {
  const current = record?.current ?? null;
  if (record === null || current === null || !isUsable(source, current)) return null;
  if (refused !== null && current.version <= refused) return null;
  source.held.set(record.system, current);
  return toHeaders(current);
}

function isUsable(source: Source, token: AccessToken): boolean {
  const marginMs = Math.min(endMarginMs, 0.1 * (token.expiresAtMs - token.issuedAtMs));
  return token.expiresAtMs - marginMs > source.deps.clock.now();
}

function toHeaders(token: AccessToken): Authorization {
  return { headers: { authorization: `Bearer ${token.token}` }, version: token.version };
}

/**
 * When a token should be refreshed ahead of time: at 80 % of its life, or null where there is none or policy says not to.
 * @param refresh the system's `auth.refresh`
 */
export function refreshDueMs(record: TokenRecord | null, refresh: 'ttl' | 'on401' | 'both' | 'never'): number | null {
  const current = record?.current ?? null;
  if (current === null || refresh === 'on401' || refresh === 'never') return null;
  return current.issuedAtMs + 0.8 * (current.expiresAtMs - current.issuedAtMs);
}
