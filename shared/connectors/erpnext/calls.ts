import type { Json } from '../../model/json.ts';
import type { PlannedCall } from '../../model/operation.ts';
import { type ErpnextFields, type ErpnextObject, erpnextObjects } from './client.ts';
import type { DeletedInput, ListInput } from './reads.ts';
import type { CommentInput } from './writes.ts';

type Fields = { readonly fields?: readonly string[] };

/** The reads that every object offers. None of them does I/O: each plans one operation. Fields default to those of the object. */
export type ReadCalls = {
  /** Data: an `ErpnextRecord`; of orders and invoices with its rows under `items`. */
  get(id: string, options?: Fields): PlannedCall;
  /** Data: `{ results: ErpnextRecord[], after }`; no match is an empty list. */
  list(input?: Omit<ListInput, 'fields'> & Fields): PlannedCall;
  /** What changed since a time of the site, oldest first. Data: as of `list`. */
  changed(since: string, input?: Pick<ListInput, 'limit' | 'after'> & Fields): PlannedCall;
  /** Data: `{ results: { id, deletedAt }[], after }`. */
  deleted(input?: DeletedInput): PlannedCall;
  /** Data: `{ fields, fingerprint }`. */
  meta(): PlannedCall;
};

/** The calls of an object that is changed in place. */
export type PlainCalls = ReadCalls & {
  /** Data: `{ id, version, properties, created }`. */
  create(properties: ErpnextFields): PlannedCall;
  /** Data: `{ id, version, properties }`, the properties as they were written. */
  update(id: string, properties: ErpnextFields, options?: { readonly version?: string }): PlannedCall;
  delete(id: string): PlannedCall;
};

/** The calls of an object that goes draft, submitted, cancelled; `create` makes a draft. */
export type SubmitCalls = PlainCalls & {
  /** Data: `{ id, version, properties: { docstatus, status } }`. @param version the one in which the document was seen */
  submit(id: string, version: string): PlannedCall;
  cancel(id: string, version: string): PlannedCall;
};

/** The ERPNext calls of one configured system, as tools use them. */
export type ErpnextCalls = {
  readonly customers: PlainCalls;
  readonly suppliers: PlainCalls;
  readonly items: PlainCalls;
  readonly stock: ReadCalls;
  readonly salesOrders: SubmitCalls;
  readonly purchaseOrders: SubmitCalls;
  readonly salesInvoices: SubmitCalls;
  readonly comments: ReadCalls & {
    /** Appends a comment to a document. Data: as of `create`. */
    append(input: CommentInput): PlannedCall;
    delete(id: string): PlannedCall;
  };
  /** Data: `{ timeZone }`. */
  timeZone(): PlannedCall;
};

function planOn(system: string, group: string) {
  return (verb: string, input: unknown): PlannedCall => ({
    operation: `erpnext.${group}.${verb}`,
    system,
    input: input as Json,
  });
}

function callsOf(system: string, object: ErpnextObject): SubmitCalls {
  const { plural, read } = erpnextObjects[object];
  const plan = planOn(system, plural);
  return {
    get: (id, options) => plan('get', { id, fields: read, ...options }),
    list: (input) => plan('list', { fields: read, ...input }),
    changed: (since, input) =>
      plan('list', { fields: read, where: [{ field: 'modified', operator: '>=', value: since }], ...input }),
    deleted: (input) => plan('deleted', { ...input }),
    meta: () => plan('meta', {}),
    create: (properties) => plan('create', { properties }),
    update: (id, properties, options) => plan('update', { id, properties, ...options }),
    delete: (id) => plan('delete', { id }),
    submit: (id, version) => plan('submit', { id, version }),
    cancel: (id, version) => plan('cancel', { id, version }),
  };
}

/** The ERPNext calls of a configured system, by its name in config/systems. */
export function erpnextOn(system: string): ErpnextCalls {
  return {
    customers: callsOf(system, 'customer'),
    suppliers: callsOf(system, 'supplier'),
    items: callsOf(system, 'item'),
    stock: callsOf(system, 'stock'),
    salesOrders: callsOf(system, 'sales_order'),
    purchaseOrders: callsOf(system, 'purchase_order'),
    salesInvoices: callsOf(system, 'sales_invoice'),
    comments: { ...callsOf(system, 'comment'), append: (input) => planOn(system, 'comments')('append', input) },
    timeZone: () => planOn(system, 'site')('time_zone', {}),
  };
}

/** The ERPNext calls of the system named `erpnext`. */
export const erpnext: ErpnextCalls = erpnextOn('erpnext');
