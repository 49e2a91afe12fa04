import { createHash, createHmac } from 'node:crypto';
import { decodeStrict, equalBytes } from './encoding.ts';
import type { HeaderReader } from './header-values.ts';
import type { SignedPart, TableScheme } from './schemes.ts';
import { freshTimestamp } from './timestamp.ts';
import { type Proof, Refusal, type VerifyInput } from './verify-types.ts';

/** A request whose secrets are usable and whose headers are read one value each. */
export type CheckedRequest = Omit<VerifyInput, 'secrets'> & {
  readonly secrets: readonly string[];
  readonly reader: HeaderReader;
};

/** Verifies a request under a scheme of the table. Refuses with a reason; returns only what is proven. */
export function verifyTable(scheme: TableScheme, request: CheckedRequest): Proof {
  const { reader } = request;
  if (scheme.refusedWith !== null && reader.optional(scheme.refusedWith) !== null) throw new Refusal('downgrade');
  if (scheme.version) {
    const version = reader.optional(scheme.version.header);
    if (version !== null && version !== scheme.version.value) throw new Refusal('downgrade');
  }
  const given = signatureBytes(scheme, reader);
  const timestamp = scheme.timestamp ? reader.required(scheme.timestamp.header) : '';
  const timestampMs = scheme.timestamp ? freshTimestamp(timestamp, scheme.timestamp.unit, request) : null;
  const secretIndex = matchIndex(request.secrets, (secret) =>
    scheme.signed.map((parts) => [digestOf(scheme, secret, parts, request, timestamp), given] as const),
  );
  return { secretIndex, ...(timestampMs === null ? {} : { timestampMs }) };
}

/**
 * Index of the first secret under which one pair of expected and given bytes is equal; every secret and pair is compared.
 * Refuses `mismatch` where none is.
 */
export function matchIndex(
  secrets: readonly string[],
  pairs: (secret: string) => readonly (readonly [expected: Uint8Array, given: Uint8Array])[],
): number {
  let found = -1;
  secrets.forEach((secret, index) => {
    for (const [expected, given] of pairs(secret)) {
      if (equalBytes(expected, given) && found < 0) found = index;
    }
  });
  if (found < 0) throw new Refusal('mismatch');
  return found;
}

function signatureBytes(scheme: TableScheme, reader: HeaderReader): Uint8Array {
  const values = scheme.header.map((name) => reader.optional(name)).filter((value) => value !== null);
  const [value] = values;
  if (value === undefined || value === '') throw new Refusal('missing_header');
  if (values.some((other) => other !== value)) throw new Refusal('duplicate_header');
  return prefixedDigest(value, scheme.prefix, scheme.encoding);
}

/** The digest after a fixed prefix. Refuses `malformed_header`. */
export function prefixedDigest(value: string, prefix: string, encoding: TableScheme['encoding']): Uint8Array {
  const bytes = value.startsWith(prefix) ? decodeStrict(value.slice(prefix.length), encoding) : null;
  if (!bytes) throw new Refusal('malformed_header');
  return bytes;
}

function digestOf(
  scheme: TableScheme,
  secret: string,
  parts: readonly SignedPart[],
  request: CheckedRequest,
  timestamp: string,
): Uint8Array {
  const hash = scheme.digest === 'hmac' ? createHmac(scheme.algorithm, secret) : createHash(scheme.algorithm);
  for (const part of parts) hash.update(partValue(part, secret, request, timestamp));
  return hash.digest();
}

function partValue(part: SignedPart, secret: string, request: CheckedRequest, timestamp: string): string | Uint8Array {
  switch (part) {
    case 'body':
      return request.body;
    case 'method':
      return request.method;
    case 'url':
      return request.url;
    case 'decodedUrl':
      return decodeHubspotUrl(request.url);
    case 'timestamp':
      return timestamp;
    case 'secret':
      return secret;
    default:
      return part.slice(1, -1);
  }
}

/**
 * Decodes the twelve escapes that HubSpot decodes before it signs.
 * @see https://developers.hubspot.com/docs/apps/legacy-apps/authentication/validating-requests
 */
function decodeHubspotUrl(url: string): string {
  return url.replace(/%(?:3A|2F|3F|40|21|24|27|28|29|2A|2C|3B)/g, (code) =>
    String.fromCharCode(Number.parseInt(code.slice(1), 16)),
  );
}
