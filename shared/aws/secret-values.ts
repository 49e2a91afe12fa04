import type { Clock } from '../model/clock.ts';

const maxAgeMs = 300_000;
/** A secret that is not there may be made any moment: it is looked for again sooner. */
const missingAgeMs = 30_000;

/**
 * Values of secrets, current first and the one before it during a rotation; empty where there is none. Kept for five minutes;
 * Secrets Manager's client is loaded with the first question. Throws `store_unavailable`.
 */
export function secretValuesOnDemand(clock: Clock): (name: string) => Promise<readonly string[]> {
  const held = new Map<string, { readonly values: readonly string[]; readonly untilMs: number }>();
  return async (name) => {
    const known = held.get(name);
    if (known && clock.now() < known.untilMs) return known.values;
    const { awsSecretStore, secretsClient } = await import('./secret-store.ts');
    const versions = await awsSecretStore(secretsClient()).current(name);
    const values = [...new Set(versions.map(({ value }) => value))];
    held.set(name, { values, untilMs: clock.now() + (values.length > 0 ? maxAgeMs : missingAgeMs) });
    return values;
  };
}

/** Shorter keys are none. */
const leastKeyBytes = 32;

/**
 * The keys of event handles, newest first, from the secret that policies.yaml names; empty where it names none.
 * @param name `events.handleSecret` of policies.yaml
 */
export function eventKeysOnDemand(
  valuesOf: (name: string) => Promise<readonly string[]>,
  name: string | undefined,
): () => Promise<readonly Uint8Array[]> {
  return async () => {
    if (name === undefined) return [];
    const keys = (await valuesOf(name)).map((value) => Buffer.from(value));
    return keys.filter((key) => key.byteLength >= leastKeyBytes);
  };
}
