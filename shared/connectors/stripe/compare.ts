import { PlumblineError } from '../../model/errors.ts';
import type { JsonObject } from '../../model/json.ts';
import { refName, type StripeObject, type StripeProperties, type StripeValue } from './client.ts';

/** Fields an update may write: those that a read-back shows again. Metadata comes as `metadata.<name>`. */
const updatable: Readonly<Record<StripeObject, readonly string[]>> = {
  customer: ['description', 'email', 'name', 'phone'],
  product: ['active', 'description', 'name', 'url'],
  price: ['active', 'lookup_key', 'nickname'],
  invoice: ['auto_advance', 'description'],
  invoice_item: ['amount', 'description'],
  refund: [],
  payment_intent: ['amount', 'description'],
};

/** Whether a record shows all the wanted values. */
export function shows(live: StripeProperties, wanted: StripeProperties): boolean {
  return Object.entries(wanted).every(([name, value]) => sameValue(live[name] ?? null, value));
}

/** Whether two values are the same to Stripe: empty text is no value, and text is kept as it was given. */
export function sameValue(one: StripeValue, other: StripeValue): boolean {
  const plain = (value: StripeValue) => (value === null ? '' : String(value).normalize('NFC'));
  return plain(one) === plain(other);
}

/**
 * Properties of an update as parameters. Throws `invalid_input` for a field that a read-back could not compare, and for the
 * metadata entry that is ours.
 */
export function updateParams(object: StripeObject, properties: StripeProperties): JsonObject {
  const params: Record<string, StripeValue> = {};
  const metadata: Record<string, StripeValue> = {};
  for (const [name, value] of Object.entries(properties)) {
    const entry = /^metadata\.([^[\]]{1,40})$/.exec(name)?.[1];
    if (entry !== undefined && entry !== refName) metadata[entry] = value;
    else if (updatable[object].includes(name)) params[name] = value;
    else refuse(object, name);
  }
  return Object.keys(metadata).length > 0 ? { ...params, metadata } : params;
}

function refuse(object: StripeObject, name: string): never {
  throw new PlumblineError(`The field ${name} of a ${object} is not written by this operation.`, {
    code: 'invalid_input',
    retry: 'never',
    hint: `Allowed: ${[...updatable[object], 'metadata.<name>'].join(', ')}.`,
  });
}
