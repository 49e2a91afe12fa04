import type { Authorization } from '../connectors/credentials.ts';
import type { Clock } from '../model/clock.ts';
import type { SecretStore } from './ports.ts';

/** How long a static token is used before its secret is read again, milliseconds. */
export const secretMaxAgeMs = 300_000;

/** A refused token is read again at most this often, milliseconds. */
const rereadEveryMs = 5_000;

/** Static bearer tokens of one process, by the name of their secret. */
export type StaticBearer = {
  authorize(secret: string): Promise<Authorization>;
  /** `refreshed` where the secret holds another token by now. */
  rejected(secret: string, version: number): Promise<'refreshed' | 'broken'>;
};

type Held = { readonly token: string; readonly version: number; readonly readAtMs: number };

/**
 * Reads each secret at its first use and by age. A secret that cannot be read again is used on: the token did not get
 * worse, and its system refuses it where it was revoked.
 */
export function createStaticBearer(deps: { secrets: Pick<SecretStore, 'get'>; clock: Clock }): StaticBearer {
  const held = new Map<string, Held>();
  const read = async (secret: string): Promise<Held | null> => {
    const known = held.get(secret);
    const stored = await deps.secrets.get(secret).catch((error: unknown) => {
      if (known === undefined) throw error;
      return null;
    });
    const token = stored?.value.trim() ?? known?.token ?? '';
    if (token === '') return null;
    const version = known === undefined ? 1 : known.version + (token === known.token ? 0 : 1);
    const next = { token, version, readAtMs: deps.clock.now() };
    held.set(secret, next);
    return next;
  };
  return {
    async authorize(secret) {
      const known = held.get(secret);
      const isYoung = known !== undefined && deps.clock.now() - known.readAtMs < secretMaxAgeMs;
      const now = isYoung ? known : await read(secret);
      if (now === null || !/^[\x21-\x7e]+$/.test(now.token)) return { unavailable: true, code: 'secret_missing' };
      return { headers: { authorization: `Bearer ${now.token}` }, version: now.version };
    },
    async rejected(secret, version) {
      const known = held.get(secret);
      if (known !== undefined && known.version > version) return 'refreshed';
      if (known !== undefined && deps.clock.now() - known.readAtMs < rereadEveryMs) return 'broken';
      const now = await read(secret);
      return now !== null && now.version > version ? 'refreshed' : 'broken';
    },
  };
}
