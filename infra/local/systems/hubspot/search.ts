import type { SimAnswer } from '../loopback-server.ts';
import { bodyOf, boundedNumber, type Call, needScope, present } from './call.ts';
import { invalid, json } from './errors.ts';
import { type CrmObject, indexedValues, type Values } from './portal.ts';
import { type CrmType, createdProperty, type PropertyDefinition } from './property-definitions.ts';
import { parseTime } from './validate.ts';

const maxResults = 10_000;
const operators = [
  'EQ',
  'NEQ',
  'LT',
  'LTE',
  'GT',
  'GTE',
  'BETWEEN',
  'IN',
  'NOT_IN',
  'HAS_PROPERTY',
  'NOT_HAS_PROPERTY',
  'CONTAINS_TOKEN',
  'NOT_CONTAINS_TOKEN',
] as const;

type Filter = {
  property: PropertyDefinition;
  operator: (typeof operators)[number];
  value: string;
  highValue: string;
  values: readonly string[];
};
type Hit = { object: CrmObject; values: Values };

/** `POST …/{type}/search`. Shows what the index knows: changes appear after the portal's search lag. */
export function searchRoute(call: Call, type: CrmType): SimAnswer {
  needScope(call, type, 'read');
  const body = bodyOf(call);
  const limit = boundedNumber('limit', body.limit, 10, { min: 1, max: 200 });
  const after = boundedNumber('after', body.after, 0, { min: 0, max: Number.MAX_SAFE_INTEGER });
  if (after + limit > maxResults)
    throw invalid(`There was a problem with the request: paging past ${maxResults} results is not supported.`);
  const groups = groupsOf(call, type, body.filterGroups);
  const query = typeof body.query === 'string' ? body.query.trim().toLowerCase() : '';
  const hits: Hit[] = [];
  for (const object of call.portal.objects[type].values()) {
    const values = indexedValues(call.portal, object);
    if (values === null || !containsText(values, query)) continue;
    if (groups.length === 0 || groups.some((group) => group.every((filter) => passes(filter, values))))
      hits.push({ object, values });
  }
  sortHits(hits, sortOf(call, type, body.sorts));
  const names = Array.isArray(body.properties) ? body.properties.map(String) : [];
  const results = hits
    .slice(after, after + limit)
    .map(({ object, values }) => present(call, { ...object, properties: values, archivedAtMs: null }, names));
  const next = after + limit < hits.length ? { paging: { next: { after: String(after + limit) } } } : {};
  return json(200, { total: hits.length, results, ...next });
}

function groupsOf(call: Call, type: CrmType, raw: unknown): Filter[][] {
  if (raw === undefined || raw === null) return [];
  if (!Array.isArray(raw)) throw invalid('filterGroups must be a list.');
  if (raw.length > 5) throw invalid('No more than 5 filter groups are supported.');
  const groups = raw.map((group: { filters?: unknown }) => {
    const filters = Array.isArray(group?.filters) ? group.filters : [];
    if (filters.length > 6) throw invalid('No more than 6 filters are supported in one group.');
    return filters.map((filter: Record<string, unknown> | null) => filterOf(call, type, filter ?? {}));
  });
  if (groups.flat().length > 18) throw invalid('No more than 18 filters are supported in one search.');
  return groups;
}

function filterOf(call: Call, type: CrmType, raw: Record<string, unknown>): Filter {
  const property = call.portal.definitions[type].get(String(raw.propertyName));
  if (property === undefined)
    throw invalid(`There was a problem with the request: property ${String(raw.propertyName)} does not exist.`);
  const operator = operators.find((known) => known === raw.operator);
  if (operator === undefined)
    throw invalid(`Invalid operator ${String(raw.operator)}; allowed: ${operators.join(', ')}`);
  const values = Array.isArray(raw.values) ? raw.values.map(String) : [];
  const needsList = operator === 'IN' || operator === 'NOT_IN';
  if (needsList && values.length === 0) throw invalid(`Operator ${operator} needs values.`);
  const needsValue = !needsList && operator !== 'HAS_PROPERTY' && operator !== 'NOT_HAS_PROPERTY';
  if (needsValue && (raw.value === undefined || raw.value === null))
    throw invalid(`Operator ${operator} needs a value.`);
  if (operator === 'BETWEEN' && raw.highValue === undefined) throw invalid('Operator BETWEEN needs a highValue.');
  return { property, operator, value: String(raw.value ?? ''), highValue: String(raw.highValue ?? ''), values };
}

