import type { SimAnswer } from '../loopback-server.ts';
import { change, create, remove } from './account.ts';
import { type Call, logEffect, need } from './call.ts';
import { invalid, json, refusedByState } from './errors.ts';
import { type Fields, type Given, mergedMetadata, readParams } from './params.ts';

const customerFields: Fields = {
  name: { type: 'string', max: 256 },
  email: { type: 'string', max: 512 },
  phone: { type: 'string', max: 20 },
  description: { type: 'string' },
  balance: { type: 'int' },
  metadata: { type: 'metadata' },
  address: { type: 'object' },
  preferred_locales: { type: 'list' },
  invoice_prefix: { type: 'string', max: 12 },
};

/** Every field of a customer that nothing was said about. */
export const emptyCustomer = {
  address: null,
  balance: 0,
  currency: null,
  default_source: null,
  delinquent: false,
  description: null,
  discount: null,
  email: null,
  invoice_prefix: null,
  invoice_settings: { custom_fields: null, default_payment_method: null, footer: null, rendering_options: null },
  metadata: {},
  name: null,
  next_invoice_sequence: 1,
  phone: null,
  preferred_locales: [],
  shipping: null,
  tax_exempt: 'none',
  test_clock: null,
};

/** What was given, without what is no field of the record. */
export function shown(given: Given, held: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  const { expand: _expand, metadata, ...fields } = given;
  return metadata === undefined ? fields : { ...fields, metadata: mergedMetadata(held.metadata, metadata) };
}

function checkEmail(given: Given): void {
  const { email } = given;
  if (typeof email === 'string' && !/^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(email)) {
    throw invalid(`Invalid email address: ${email}`, 'email', 'email_invalid');
  }
}

/** `POST /v1/customers`. */
export function createCustomer(call: Call): SimAnswer {
  const given = readParams(call.params, customerFields);
  checkEmail(given);
  const body = create(call.account, 'customer', { ...emptyCustomer, ...shown(given) }, call.origin);
  logEffect(call, 'create', body, given);
  return json(200, body);
}

/** `POST /v1/customers/{id}`. */
export function updateCustomer(call: Call, id: string): SimAnswer {
  const held = need(call, 'customer', id);
  const given = readParams(call.params, customerFields);
  checkEmail(given);
  const told = { origin: call.origin, type: 'customer.updated' };
  const body = change(call.account, 'customer', id, shown(given, held), told);
  logEffect(call, 'update', body, given);
  return json(200, body);
}

/** `DELETE /v1/customers/{id}`. */
export function deleteCustomer(call: Call, id: string): SimAnswer {
  const held = need(call, 'customer', id);
  logEffect(call, 'archive', held, {});
  return json(200, remove(call.account, 'customer', id, call.origin));
}

const productFields: Fields = {
  name: { type: 'string' },
  active: { type: 'bool' },
  description: { type: 'string', max: 40_000 },
  url: { type: 'string' },
  default_price: { type: 'string' },
  metadata: { type: 'metadata' },
};
export const emptyProduct = {
  active: true,
  default_price: null,
  description: null,
  images: [],
  marketing_features: [],
  metadata: {},
  package_dimensions: null,
  shippable: null,
  statement_descriptor: null,
  tax_code: null,
  type: 'service',
  unit_label: null,
  url: null,
};

/** `POST /v1/products`. */
export function createProduct(call: Call): SimAnswer {
  const given = readParams(call.params, { ...productFields, name: { type: 'string', required: true } });
  const updated = Math.floor(call.account.clock.now() / 1000);
  const body = create(call.account, 'product', { ...emptyProduct, updated, ...shown(given) }, call.origin);
  logEffect(call, 'create', body, given);
  return json(200, body);
}

/** `POST /v1/products/{id}`. */
export function updateProduct(call: Call, id: string): SimAnswer {
  const held = need(call, 'product', id);
  const given = readParams(call.params, productFields);
  const updated = Math.floor(call.account.clock.now() / 1000);
  const told = { origin: call.origin, type: 'product.updated' };
  const body = change(call.account, 'product', id, { ...shown(given, held), updated }, told);
  logEffect(call, 'update', body, given);
  return json(200, body);
}

const currency = { type: 'string', required: true } as const;
const priceFields: Fields = {
  currency,
  unit_amount: { type: 'int', min: 0, max: 99_999_999, required: true },
  product: { type: 'string', required: true },
  nickname: { type: 'string' },
  lookup_key: { type: 'string', max: 200 },
  active: { type: 'bool' },
  metadata: { type: 'metadata' },
};
export const emptyPrice = {
  active: true,
  billing_scheme: 'per_unit',
  custom_unit_amount: null,
  lookup_key: null,
  metadata: {},
  nickname: null,
  recurring: null,
  tax_behavior: 'unspecified',
  tiers_mode: null,
  transform_quantity: null,
  type: 'one_time',
};

/** Three lower-case letters that the account knows. @throws StripeError 400 */
export function checkCurrency(code: unknown): string {
  const text = String(code).toLowerCase();
  if (['eur', 'usd', 'gbp', 'sek', 'pln', 'chf', 'jpy'].includes(text)) return text;
  throw invalid(
    `Invalid currency: ${text}. Stripe currently supports these currencies: eur, usd, gbp, sek, pln, chf, jpy`,
    'currency',
  );
}

/** `POST /v1/prices`. */
export function createPrice(call: Call): SimAnswer {
  const given = readParams(call.params, priceFields);
  need(call, 'product', given.product, 'product');
  const taken = [...call.account.entries.price.values()].some(
    ({ body }) => typeof given.lookup_key === 'string' && body.lookup_key === given.lookup_key,
  );
  if (taken)
    throw invalid(`A price (lookup_key) already uses the lookup key ${String(given.lookup_key)}.`, 'lookup_key');
  const fields = {
    ...shown(given),
    currency: checkCurrency(given.currency),
    unit_amount_decimal: String(given.unit_amount),
  };
  const body = create(call.account, 'price', { ...emptyPrice, ...fields }, call.origin);
  logEffect(call, 'create', body, given);
  return json(200, body);
}

/** `POST /v1/prices/{id}`: the amount of a price never changes. */
export function updatePrice(call: Call, id: string): SimAnswer {
  const held = need(call, 'price', id);
  const { nickname, lookup_key, active, metadata } = priceFields;
  const fields = { nickname, lookup_key, active, metadata } as Fields;
  const given = readParams(call.params, fields);
  const product = call.account.entries.product.get(String(held.product))?.body;
  if (given.active === false && product?.default_price === id) {
    throw refusedByState('This price cannot be archived because it is the default price of its product.');
  }
  const told = { origin: call.origin, type: 'price.updated' };
  const body = change(call.account, 'price', id, shown(given, held), told);
  logEffect(call, 'update', body, given);
  return json(200, body);
}
