import type { SimAnswer } from '../loopback-server.ts';
import type { Body, Kind } from './account.ts';
import { type Call, need, needNamed, needPermission } from './call.ts';
import {
  createCustomer,
  createPrice,
  createProduct,
  deleteCustomer,
  updateCustomer,
  updatePrice,
  updateProduct,
} from './customers.ts';
import { json, noRoute } from './errors.ts';
import {
  createInvoice,
  createInvoiceItem,
  deleteInvoice,
  deleteInvoiceItem,
  finalizeInvoice,
  voidInvoice,
  withLines,
} from './invoices.ts';
import { type Filters, listRoute, searchRoute } from './lists.ts';
import { type Field, readParams } from './params.ts';
import { cancelIntent, captureIntent, confirmIntent, createIntent, createRefund } from './payments.ts';

type Resource = {
  readonly kind: Kind;
  readonly filters: Filters;
  readonly searchable?: boolean;
  readonly create?: (call: Call) => SimAnswer;
  readonly update?: (call: Call, id: string) => SimAnswer;
  readonly remove?: (call: Call, id: string) => SimAnswer;
  readonly verbs?: Readonly<Record<string, (call: Call, id: string) => SimAnswer>>;
};

const text: Field = { type: 'string' };
const flag: Field = { type: 'bool' };

const resources: Readonly<Record<string, Resource>> = {
  customers: {
    kind: 'customer',
    filters: { email: text },
    searchable: true,
    create: createCustomer,
    update: updateCustomer,
    remove: deleteCustomer,
  },
  products: {
    kind: 'product',
    filters: { active: flag },
    searchable: true,
    create: createProduct,
    update: updateProduct,
  },
  prices: {
    kind: 'price',
    filters: { active: flag, currency: text, product: text },
    searchable: true,
    create: createPrice,
    update: updatePrice,
  },
  invoices: {
    kind: 'invoice',
    filters: {
      customer: text,
      status: { type: 'string', oneOf: ['draft', 'open', 'paid', 'uncollectible', 'void'] },
      collection_method: text,
    },
    searchable: true,
    create: createInvoice,
    remove: deleteInvoice,
    verbs: { finalize: finalizeInvoice, void: voidInvoice },
  },
  invoiceitems: {
    kind: 'invoiceitem',
    filters: { customer: text, invoice: text },
    create: createInvoiceItem,
    remove: deleteInvoiceItem,
  },
  charges: { kind: 'charge', filters: { customer: text, payment_intent: text } },
  refunds: { kind: 'refund', filters: { charge: text, payment_intent: text }, create: createRefund },
  payment_intents: {
    kind: 'payment_intent',
    filters: { customer: text },
    searchable: true,
    create: createIntent,
    verbs: { confirm: confirmIntent, capture: captureIntent, cancel: cancelIntent },
  },
  events: { kind: 'event', filters: { type: text, types: { type: 'list' } } },
  webhook_endpoints: { kind: 'webhook_endpoint', filters: {} },
};

/** One request under `/v1`. @throws StripeError for everything Stripe would refuse */
export function apiRoute(call: Call): SimAnswer {
  const { method, segments, path } = call.request;
  const [version, name = '', id, verb, ...more] = segments;
  if (version !== 'v1' || more.length > 0) throw noRoute(method, path);
  if (id === undefined && method === 'GET' && (name === 'account' || name === 'balance')) return ofAccount(call, name);
  const resource = Object.hasOwn(resources, name) ? resources[name] : undefined;
  if (!resource) throw noRoute(method, path);
  needPermission(call, resource.kind, method === 'GET' ? 'read' : 'write');
  const answer = method === 'GET' ? read(call, resource, id, verb) : write(call, resource, id, verb);
  if (answer === null) throw noRoute(method, path);
  return answer;
}

function read(call: Call, { kind, filters, searchable }: Resource, id?: string, verb?: string): SimAnswer | null {
  if (verb !== undefined) return null;
  if (id === undefined) return listRoute(call, kind, filters);
  if (id === 'search' && searchable) return searchRoute(call, kind);
  readParams(call.params, {});
  const entry = call.account.entries[kind].get(id);
  // A deleted customer can still be asked for; what else is deleted is gone.
  if (entry?.deleted && (kind === 'customer' || kind === 'product'))
    return json(200, { id, object: kind, deleted: true });
  const body: Body = need(call, kind, id);
  return json(200, kind === 'invoice' ? withLines(call.account, body) : body);
}

function write(call: Call, resource: Resource, id?: string, verb?: string): SimAnswer | null {
  if (call.request.method === 'DELETE') {
    return id !== undefined && verb === undefined && resource.remove ? resource.remove(call, id) : null;
  }
  if (id === undefined) return resource.create?.(call) ?? null;
  if (verb === undefined) return resource.update?.(call, id) ?? null;
  const step = resource.verbs && Object.hasOwn(resource.verbs, verb) ? resource.verbs[verb] : undefined;
  return step?.(call, id) ?? null;
}

function ofAccount(call: Call, name: 'account' | 'balance'): SimAnswer {
  const { accountId, livemode } = call.account;
  readParams(call.params, {});
  if (name === 'balance') {
    needNamed(call, 'rak_balance_read');
    return json(200, { object: 'balance', available: [], livemode, pending: [] });
  }
  needNamed(call, 'rak_accounts_kyc_basic_read');
  const enabled = { charges_enabled: true, details_submitted: true, payouts_enabled: true };
  return json(200, {
    id: accountId,
    object: 'account',
    country: 'NL',
    default_currency: 'eur',
    ...enabled,
    type: 'standard',
  });
}
