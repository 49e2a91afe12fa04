import { hashOf } from '../effect-log.ts';
import type { SimAnswer, SimRequest } from '../loopback-server.ts';
import { GraphError, json, unknownProperty } from './errors.ts';
import { parseFilter, valueAt } from './odata.ts';
import { type Schema, schemas } from './schema.ts';
import type { Item, Tenant, Values } from './tenant.ts';

/** One authenticated request, or one inside a batch, on its way through the simulated tenant. */
export type Call = {
  readonly tenant: Tenant;
  readonly request: SimRequest;
  /** The segments behind `/v1.0/`, with `users('x')` read as two. */
  readonly rest: readonly string[];
  /** What the token may do; null where anything. */
  readonly roles: ReadonlySet<string> | null;
  /** The JSON of the body, or null. */
  readonly body: unknown;
};

export type Route = (call: Call) => SimAnswer;

/** One row of a list: what JSON shows and its extended properties. */
export type Row = { readonly value: Values; readonly extended: Readonly<Record<string, string>> };

/** The JSON body as an object. @throws GraphError 400 */
export function objectBody({ body, request }: Call): Values {
  const isJson = /^application\/json\b/i.test(request.headers['content-type'] ?? '');
  if (isJson && typeof body === 'object' && body !== null && !Array.isArray(body)) return body as Values;
  const message =
    'Unable to read JSON request payload. Please ensure Content-Type header is set and payload is of valid JSON format.';
  throw new GraphError(400, 'BadRequest', message);
}

/** Refuses a caller without one of the permissions. @param area mailboxes and the directory say it in words of their own */
export function need({ roles }: Call, area: 'mailbox' | 'directory', ...any: readonly string[]): void {
  if (roles === null || any.some((role) => roles.has(role))) return;
  throw area === 'mailbox'
    ? new GraphError(403, 'ErrorAccessDenied', 'Access is denied. Check credentials and try again.')
    : new GraphError(403, 'Authorization_RequestDenied', 'Insufficient privileges to complete the operation.');
}

/** The preferences of a request. */
export function preferences({ request }: Call) {
  const prefer = request.headers.prefer ?? '';
  const size = Number(/odata\.maxpagesize=([0-9]+)/i.exec(prefer)?.[1] ?? Number.NaN);
  return {
    immutableIds: /IdType\s*=\s*"ImmutableId"/i.test(prefer),
    textBodies: /outlook\.body-content-type\s*=\s*"text"/i.test(prefer),
    pageSize: Number.isInteger(size) && size > 0 ? size : null,
  };
}

/** Refuses names that the type has not, or not any more. @throws GraphError 400 */
export function knows(call: Pick<Call, 'tenant'>, schema: Schema): (path: string) => void {
  return (path) => {
    const [name = ''] = path.split('/');
    const hidden = call.tenant.knobs.hidden.has(`${schema.type}.${name}`);
    if (hidden || !(name === 'id' || schema.properties.includes(name))) throw unknownProperty(name, schema.type);
  };
}

/** What a body may hold. @throws GraphError 400 */
export function checkBody(call: Call, schema: Schema, body: Values): void {
  for (const name of Object.keys(body).filter((key) => !key.startsWith('@odata.'))) {
    const hidden = call.tenant.knobs.hidden.has(`${schema.type}.${name}`);
    if (!hidden && schema.writable.includes(name)) continue;
    const message = `The property '${name}' does not exist on type 'microsoft.graph.${schema.type}' or cannot be written.`;
    throw new GraphError(400, 'RequestBodyRead', message);
  }
}

/** The names that are asked for, or null for the usual ones. @throws GraphError 400 for one that the type has not */
export function selected(call: Call, schema: Schema): readonly string[] | null {
  const select = call.request.query.get('$select') ?? '';
  const names = select === '' ? null : select.split(',').map((name) => name.trim());
  names?.forEach(knows(call, schema));
  return names;
}

/** One object as the caller asked to see it. */
export function shown(call: Call, schema: Schema, row: Row): Values {
  const { query } = call.request;
  const names = selected(call, schema);
  const hidden = (name: string) => call.tenant.knobs.hidden.has(`${schema.type}.${name}`);
  const kept = Object.entries(row.value).filter(
    ([name]) => name === 'id' || name.startsWith('@') || (names === null ? schema.default(name) : names.includes(name)),
  );
  const expanded = expandedOf(query.get('$expand'), row.extended);
  return { ...Object.fromEntries(kept.filter(([name]) => !hidden(name))), ...expanded };
}