function passes(filter: Filter, all: Values): boolean {
  const held = all[filter.property.name] ?? null;
  const { operator, property } = filter;
  if (operator === 'HAS_PROPERTY') return held !== null;
  if (operator === 'NOT_HAS_PROPERTY') return held === null;
  if (held === null) return operator === 'NEQ' || operator === 'NOT_IN' || operator === 'NOT_CONTAINS_TOKEN';
  const order = compare(property, held, filter.value);
  switch (operator) {
    case 'EQ':
      return order === 0;
    case 'NEQ':
      return order !== 0;
    case 'LT':
      return order < 0;
    case 'LTE':
      return order <= 0;
    case 'GT':
      return order > 0;
    case 'GTE':
      return order >= 0;
    case 'BETWEEN':
      return order >= 0 && compare(property, held, filter.highValue) <= 0;
    case 'IN':
      return filter.values.some((value) => compare(property, held, value) === 0);
    case 'NOT_IN':
      return filter.values.every((value) => compare(property, held, value) !== 0);
    case 'CONTAINS_TOKEN':
      return hasToken(held, filter.value);
    default:
      return !hasToken(held, filter.value);
  }
}

/** Times compare as instants (a filter may be epoch milliseconds), numbers as numbers, text without case. NaN never matches. */
function compare(property: PropertyDefinition, held: string, wanted: string): number {
  if (property.type === 'date' || property.type === 'datetime')
    return (parseTime(held) ?? Number.NaN) - (parseTime(wanted) ?? Number.NaN);
  if (property.type === 'number') return Number(held) - Number(wanted);
  const [left, right] = [held.toLowerCase(), wanted.toLowerCase()];
  if (left === right) return 0;
  return left < right ? -1 : 1;
}

function tokens(text: string): string[] {
  return text
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter(Boolean);
}

function hasToken(held: string, wanted: string): boolean {
  const known = tokens(held);
  if (!wanted.includes('*')) return tokens(wanted).every((token) => known.includes(token));
  const bare = wanted.toLowerCase().replaceAll('*', '');
  const [open, close] = [wanted.startsWith('*'), wanted.endsWith('*')];
  return known.concat(held.toLowerCase()).some((token) => {
    if (open && close) return token.includes(bare);
    return open ? token.endsWith(bare) : token.startsWith(bare);
  });
}

function containsText(values: Values, query: string): boolean {
  if (query === '') return true;
  const searched = [
    'email',
    'firstname',
    'lastname',
    'phone',
    'name',
    'domain',
    'dealname',
    'subject',
    'content',
    'hs_note_body',
  ];
  const text = searched
    .map((name) => values[name] ?? '')
    .join(' ')
    .toLowerCase();
  return query.split(/\s+/).every((word) => text.includes(word));
}

function sortOf(call: Call, type: CrmType, raw: unknown): { property: PropertyDefinition; sign: 1 | -1 } {
  const first: unknown = Array.isArray(raw) ? raw[0] : undefined;
  if (Array.isArray(raw) && raw.length > 1) throw invalid('Only one sort is supported.');
  const given =
    typeof first === 'object' && first !== null
      ? (first as { propertyName?: unknown; direction?: unknown })
      : { propertyName: first };
  const text = given.propertyName === undefined ? createdProperty(type) : String(given.propertyName);
  const descending = text.startsWith('-') || ('direction' in given && given.direction === 'DESCENDING');
  const property = call.portal.definitions[type].get(text.replace(/^-/, ''));
  if (property === undefined) throw invalid(`There was a problem with the request: property ${text} does not exist.`);
  return { property, sign: descending ? -1 : 1 };
}

function sortHits(hits: Hit[], sort: { property: PropertyDefinition; sign: 1 | -1 }): void {
  const { name } = sort.property;
  hits.sort((a, b) => {
    const [left, right] = [a.values[name] ?? null, b.values[name] ?? null];
    // Records without a value come last in either direction.
    if (left === null || right === null) return left === right ? byId(a, b) : left === null ? 1 : -1;
    return sort.sign * compare(sort.property, left, right) || byId(a, b);
  });
}

function byId(a: Hit, b: Hit): number {
  return Number(a.object.id) - Number(b.object.id);
}
