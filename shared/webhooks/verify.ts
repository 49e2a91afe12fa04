import { headerReader } from './header-values.ts';
import { schemes } from './schemes.ts';
import { codeVerifiers } from './verify-code.ts';
import { verifyTable } from './verify-table.ts';
import { type Proof, Refusal, type VerifyInput, type VerifyResult } from './verify-types.ts';

const maxSecrets = 5;

/**
 * Verifies that a request was signed by whoever holds one of the secrets, under the provider's own scheme.
 * It does no I/O, compares in constant time, never throws on hostile input, and checks both clock directions.
 * It proves origin and integrity of what the scheme signs; a scheme without a timestamp leaves replay to the inbox's claims,
 * and a valid signature says nothing about whether the content is true.
 */
export function verify(input: VerifyInput): VerifyResult {
  try {
    return { ok: true, ...prove(input) };
  } catch (error) {
    return { ok: false, reason: error instanceof Refusal ? error.reason : 'error' };
  }
}

function prove(input: VerifyInput): Proof {
  const scheme = typeof input.scheme === 'string' ? schemes.get(input.scheme) : undefined;
  if (!scheme) throw new Refusal('unknown_scheme');
  const secrets = usableSecrets(input.secrets);
  const { body, url, method } = input;
  if (!(body instanceof Uint8Array) || typeof url !== 'string' || typeof method !== 'string') {
    throw new Refusal('malformed_body');
  }
  const request = { ...input, secrets, reader: headerReader(input.headers) };
  if (scheme.kind === 'table') return verifyTable(scheme, request);
  const byCode = codeVerifiers.get(input.scheme);
  if (!byCode) throw new Refusal('unknown_scheme');
  return byCode(request);
}

/** One blank secret makes the whole set unusable: a set half read is a configuration fault, not a smaller set. */
function usableSecrets(given: string | readonly string[]): readonly string[] {
  const list: readonly unknown[] = Array.isArray(given) ? given : [given];
  const texts = list.filter((secret): secret is string => typeof secret === 'string' && secret.trim() !== '');
  if (texts.length === 0 || texts.length !== list.length) throw new Refusal('config');
  if (texts.some((secret) => secret.trim() !== secret)) throw new Refusal('config');
  return texts.slice(0, maxSecrets);
}