function expandedOf(expand: string | null, extended: Readonly<Record<string, string>>): Values {
  const id = /^singleValueExtendedProperties\(\$filter=id eq '([^']+)'\)$/i.exec(expand ?? '')?.[1];
  if (expand !== null && id === undefined) throw new GraphError(400, 'BadRequest', 'Invalid $expand clause.');
  const value = id === undefined ? undefined : extended[id.toLowerCase()];
  return value === undefined ? {} : { singleValueExtendedProperties: [{ id, value }] };
}

/** The place a link names: where the request came in, unless the knob says otherwise. */
export function linkTo({ tenant, request }: Pick<Call, 'tenant' | 'request'>, at: string, query: string): string {
  const origin = tenant.knobs.linkOrigin ?? `http://${request.headers.host ?? '127.0.0.1'}`;
  return `${origin}${at}?${query}`;
}

/** Rows by `$filter`, `$orderby`, `$top` and `$skip`, as one page with the link to the next. */
export function listed(
  call: Call,
  type: keyof typeof schemas,
  rows: readonly Row[],
  limits: { readonly most: number; readonly usual: number },
): SimAnswer {
  const schema: Schema = schemas[type];
  const { query, path } = call.request;
  for (const name of query.keys()) {
    if (!schema.options.includes(name))
      throw new GraphError(400, 'BadRequest', `Query option '${name}' is not supported.`);
  }
  selected(call, schema);
  const filter = query.get('$filter');
  const order = query.get('$orderby');
  if (filter !== null && order !== null && type === 'message') checkSortable(filter, order);
  const matches = filter === null ? null : parseFilter(filter, knows(call, schema));
  const held = matches === null ? rows : rows.filter(({ value, extended }) => matches(value, extended));
  const sorted = order === null ? held : sortedBy(call, schema, held, order);
  const size = pageSize(query.get('$top') ?? String(preferences(call).pageSize ?? limits.usual), limits.most);
  const from = Number(query.get('$skip') ?? 0);
  const value = sorted.slice(from, from + size).map((row) => shown(call, schema, row));
  const onward = new URLSearchParams(query);
  onward.set('$skip', String(from + size));
  const link = sorted.length > from + size ? { '@odata.nextLink': linkTo(call, path, onward.toString()) } : {};
  const count = query.get('$count') === 'true' ? { '@odata.count': held.length } : {};
  return json(200, {
    '@odata.context': `https://graph.microsoft.com/v1.0/$metadata#${schema.set}`,
    ...count,
    ...link,
    value,
  });
}

function pageSize(top: string, most: number): number {
  const size = Number(top);
  if (Number.isInteger(size) && size >= 1 && size <= most) return size;
  const message = `Invalid page size specified: '${top.slice(0, 20)}'. Must be between 1 and ${most} inclusive.`;
  throw new GraphError(400, 'Request_UnsupportedQuery', message);
}

/** What is sorted by must stand in the filter, first. */
function checkSortable(filter: string, order: string): void {
  const [by = ''] = order.trim().split(/[\s,]/);
  if (new RegExp(`^\\(*${by}\\b`, 'i').test(filter.trim())) return;
  throw new GraphError(400, 'InefficientFilter', 'The restriction or sort order is too complex for this operation.');
}

function sortedBy(call: Call, schema: Schema, rows: readonly Row[], order: string): readonly Row[] {
  const [path = '', direction = 'asc'] = order.trim().split(/\s+/);
  knows(call, schema)(path);
  const text = ({ value }: Row) => String(valueAt(value, path) ?? '');
  const sign = direction.toLowerCase() === 'desc' ? -1 : 1;
  return [...rows].sort((a, b) => sign * (text(a) < text(b) ? -1 : text(a) > text(b) ? 1 : 0));
}

/** Adds one change to the log. */
export function logEffect(
  { tenant, request }: Call,
  change: 'create' | 'update' | 'archive',
  object: string,
  facts: { readonly id: string; readonly key: string | null; readonly properties: Values },
): void {
  const { method, path } = request;
  tenant.effects.applied({
    atMs: tenant.clock.now(),
    method,
    path,
    change,
    object,
    ...facts,
    requestHash: hashOf(request),
  });
}

/** The caller's own key among the extended properties of an item, or null. */
export function keyOf(item: Item): string | null {
  const [key] = Object.entries(item.extended).flatMap(([id, value]) =>
    id.endsWith(' name plumblineref') ? [value] : [],
  );
  return key ?? null;
}
