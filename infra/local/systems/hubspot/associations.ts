import type { SimAnswer } from '../loopback-server.ts';
import { bodyOf, type Call, logEffect, needScope, noRoute, parseBody, typeOf } from './call.ts';
import { HubSpotError, invalid, json, notFound } from './errors.ts';
import { type CrmObject, type Edge, edgeKey, liveObject, type Portal } from './portal.ts';
import { type CrmType, singular } from './property-definitions.ts';

type EdgeType = Edge['types'][number];

/** HubSpot-defined association types: `from>to` gives the unlabelled type first, then labelled ones. */
const defined: Readonly<Record<string, readonly (readonly [number, string | null])[]>> = {
  'contacts>companies': [
    [279, null],
    [1, 'Primary'],
  ],
  'companies>contacts': [
    [280, null],
    [2, 'Primary'],
  ],
  'deals>contacts': [[3, null]],
  'contacts>deals': [[4, null]],
  'deals>companies': [
    [341, null],
    [5, 'Primary'],
  ],
  'companies>deals': [
    [342, null],
    [6, 'Primary'],
  ],
  'tickets>contacts': [[16, null]],
  'contacts>tickets': [[15, null]],
  'tickets>companies': [
    [339, null],
    [26, 'Primary'],
  ],
  'companies>tickets': [
    [340, null],
    [25, 'Primary'],
  ],
  'tickets>deals': [[28, null]],
  'deals>tickets': [[27, null]],
  'notes>contacts': [[202, null]],
  'contacts>notes': [[201, null]],
  'notes>companies': [[190, null]],
  'companies>notes': [[189, null]],
  'notes>deals': [[214, null]],
  'deals>notes': [[213, null]],
  'notes>tickets': [[228, null]],
  'tickets>notes': [[227, null]],
};

/** Refs of an association whose records are known to exist. */
type Pair = { from: CrmType; fromId: string; to: CrmType; toId: string };

/** Links two records in both directions; repeating it changes nothing. `typeIds` empty is the unlabelled default. */
export function link(portal: Portal, pair: Pair, typeIds: readonly number[]): void {
  const there = typesFor(pair.from, pair.to, typeIds);
  const labelled = there.map((type) => type.label);
  const reverse = { from: pair.to, fromId: pair.toId, to: pair.from, toId: pair.fromId };
  const back = typesFor(reverse.from, reverse.to, []).concat(
    (defined[`${reverse.from}>${reverse.to}`] ?? [])
      .filter(([, label]) => label !== null && labelled.includes(label))
      .map(([typeId, label]) => ({ category: 'HUBSPOT_DEFINED', typeId, label })),
  );
  addEdge(portal, pair, there);
  addEdge(portal, reverse, back);
}

/** Checks the inline `associations` of a create before anything is written. @throws HubSpotError 400 */
export function checkInline(
  portal: Portal,
  from: CrmType,
  raw: unknown,
): { to: CrmType; toId: string; typeIds: number[] }[] {
  if (raw === undefined || raw === null) return [];
  if (!Array.isArray(raw)) throw invalid('Invalid input JSON: "associations" must be a list.');
  return raw.map((item: { to?: { id?: unknown }; types?: unknown } | null) => {
    if (item === null || typeof item !== 'object') throw invalid('Every association must be an object.');
    const typeIds = labelsOf(item.types);
    const to = targetOf(from, typeIds[0]);
    if (to === null) throw invalid(`Invalid association type ${typeIds[0] ?? ''} for ${singular(from)}`);
    const toId = String(item.to?.id ?? '');
    if (liveObject(portal, to, toId) === null)
      throw invalid(`No ${singular(to)} with ID ${toId} exists to associate with`);
    typesFor(from, to, typeIds);
    return { to, toId, typeIds };
  });
}

