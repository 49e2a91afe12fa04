import { path } from '../../http/path.ts';
import { PlumblineError } from '../../model/errors.ts';
import { isObject, type Json, type JsonObject } from '../../model/json.ts';
import type { RecordRef, RequestContext, RequestSpec } from '../../model/operation.ts';

/** The objects of Stripe this connector knows, as records name them. */
export type StripeObject = 'customer' | 'product' | 'price' | 'invoice' | 'invoice_item' | 'refund' | 'payment_intent';

/** A value as it stands on a record. Amounts are whole numbers in the smallest unit of their currency, times are seconds. */
export type StripeValue = string | number | boolean | null;
export type StripeProperties = { readonly [property: string]: StripeValue };

/** One record as our operations return it. Metadata stands among the properties as `metadata.<name>`. */
export type StripeRecord = {
  readonly id: string;
  readonly properties: StripeProperties;
  /** Whether it belongs to live mode; null where Stripe does not say it of this object. */
  readonly livemode: boolean | null;
  readonly createdAt: string | null;
  /** Stripe keeps the id of a deleted record and nothing else. */
  readonly deleted: boolean;
};

/** The metadata name that carries the key of the action that created a record. */
export const refName = 'plumbline_ref';

/** How long one request to Stripe may take, milliseconds. */
export const requestTimeoutMs = 20_000;

type ObjectFacts = {
  /** Path segment and operation name. */
  readonly plural: string;
  /** Stripe's own name in `object`. */
  readonly type: string;
  /** The resource that a restricted key's permission names. */
  readonly permission: string;
  /** Fields Stripe answers always: one that is missing has been renamed or removed in this API version. */
  readonly always: readonly string[];
  /** Fields that may be left out; they read as null. */
  readonly maybe: readonly string[];
};

/** What Stripe calls an object, and which fields are read of it. Secrets of an object are read by nobody. */
export const stripeObjects: Readonly<Record<StripeObject, ObjectFacts>> = {
  customer: {
    plural: 'customers',
    type: 'customer',
    permission: 'customer',
    always: ['balance', 'created', 'description', 'email'],
    maybe: ['currency', 'delinquent', 'name', 'phone'],
  },
  product: {
    plural: 'products',
    type: 'product',
    permission: 'product',
    always: ['active', 'created', 'description', 'name', 'updated', 'url'],
    maybe: ['default_price'],
  },
  price: {
    plural: 'prices',
    type: 'price',
    permission: 'plan',
    always: [
      'active',
      'billing_scheme',
      'created',
      'currency',
      'lookup_key',
      'nickname',
      'product',
      'type',
      'unit_amount',
    ],
    maybe: [],
  },
  invoice: {
    plural: 'invoices',
    type: 'invoice',
    permission: 'invoice',
    always: [
      'amount_due',
      'amount_paid',
      'amount_remaining',
      'collection_method',
      'created',
      'currency',
      'customer',
      'customer_email',
      'customer_name',
      'description',
      'due_date',
      'number',
      'status',
      'subtotal',
      'total',
    ],
    maybe: ['auto_advance', 'hosted_invoice_url'],
  },
  invoice_item: {
    plural: 'invoiceitems',
    type: 'invoiceitem',
    permission: 'invoice',
    always: ['amount', 'currency', 'customer', 'date', 'description', 'invoice', 'quantity'],
    maybe: [],
  },
  refund: {
    plural: 'refunds',
    type: 'refund',
    permission: 'charge',
    always: ['amount', 'charge', 'created', 'currency', 'payment_intent', 'reason', 'status'],
    maybe: [],
  },
  payment_intent: {
    plural: 'payment_intents',
    type: 'payment_intent',
    permission: 'payment_intent',
    always: [
      'amount',
      'amount_capturable',
      'amount_received',
      'canceled_at',
      'cancellation_reason',
      'capture_method',
      'created',
      'currency',
      'customer',
      'description',
      'latest_charge',
      'payment_method',
      'status',
    ],
    maybe: [],
  },
};

/** Every object name. */
export const stripeObjectNames = Object.keys(stripeObjects) as readonly StripeObject[];

/** `customers` of `customer`, as operation ids name objects. */
export function operationName(object: StripeObject): string {
  return object === 'invoice_item' ? 'invoice_items' : stripeObjects[object].plural;
}

/** The permission of a restricted key, as Stripe's refusals name it. @see https://docs.stripe.com/keys/restricted-api-keys */
export function permission(object: StripeObject, right: 'read' | 'write'): string {
  return `rak_${stripeObjects[object].permission}_${right}`;
}

