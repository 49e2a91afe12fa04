import { createHmac } from 'node:crypto';
import { decodeStrict } from './encoding.ts';
import { freshTimestamp } from './timestamp.ts';
import { type CheckedRequest, matchIndex } from './verify-table.ts';
import { type Proof, Refusal } from './verify-types.ts';

const maxSignatures = 5;

/**
 * Stripe's `t=..,v1=..` header: exactly one `t`, one or more `v1`; other schemes are ignored. The secret is used as text.
 * @see https://docs.stripe.com/webhooks/signature
 */
export function verifyStripe(request: CheckedRequest): Proof {
  const fields = request.reader.required('stripe-signature').split(',');
  const values = (name: string) =>
    fields.filter((field) => field.startsWith(`${name}=`)).map((field) => field.slice(name.length + 1));
  const [timestamp, ...others] = values('t');
  if (timestamp === undefined || others.length > 0) throw new Refusal('malformed_header');
  const given = values('v1')
    .slice(0, maxSignatures)
    .flatMap((text) => decodeStrict(text, 'hex') ?? []);
  if (given.length === 0) throw new Refusal('malformed_header');
  const timestampMs = freshTimestamp(timestamp, 's', request);
  const secretIndex = matchIndex(request.secrets, (secret) => {
    const expected = createHmac('sha256', secret).update(`${timestamp}.`).update(request.body).digest();
    return given.map((signature) => [expected, signature] as const);
  });
  return { secretIndex, timestampMs };
}
