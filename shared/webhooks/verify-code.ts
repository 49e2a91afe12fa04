import { createHmac } from 'node:crypto';
import { verifyGraph } from './verify-graph.ts';
import { verifySalesforce } from './verify-salesforce.ts';
import { verifySendgrid } from './verify-sendgrid.ts';
import { verifyStandard } from './verify-standard.ts';
import { verifyStripe } from './verify-stripe.ts';
import { type CheckedRequest, matchIndex, prefixedDigest } from './verify-table.ts';
import { verifyTwilio } from './verify-twilio.ts';
import { type Proof, Refusal } from './verify-types.ts';

/** The verifiers of schemes that a table cannot say, by scheme name. */
export const codeVerifiers: ReadonlyMap<string, (request: CheckedRequest) => Proof> = new Map([
  ['stripe', verifyStripe],
  ['standard-webhooks', (request) => verifyStandard(request, ['webhook'])],
  ['svix', (request) => verifyStandard(request, ['svix', 'webhook'])],
  ['twilio', verifyTwilio],
  ['sendgrid', verifySendgrid],
  ['pipedrive', verifyBasic],
  ['graph', verifyGraph],
  ['salesforce-outbound', verifySalesforce],
  ['hmac', verifyGenericHmac],
]);

const algorithms: ReadonlySet<string> = new Set(['sha1', 'sha256', 'sha384', 'sha512']);
const encodings = { hex: 'hex', base64: 'base64', base64url: 'base64url' } as const;

/** Any provider that sends an HMAC of the body: header, algorithm, encoding and prefix come from configuration. */
function verifyGenericHmac(request: CheckedRequest): Proof {
  const { header, algorithm: named = '', encoding: spelled = '', prefix = '' } = request.params ?? {};
  const algorithm = named.toLowerCase().replace('sha-', 'sha');
  const encoding = Object.hasOwn(encodings, spelled) ? encodings[spelled as keyof typeof encodings] : null;
  if (!header || !/^[A-Za-z0-9-]{1,100}$/.test(header) || !algorithms.has(algorithm) || !encoding) {
    throw new Refusal('config');
  }
  const given = prefixedDigest(request.reader.required(header), prefix, encoding);
  const digest = (secret: string) => createHmac(algorithm, secret).update(request.body).digest();
  return { secretIndex: matchIndex(request.secrets, (secret) => [[digest(secret), given]]) };
}

/**
 * HTTP Basic credentials, `user:password` as one secret. It proves who sent it, not that the body is unchanged.
 * @see https://pipedrive.readme.io/docs/guide-for-webhooks-v2
 */
function verifyBasic(request: CheckedRequest): Proof {
  const given = prefixedDigest(request.reader.required('authorization'), 'Basic ', 'base64');
  if (request.secrets.some((secret) => !/^[^:]+:./.test(secret))) throw new Refusal('config');
  const digest = (bytes: Uint8Array | string) => createHmac('sha256', 'equal length').update(bytes).digest();
  return { secretIndex: matchIndex(request.secrets, (secret) => [[digest(secret), digest(given)]]) };
}
