import { createPublicKey, type KeyObject, verify as verifySignature } from 'node:crypto';
import { decodeStrict } from './encoding.ts';
import { freshTimestamp } from './timestamp.ts';
import type { CheckedRequest } from './verify-table.ts';
import { type Proof, Refusal } from './verify-types.ts';

/**
 * SendGrid's signed event webhook: ECDSA P-256 over timestamp and body; the secret is the public key, base64 SPKI or PEM.
 * @see https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/getting-started-event-webhook-security-features
 */
export function verifySendgrid(request: CheckedRequest): Proof {
  const keys = request.secrets.map(parseKey);
  const given = decodeStrict(request.reader.required('x-twilio-email-event-webhook-signature'), 'base64');
  if (!given) throw new Refusal('malformed_header');
  const timestamp = request.reader.required('x-twilio-email-event-webhook-timestamp');
  const timestampMs = freshTimestamp(timestamp, 's', request);
  const signed = Buffer.concat([Buffer.from(timestamp), request.body]);
  const secretIndex = keys.findIndex((key) => verifySignature('sha256', signed, { key, dsaEncoding: 'der' }, given));
  if (secretIndex < 0) throw new Refusal('mismatch');
  return { secretIndex, timestampMs };
}

function parseKey(secret: string): KeyObject {
  const pem = /^-----BEGIN PUBLIC KEY-----([A-Za-z0-9+/=\s]+)-----END PUBLIC KEY-----$/.exec(secret);
  const der = decodeStrict(pem ? (pem[1] ?? '').replace(/\s/g, '') : secret, 'base64');
  if (!der) throw new Refusal('config');
  try {
    const key = createPublicKey({ key: Buffer.from(der), format: 'der', type: 'spki' });
    if (key.asymmetricKeyDetails?.namedCurve === 'prime256v1') return key;
  } catch {
    // told below: a key that does not parse is a configuration fault, whatever OpenSSL calls it
  }
  throw new Refusal('config');
}
