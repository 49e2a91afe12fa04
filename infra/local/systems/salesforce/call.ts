import { hashOf } from '../effect-log.ts';
import type { SimAnswer, SimRequest } from '../loopback-server.ts';
import { notFound, SalesforceError } from './errors.ts';
import { type Org, type Row, type Transaction, type Value, type Values, valueIn } from './org.ts';
import { type Field, type SobjectType, sobjectTypes } from './schema.ts';

/** One authenticated request, or one inside a composite, on its way through the simulated organization. */
export type Call = {
  readonly org: Org;
  readonly request: SimRequest;
  /** `62.0` */
  readonly version: string;
  readonly tx: Transaction;
  /** The segments behind `/services/data/v62.0/`. */
  readonly rest: readonly string[];
  readonly body: unknown;
};

/** What answers a call. */
export type Route = (call: Call) => SimAnswer;

/** The JSON body as an object. @throws SalesforceError 400 */
export function objectBody(call: Call): Record<string, unknown> {
  const { body } = call;
  if (typeof body === 'object' && body !== null && !Array.isArray(body)) return body as Record<string, unknown>;
  throw new SalesforceError(400, 'JSON_PARSER_ERROR', 'Unexpected end-of-input: an object is expected.');
}

/** The object a path names. @throws SalesforceError 404 */
export function typeOf(name: string | undefined): SobjectType {
  const type = sobjectTypes.find((known) => known.toLowerCase() === (name ?? '').toLowerCase());
  if (!type) throw notFound();
  return type;
}

/** Refuses a write where the user may only read, or a row is locked. @throws SalesforceError 400, 403 */
export function mayWrite({ org }: Call, type: SobjectType): void {
  if (org.knobs.readOnly.has(type) || type === 'User' || type === 'Organization') {
    const message = `entity type ${type} does not allow this to the user: insufficient access rights on object id`;
    throw new SalesforceError(403, 'INSUFFICIENT_ACCESS_OR_READONLY', message, []);
  }
  if (org.knobs.locks > 0) {
    org.knobs.locks -= 1;
    throw new SalesforceError(400, 'UNABLE_TO_LOCK_ROW', 'unable to obtain exclusive access to this record', []);
  }
}

/** Whether the caller lets duplicates pass. */
export function allowsDuplicates({ request }: Call): boolean {
  return /\ballowSave=true\b/i.test(request.headers['sforce-duplicate-rule-header'] ?? '');
}

/** A record as the API shows it. @param fields those to show; all of the object where none are given */
export function present(call: Call, row: Row, fields?: readonly Field[]): Record<string, unknown> {
  const { org, version } = call;
  const url = `/services/data/v${version}/sobjects/${row.type}/${row.id}`;
  const out: Record<string, unknown> = { attributes: { type: row.type, url } };
  for (const field of fields ?? org.fields[row.type].values()) out[field.name] = valueIn(org, row, field);
  return out;
}

/** Adds one change to the effects of the transaction. */
export function logEffect(call: Call, change: 'create' | 'update' | 'archive', row: Row, values: Values): void {
  const reference: Value | undefined = row.values.Plumbline_Ref__c;
  call.tx.effects.push({
    atMs: call.org.clock.now(),
    method: call.request.method,
    path: call.request.path,
    change,
    object: row.type,
    id: row.id,
    key: typeof reference === 'string' ? reference : null,
    properties: { ...values },
    requestHash: hashOf(call.request),
  });
}
