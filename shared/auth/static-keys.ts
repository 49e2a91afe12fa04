import type { AuthConfig } from '../config/schema.ts';
import type { Authorization } from '../connectors/credentials.ts';
import type { Clock } from '../model/clock.ts';
import type { SecretStore } from './ports.ts';
import { type StaticAuth, staticCredential } from './static-credential.ts';

/** How long a static key is used before its secret is read again, milliseconds. */
export const secretMaxAgeMs = 300_000;

/** A secret whose key is refused is read again at most this often, milliseconds. */
const rereadEveryMs = 5_000;

/** Static keys of one process, by the name of their secret. */
export type StaticKeys = {
  authorize(auth: StaticAuth): Promise<Authorization>;
  /** `refreshed` where the secret holds another key by now. */
  rejected(secret: AuthConfig['secret'], version: number): Promise<'refreshed' | 'broken'>;
};

type Held = {
  readonly value: string;
  readonly version: number;
  readonly readAtMs: number;
  /** When it was last read because of a refusal. */
  readonly askedAtMs: number | null;
};

type Keys = {
  readonly deps: { readonly secrets: Pick<SecretStore, 'get'>; readonly clock: Clock };
  readonly held: Map<string, Held>;
  readonly flights: Map<string, Promise<Held | null>>;
};

/**
 * Reads each secret at its first use, by age, and when its key is refused. A secret that cannot be read again is used on:
 * the key did not get worse, and its system refuses it where it was revoked.
 */
export function createStaticKeys(deps: Keys['deps']): StaticKeys {
  const keys: Keys = { deps, held: new Map(), flights: new Map() };
  return {
    async authorize(auth) {
      const known = keys.held.get(auth.secret);
      const isYoung = known !== undefined && deps.clock.now() - known.readAtMs < secretMaxAgeMs;
      const now = isYoung ? known : await read(keys, auth.secret, known?.askedAtMs ?? null);
      if (now === null) return { unavailable: true, code: 'secret_missing' };
      const credential = staticCredential(auth, now.value, deps.clock);
      if (credential === null) return { unavailable: true, code: 'secret_unreadable' };
      return { ...credential, version: now.version };
    },
    async rejected(secret, version) {
      const known = keys.held.get(secret);
      if (known !== undefined && known.version > version) return 'refreshed';
      const askedAtMs = deps.clock.now();
      const isAskedOften = known?.askedAtMs != null && askedAtMs - known.askedAtMs < rereadEveryMs;
      const now = isAskedOften ? known : await read(keys, secret, askedAtMs);
      return now !== null && now.version > version ? 'refreshed' : 'broken';
    },
  };
}

/** Reads a secret, once for all who want it at the same time. */
function read(keys: Keys, secret: string, askedAtMs: number | null): Promise<Held | null> {
  const running = keys.flights.get(secret);
  if (running !== undefined) return running;
  const flight = readNow(keys, secret, askedAtMs).finally(() => keys.flights.delete(secret));
  keys.flights.set(secret, flight);
  return flight;
}

async function readNow(keys: Keys, secret: string, askedAtMs: number | null): Promise<Held | null> {
  const { deps, held } = keys;
  const known = held.get(secret);
  const stored = await deps.secrets.get(secret).catch((error: unknown) => {
    if (known === undefined) throw error;
    return null;
  });
  const value = stored?.value.trim() ?? known?.value ?? '';
  if (value === '') return null;
  const version = known === undefined ? 1 : known.version + (value === known.value ? 0 : 1);
  const next = { value, version, readAtMs: deps.clock.now(), askedAtMs };
  held.set(secret, next);
  return next;
}
