import { path } from '../../http/path.ts';
import { PlumblineError } from '../../model/errors.ts';
import { isObject, type Json, type JsonObject } from '../../model/json.ts';
import type { HttpAnswer, RecordRef, RequestSpec } from '../../model/operation.ts';
import { bodyOf } from '../json-body.ts';

/** The objects of ERPNext this connector knows, as records name them. */
export type ErpnextObject =
  | 'customer'
  | 'supplier'
  | 'item'
  | 'stock'
  | 'sales_order'
  | 'purchase_order'
  | 'sales_invoice'
  | 'comment';

/** A value of one field; a child table is a list of rows. Dates and times are text in the time zone of the site. */
export type ErpnextValue = string | number | boolean | null | readonly JsonObject[];
export type ErpnextFields = { readonly [field: string]: ErpnextValue };

/** One record as our operations return it. */
export type ErpnextRecord = {
  /** Frappe's `name`. */
  readonly id: string;
  /** Frappe's `modified`, exactly as it was answered: without zone, to be handed back unchanged. A field like others, too. */
  readonly version: string;
  readonly properties: ErpnextFields;
};

/** The custom field, unique in ERPNext, that carries the key of the action that created a record. */
export const refField = 'custom_plumbline_ref';

/** The custom field of Company that says what a site is for, such as `sandbox of erp-test.example`. */
export const environmentField = 'custom_plumbline_environment';

/** How long one request to a site may take, milliseconds. Frappe's own workers are stopped after 120 s. */
export const requestTimeoutMs = 20_000;

type ObjectFacts = {
  readonly plural: string;
  /** Frappe's own name. */
  readonly docType: string;
  /** Fields read where none are named. */
  readonly read: readonly string[];
  /** `submit`: goes draft, submitted, cancelled. `plain`: is changed in place. `none`: kept by ERPNext itself. */
  readonly writes: 'submit' | 'plain' | 'none';
};

const orderFields = ['transaction_date', 'status', 'docstatus', 'currency', 'grand_total', 'per_billed', 'company'];

/** What ERPNext calls an object, and which fields are read of it. */
export const erpnextObjects: Readonly<Record<ErpnextObject, ObjectFacts>> = {
  customer: {
    plural: 'customers',
    docType: 'Customer',
    read: ['customer_name', 'customer_group', 'territory', 'tax_id', 'email_id', 'mobile_no', 'disabled'],
    writes: 'plain',
  },
  supplier: {
    plural: 'suppliers',
    docType: 'Supplier',
    read: ['supplier_name', 'supplier_group', 'country', 'tax_id', 'disabled'],
    writes: 'plain',
  },
  item: {
    plural: 'items',
    docType: 'Item',
    read: ['item_code', 'item_name', 'item_group', 'stock_uom', 'is_stock_item', 'disabled'],
    writes: 'plain',
  },
  stock: {
    plural: 'stock',
    docType: 'Bin',
    read: ['item_code', 'warehouse', 'actual_qty', 'reserved_qty', 'ordered_qty', 'projected_qty', 'stock_uom'],
    writes: 'none',
  },
  sales_order: {
    plural: 'sales_orders',
    docType: 'Sales Order',
    read: ['customer', 'customer_name', 'delivery_date', 'po_no', 'per_delivered', ...orderFields],
    writes: 'submit',
  },
  purchase_order: {
    plural: 'purchase_orders',
    docType: 'Purchase Order',
    read: ['supplier', 'supplier_name', 'schedule_date', 'per_received', ...orderFields],
    writes: 'submit',
  },
  sales_invoice: {
    plural: 'sales_invoices',
    docType: 'Sales Invoice',
    read: [
      ...['customer', 'customer_name', 'posting_date', 'due_date', 'status', 'docstatus'],
      ...['currency', 'grand_total', 'outstanding_amount', 'company'],
    ],
    writes: 'submit',
  },
  comment: {
    plural: 'comments',
    docType: 'Comment',
    read: ['comment_type', 'reference_doctype', 'reference_name', 'content'],
    writes: 'none',
  },
};

/** Every object name. */
export const erpnextObjectNames = Object.keys(erpnextObjects) as readonly ErpnextObject[];

/** What of the rows of an order or invoice is read. */
export const rowFields = ['item_code', 'item_name', 'qty', 'uom', 'rate', 'amount', 'delivery_date', 'schedule_date'];

/** Refuses an input before a request is built of it. Throws `invalid_input`; the value is never part of the text. */
export function refuse(what: string, hint: string): never {
  const details = { code: 'invalid_input', retry: 'never', hint } as const;
  throw new PlumblineError(`A request was refused before it was built: ${what}.`, details);
}

/** The right a role must give on the object's DocType, such as `Sales Order: submit`. */
export function right(object: ErpnextObject, permission: 'read' | 'create' | 'write' | 'submit' | 'cancel' | 'delete') {
  return `${erpnextObjects[object].docType}: ${permission}`;
}

/** The path of all records of an object. */
export function objectsPath(object: ErpnextObject): string {
  return path`/api/resource/${erpnextObjects[object].docType}`;
}

/** The path of one record; any name is one segment, also one with a slash in it. Throws `invalid_input`. */
export function recordPath(object: ErpnextObject, id: string): string {
  return objectsPath(object) + path`/${id}`;
}

/** A read of one path. */
export function getSpec(at: string, query: readonly (readonly [string, string])[] = []): RequestSpec {
  return { method: 'GET', path: at, ...(query.length > 0 ? { query } : {}), timeoutMs: requestTimeoutMs };
}

/** A request with a JSON body. */
export function sendSpec(method: 'POST' | 'PUT', at: string, json: Json): RequestSpec {
  return { method, path: at, body: { json }, timeoutMs: requestTimeoutMs };
}

/** Any JSON in a text; undefined where it is none. Frappe answers lists of JSON texts inside JSON. */
export function jsonIn(text: Json | undefined): Json | undefined {
  if (typeof text !== 'string') return undefined;
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}

/** What a method or a resource answered: newer versions say `data`, older ones and methods say `message`. */
export function dataOf(answer: HttpAnswer): Json | undefined {
  const body = bodyOf(answer);
  return body?.data ?? body?.message;
}

/** Whether a text has the form of a record's name. */
export function isName(value: Json | undefined): value is string {
  return typeof value === 'string' && value !== '' && value.length <= 180;
}

/** Whether a text is a time as a site writes it: without zone, with at most six digits of a second. */
export function isSiteTime(value: Json | undefined): value is string {
  return (
    typeof value === 'string' && /^[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?$/.test(value)
  );
}

/** A record as a site answers it, whole or as a row of a list, or null where it is none. */
export function recordOf(value: Json | undefined): ErpnextRecord | null {
  if (!isObject(value) || !isName(value.name) || !isSiteTime(value.modified)) return null;
  const properties: Record<string, ErpnextValue> = {};
  for (const [name, held] of Object.entries(value)) {
    if (name === 'name' || name === 'doctype') continue;
    if (held === null || typeof held !== 'object') properties[name] = held;
    else if (Array.isArray(held)) properties[name] = (held as readonly Json[]).filter(isObject);
  }
  return { id: value.name, version: value.modified, properties };
}

/** A record reference. The first part names the connector; the caller puts the configured system there. */
export function recordRef(object: ErpnextObject, id: string): RecordRef {
  return ['erpnext', object, id];
}