/** The `associations` part of a read: ids and types of each asked object type. */
export function associationsOf(portal: Portal, object: CrmObject, asked: readonly string[]) {
  const out: Record<string, { results: { id: string; type: string }[] }> = {};
  for (const name of asked) {
    const to = typeOf(name);
    const results = edgesFrom(portal, object.type, object.id, to).flatMap((edge) =>
      edge.types.map((type) => ({ id: edge.toId, type: typeName(edge, type) })),
    );
    if (results.length > 0) out[to] = { results };
  }
  return out;
}

/** `…/objects/{ver}/{from}/{id}/associations/…`: list, put labelled, put default, delete. */
export function associationRoute(call: Call, from: CrmType, id: string, rest: readonly string[]): SimAnswer {
  const { method } = call.request;
  const isDefault = rest[0] === 'default';
  const [toSegment, toId] = isDefault ? rest.slice(1) : rest;
  const to = typeOf(toSegment);
  if (method === 'GET' && rest.length === 1) {
    needScope(call, from, 'read');
    if (liveObject(call.portal, from, id) === null) throw notFound();
    return json(200, { results: edgesFrom(call.portal, from, id, to).map(toResult) });
  }
  if (toId === undefined) throw noRoute(call);
  needScope(call, from, 'write');
  const pair = { from, fromId: id, to, toId };
  if (method === 'PUT') return putAssociation(call, pair, isDefault ? [] : labelsOf(parseBody(call)), isDefault);
  if (method !== 'DELETE' || isDefault) throw noRoute(call);
  unlink(call, pair);
  return json(204, null);
}

/** `/crm/associations/{ver}/{from}/{to}/batch/{create|read|archive|associate/default}` and `/labels`. */
export function associationBatchRoute(call: Call, rest: readonly string[]): SimAnswer {
  const [from, to] = [typeOf(rest[0]), typeOf(rest[1])];
  const operation = rest.slice(2).join('/');
  if (call.request.method === 'GET' && operation === 'labels') {
    const rows = defined[`${from}>${to}`] ?? [];
    return json(200, { results: rows.map(([typeId, label]) => ({ category: 'HUBSPOT_DEFINED', typeId, label })) });
  }
  if (call.request.method !== 'POST') throw noRoute(call);
  const inputs = bodyOf(call).inputs;
  if (!Array.isArray(inputs) || inputs.length === 0 || inputs.length > 1000)
    throw invalid('inputs must hold 1 to 1000 items.');
  if (operation === 'batch/read') return readBatch(call, from, to, inputs);
  needScope(call, from, 'write');
  const items = inputs.flatMap((item) => pairsOf(from, to, item));
  if (operation === 'batch/archive') {
    for (const item of items) unlink(call, item.pair);
    return json(204, null);
  }
  const isDefault = operation === 'batch/associate/default';
  if (!isDefault && operation !== 'batch/create') throw noRoute(call);
  for (const item of items) needBoth(call.portal, item.pair);
  for (const item of items) putAssociation(call, item.pair, isDefault ? [] : item.typeIds, isDefault);
  return json(isDefault ? 200 : 201, { status: 'COMPLETE', results: items.map((item) => pairResult(item.pair)) });
}

function readBatch(call: Call, from: CrmType, to: CrmType, inputs: readonly { id?: unknown }[]): SimAnswer {
  needScope(call, from, 'read');
  const results = inputs
    .map((input) => ({
      from: { id: String(input.id) },
      to: edgesFrom(call.portal, from, String(input.id), to).map(toResult),
    }))
    .filter((row) => row.to.length > 0);
  return json(200, { status: 'COMPLETE', results });
}

function pairsOf(from: CrmType, to: CrmType, item: { from?: { id?: unknown }; to?: unknown; types?: unknown }) {
  const targets = Array.isArray(item.to) ? item.to : [item.to];
  const typeIds = item.types === undefined ? [] : labelsOf(item.types);
  return targets.map((target: { id?: unknown } | undefined) => ({
    pair: { from, fromId: String(item.from?.id ?? ''), to, toId: String(target?.id ?? '') },
    typeIds,
  }));
}

