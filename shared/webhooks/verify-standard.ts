import { createHmac, createPublicKey, type KeyObject, verify as verifySignature } from 'node:crypto';
import { decodeStrict, equalBytes } from './encoding.ts';
import { freshTimestamp } from './timestamp.ts';
import type { CheckedRequest } from './verify-table.ts';
import { type Proof, Refusal } from './verify-types.ts';

const maxSignatures = 5;
/** What stands before the 32 bytes of an Ed25519 public key in SPKI form (RFC 8410). */
const ed25519Prefix = Buffer.from('302a300506032b6570032100', 'hex');

type Key =
  | { readonly version: 'v1'; readonly bytes: Uint8Array }
  | { readonly version: 'v1a'; readonly key: KeyObject };
type Entry = { readonly version: string; readonly bytes: Uint8Array };

/**
 * Standard Webhooks: `v1` is HMAC-SHA256 under `whsec_` + base64, `v1a` Ed25519 under the public key `whpk_` + base64.
 * The signature covers id and timestamp.
 * @param prefixes header families in order of preference; two families in one request must agree
 * @see https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */
export function verifyStandard(request: CheckedRequest, prefixes: readonly string[]): Proof {
  const keys = request.secrets.map(parseKey);
  const id = family(request, prefixes, 'id');
  const timestamp = family(request, prefixes, 'timestamp');
  const list = family(request, prefixes, 'signature');
  if (!/^[\x21-\x2b\x2d-\x7e]{1,256}$/.test(id)) throw new Refusal('malformed_header');
  const entries = signatureEntries(list);
  if (entries.length === 0) throw new Refusal('malformed_header');
  const timestampMs = freshTimestamp(timestamp, 's', request);
  const signed = Buffer.concat([Buffer.from(`${id}.${timestamp}.`), request.body]);
  let secretIndex = -1;
  keys.forEach((key, index) => {
    for (const entry of entries) {
      if (matches(key, entry, signed) && secretIndex < 0) secretIndex = index;
    }
  });
  if (secretIndex < 0) throw new Refusal('mismatch');
  return { secretIndex, signedId: id, timestampMs };
}

function family(request: CheckedRequest, prefixes: readonly string[], part: string): string {
  const values = prefixes
    .map((prefix) => request.reader.optional(`${prefix}-${part}`))
    .filter((value) => value !== null);
  const [value] = values;
  if (value === undefined || value === '') throw new Refusal('missing_header');
  if (values.some((other) => other !== value)) throw new Refusal('duplicate_header');
  return value;
}

/** At most five signatures of known versions; what does not parse cannot match and is passed over. */
function signatureEntries(list: string): readonly Entry[] {
  return list
    .split(' ')
    .map((entry) => [entry.slice(0, entry.indexOf(',')), entry.slice(entry.indexOf(',') + 1)] as const)
    .filter(([version]) => version === 'v1' || version === 'v1a')
    .slice(0, maxSignatures)
    .flatMap(([version, text]) => {
      const bytes = decodeStrict(text, 'base64');
      return bytes && bytes.length === (version === 'v1' ? 32 : 64) ? [{ version, bytes }] : [];
    });
}

function parseKey(secret: string): Key {
  const publicKey = secret.startsWith('whpk_');
  const text = secret.startsWith('whsec_') ? secret.slice(6) : publicKey ? secret.slice(5) : secret;
  const bytes = decodeStrict(text, 'base64');
  if (!bytes) throw new Refusal('config');
  if (!publicKey) {
    if (bytes.length < 24 || bytes.length > 75) throw new Refusal('config');
    return { version: 'v1', bytes };
  }
  if (bytes.length !== 32) throw new Refusal('config');
  const key = createPublicKey({ key: Buffer.concat([ed25519Prefix, bytes]), format: 'der', type: 'spki' });
  return { version: 'v1a', key };
}

function matches(key: Key, entry: Entry, signed: Uint8Array): boolean {
  if (key.version !== entry.version) return false;
  if (key.version === 'v1a') return verifySignature(null, signed, key.key, entry.bytes);
  return equalBytes(createHmac('sha256', key.bytes).update(signed).digest(), entry.bytes);
}
