import { hashOf } from '../effect-log.ts';
import type { SimAnswer, SimRequest } from '../loopback-server.ts';
import { FrappeError } from './errors.ts';
import { type DocType, docTypes, initialDocTypes, rowFields, standardFields } from './schema.ts';
import { type Doc, type Row, type Site, stamp, type Transaction, type Value } from './site.ts';

/** One authenticated request on its way through the simulated site. */
export type Call = {
  readonly site: Site;
  readonly request: SimRequest;
  readonly tx: Transaction;
  /** The user of the credential. */
  readonly user: string;
  /** The JSON body and the query, merged as Frappe does. */
  readonly form: Readonly<Record<string, unknown>>;
};

/** What answers a call. */
export type Route = (call: Call) => SimAnswer;

/** The DocType a path or body names. @throws FrappeError 404 */
export function docTypeOf(name: unknown): DocType {
  const docType = docTypes.find((known) => known === name);
  if (docType) return docType;
  throw new FrappeError('DoesNotExistError', `DocType ${String(name).slice(0, 140)} not found`, 404);
}

/** Refuses what the user has no right to. @throws FrappeError 403 */
export function mayDo({ site }: Call, docType: DocType, right: string): void {
  if (!site.knobs.denied.has(`${docType}: ${right}`)) return;
  const message = `User <b>service</b> does not have doctype access via role permission for document <b>${docType}</b>`;
  throw new FrappeError('PermissionError', message, 403);
}

/** Refuses a write where the site, or the document, is not to be written now. @throws FrappeError */
export function mayWrite(call: Call, docType: DocType, right: string): void {
  mayDo(call, docType, right);
  const { knobs } = call.site;
  if (knobs.readOnly) throw new FrappeError('InReadOnlyMode', 'Site is running in read only mode', 503);
  if (knobs.locks > 0) {
    knobs.locks -= 1;
    throw new FrappeError('DocumentLockedError', 'This document is currently locked and queued for execution.');
  }
  if (knobs.deadlocks > 0) {
    knobs.deadlocks -= 1;
    throw new FrappeError(
      'QueryDeadlockError',
      "(1213, 'Deadlock found when trying to get lock; try restarting transaction')",
      500,
    );
  }
}

/** A document as the API shows it. @param nulls whether empty fields are named too: lists and version 2 do, version 1 does not */
export function present(site: Site, doc: Doc, nulls: boolean): Record<string, unknown> {
  const out: Record<string, unknown> = { ...standardOf(site, doc), doctype: doc.docType };
  for (const field of site.fields[doc.docType].values()) {
    const value = doc.values[field.fieldname] ?? null;
    if (Array.isArray(value))
      out[field.fieldname] = value.map((row, at) => presentRow(doc, field.options ?? '', row, at));
    else if (value !== null || nulls) out[field.fieldname] = value;
  }
  return out;
}

function presentRow(doc: Doc, doctype: string, row: Row, at: number): Record<string, unknown> {
  const place = { name: `${doc.name}-${at + 1}`, idx: at + 1, docstatus: doc.docstatus };
  const parent = { parent: doc.name, parenttype: doc.docType, parentfield: 'items', doctype };
  const fields = rowFields.flatMap(({ fieldname }) => (row[fieldname] == null ? [] : [[fieldname, row[fieldname]]]));
  return { ...place, ...parent, ...Object.fromEntries(fields) };
}

/** The fields that every document has. */
export function standardOf(site: Site, doc: Doc): Record<(typeof standardFields)[number], string | number> {
  return {
    name: doc.name,
    owner: doc.owner,
    creation: stamp(site, doc.creationMicros),
    modified: stamp(site, doc.modifiedMicros),
    modified_by: doc.owner,
    docstatus: doc.docstatus,
    idx: 0,
  };
}

/** The value of a field in a list. @throws FrappeError 417 for a field there is none of */
export function columnOf(site: Site, doc: Doc, field: string): Value {
  if ((standardFields as readonly string[]).includes(field)) return standardOf(site, doc)[field as 'name'] as Value;
  return doc.values[field] ?? null;
}

/** Refuses a field there is none of. @throws FrappeError 417 */
export function checkColumn(site: Site, docType: DocType, field: string): void {
  if ((standardFields as readonly string[]).includes(field)) return;
  const known = site.fields[docType].get(field);
  if (known && known.fieldtype !== 'Table') return;
  throw new FrappeError('DataError', `Field not permitted in query: ${field.slice(0, 140)}`);
}

/** Whether documents of a DocType are submitted. */
export function isSubmittable(docType: DocType): boolean {
  return initialDocTypes[docType].submittable === true;
}

/** Adds one change to the effects of the transaction. */
export function logEffect(call: Call, change: 'create' | 'update' | 'archive', doc: Doc, properties: object): void {
  const reference = doc.values.custom_plumbline_ref;
  call.tx.effects.push({
    atMs: call.site.clock.now(),
    method: call.request.method,
    path: call.request.path,
    ...{ change, object: doc.docType, id: doc.name },
    key: typeof reference === 'string' ? reference : null,
    properties: { ...properties },
    requestHash: hashOf(call.request),
  });
}