function putAssociation(call: Call, pair: Pair, typeIds: readonly number[], isDefault: boolean): SimAnswer {
  needBoth(call.portal, pair);
  link(call.portal, pair, typeIds);
  logEffect(call, 'associate', { object: 'association', id: edgeKey(pair), properties: { typeIds: [...typeIds] } });
  return isDefault ? json(200, { status: 'COMPLETE', results: [pairResult(pair)] }) : json(201, pairResult(pair));
}

function unlink(call: Call, pair: Pair): void {
  const reverse = { from: pair.to, fromId: pair.toId, to: pair.from, toId: pair.fromId };
  const existed = call.portal.edges.delete(edgeKey(pair));
  call.portal.edges.delete(edgeKey(reverse));
  call.portal.file.remove('edge', edgeKey(pair));
  call.portal.file.remove('edge', edgeKey(reverse));
  if (existed) logEffect(call, 'dissociate', { object: 'association', id: edgeKey(pair) });
}

function pairResult(pair: Pair) {
  return {
    fromObjectTypeId: pair.from,
    fromObjectId: pair.fromId,
    toObjectTypeId: pair.to,
    toObjectId: pair.toId,
    labels: [],
  };
}

function toResult(edge: Edge) {
  return { toObjectId: edge.toId, associationTypes: edge.types };
}

function typeName(edge: Edge, type: EdgeType): string {
  const plain = `${singular(edge.from)}_to_${singular(edge.to)}`;
  return type.label === null ? plain : `${plain}_${type.label.toLowerCase()}`;
}

function labelsOf(raw: unknown): number[] {
  if (!Array.isArray(raw) || raw.length === 0) throw invalid('At least one association type is needed.');
  return raw.map((item: { associationCategory?: unknown; associationTypeId?: unknown } | null) => {
    if (typeof item?.associationCategory !== 'string') throw invalid('associationCategory is missing.');
    return Number(item.associationTypeId);
  });
}

function typesFor(from: CrmType, to: CrmType, typeIds: readonly number[]): EdgeType[] {
  const known = defined[`${from}>${to}`];
  if (known === undefined) throw invalid(`${singular(from)} cannot be associated with ${singular(to)}`);
  const ids = typeIds.length > 0 ? typeIds : [known[0]?.[0]];
  return ids.map((id) => {
    const match = known.find(([typeId]) => typeId === id);
    if (match === undefined) throw invalid(`Invalid association type ${id} from ${singular(from)} to ${singular(to)}`);
    return { category: 'HUBSPOT_DEFINED', typeId: match[0], label: match[1] };
  });
}

function targetOf(from: CrmType, typeId: number | undefined): CrmType | null {
  for (const [key, rows] of Object.entries(defined)) {
    const [source, target] = key.split('>');
    if (source === from && rows.some(([id]) => id === typeId)) return typeOf(target);
  }
  return null;
}

function needBoth(portal: Portal, pair: Pair): void {
  const known = liveObject(portal, pair.from, pair.fromId) !== null && liveObject(portal, pair.to, pair.toId) !== null;
  if (!known) throw new HubSpotError(404, 'OBJECT_NOT_FOUND', `One of ${edgeKey(pair)} does not exist`);
}

function addEdge(portal: Portal, pair: Pair, types: readonly EdgeType[]): void {
  const key = edgeKey(pair);
  const edge = portal.edges.get(key) ?? { ...pair, types: [] };
  for (const type of types) {
    if (!edge.types.some((known) => known.typeId === type.typeId)) edge.types.push(type);
  }
  portal.edges.set(key, edge);
  portal.file.save('edge', key, edge);
}

function edgesFrom(portal: Portal, from: CrmType, fromId: string, to: CrmType): Edge[] {
  const prefix = `${from}/${fromId}>${to}/`;
  const out: Edge[] = [];
  for (const [key, edge] of portal.edges) {
    if (key.startsWith(prefix) && liveObject(portal, to, edge.toId) !== null) out.push(edge);
  }
  return out;
}