/** The path of all records of an object, or of one of them, or of something that is done with one. */
export function objectPath(
  object: StripeObject,
  id?: string,
  verb?: 'finalize' | 'void' | 'confirm' | 'capture' | 'cancel',
): string {
  const all = path`/v1/${stripeObjects[object].plural}`;
  if (id === undefined) return all;
  return all + path`/${id}` + (verb === undefined ? '' : path`/${verb}`);
}

/**
 * Parameters as form pairs with Stripe's brackets: `metadata[a]`, `items[0][price]`. Null empties a parameter. Throws
 * `invalid_input` for a name that holds brackets itself: it would be a parameter of another place.
 * @see https://docs.stripe.com/api
 */
export function formPairs(params: JsonObject): readonly (readonly [string, string])[] {
  const pairs: (readonly [string, string])[] = [];
  const named = (name: string): string => {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are exactly what is refused
    if (name !== '' && name.isWellFormed() && !/[[\]\u0000-\u001f\u007f]/.test(name)) return name;
    throw new PlumblineError('A request was refused before it was built: a name of a parameter is none.', {
      code: 'invalid_input',
      retry: 'never',
      hint: 'Names of parameters and of metadata hold no brackets and no control characters.',
    });
  };
  const add = (name: string, value: Json): void => {
    if (Array.isArray(value)) {
      for (const [index, item] of (value as readonly Json[]).entries()) add(`${name}[${index}]`, item);
    } else if (isObject(value)) {
      for (const [key, item] of Object.entries(value)) add(`${name}[${named(key)}]`, item);
    } else pairs.push([name, value === null ? '' : String(value)]);
  };
  for (const [name, value] of Object.entries(params)) add(named(name), value);
  return pairs;
}

/** A read: the API version is pinned in every request. */
export function getSpec(context: RequestContext, at: string, params: JsonObject = {}): RequestSpec {
  const query = formPairs(params);
  const headers = { 'stripe-version': context.apiVersion };
  return { method: 'GET', path: at, headers, ...(query.length > 0 ? { query } : {}), timeoutMs: requestTimeoutMs };
}

/** A write under the action's own key: Stripe answers a repeat inside 24 hours with what the first was answered. */
export function postSpec(context: RequestContext, at: string, params: JsonObject): RequestSpec {
  const headers = { 'stripe-version': context.apiVersion, 'idempotency-key': context.providerKey };
  return { method: 'POST', path: at, headers, body: { form: formPairs(params) }, timeoutMs: requestTimeoutMs };
}

/** A record as Stripe answers it, or null where it is not one of this object. */
export function recordOf(object: StripeObject, value: Json | undefined): StripeRecord | null {
  const { type, always, maybe } = stripeObjects[object];
  if (!isObject(value) || value.object !== type || typeof value.id !== 'string' || value.id === '') return null;
  const deleted = value.deleted === true;
  const properties: Record<string, StripeValue> = {};
  for (const name of always) if (name in value) properties[name] = plain(value[name]);
  if (!deleted) for (const name of maybe) properties[name] = plain(value[name]);
  for (const [name, held] of Object.entries(isObject(value.metadata) ? value.metadata : {})) {
    if (typeof held === 'string') properties[`metadata.${name}`] = held;
  }
  const seconds = typeof value.created === 'number' ? value.created : value.date;
  return {
    id: value.id,
    properties,
    livemode: typeof value.livemode === 'boolean' ? value.livemode : null,
    createdAt: typeof seconds === 'number' ? new Date(seconds * 1000).toISOString() : null,
    deleted,
  };
}

/** The field of this object that a live record lacks although Stripe answers it always, or null. */
export function missingField(object: StripeObject, record: StripeRecord): string | null {
  if (record.deleted) return null;
  return stripeObjects[object].always.find((name) => !Object.hasOwn(record.properties, name)) ?? null;
}

/** A record reference. The first part names the connector; the caller puts the configured system there. */
export function recordRef(object: StripeObject, id: string): RecordRef {
  return ['stripe', object, id];
}

/** Values stand as they are; what Stripe expanded is its id, any other structure is not read. */
function plain(value: Json | undefined): StripeValue {
  if (value === undefined) return null;
  if (typeof value !== 'object' || value === null) return value;
  return isObject(value) && typeof value.id === 'string' ? value.id : null;
}
