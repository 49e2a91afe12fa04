import type { SimAnswer } from '../loopback-server.ts';
import { associationRoute, associationsOf } from './associations.ts';
import { batchRoute } from './batch.ts';
import { bodyOf, boundedNumber, type Call, namesOf, needScope, noRoute, present, typeOf } from './call.ts';
import { invalid, json, notFound } from './errors.ts';
import type { CrmObject } from './portal.ts';
import type { CrmType } from './property-definitions.ts';
import { searchRoute } from './search.ts';
import { archiveFrom, createFrom, resolve, updateFrom } from './writes.ts';

/** `/crm/objects/{ver}/{type}…` and `/crm/v3/objects/{type}…`; `rest` is what follows `objects`. */
export function objectRoute(call: Call, rest: readonly string[]): SimAnswer {
  const type = typeOf(rest[0]);
  const { method } = call.request;
  if (rest.length === 1) {
    if (method === 'GET') return listObjects(call, type);
    if (method === 'POST') return createRoute(call, type);
    throw noRoute(call);
  }
  if (rest[1] === 'search' && rest.length === 2 && method === 'POST') return searchRoute(call, type);
  if (rest[1] === 'batch' && rest.length === 3 && method === 'POST') return batchRoute(call, type, rest[2] ?? '');
  const id = rest[1] ?? '';
  if (rest[2] === 'associations') return associationRoute(call, type, id, rest.slice(3));
  if (rest.length !== 2) throw noRoute(call);
  if (method === 'GET') return readObject(call, type, id);
  if (method === 'PATCH') return patchObject(call, type, id);
  if (method === 'DELETE') return deleteObject(call, type, id);
  throw noRoute(call);
}

function listObjects(call: Call, type: CrmType): SimAnswer {
  needScope(call, type, 'read');
  const { query } = call.request;
  const limit = boundedNumber('limit', query.get('limit'), 10, { min: 1, max: 100 });
  const after = query.get('after') || '0';
  if (!/^[0-9]{1,18}$/.test(after)) throw invalid('The after parameter is not a cursor of this list.');
  const archived = query.get('archived') === 'true';
  // The cursor is the id of the next record, so that pages do not shift when records come and go.
  const ordered = [...call.portal.objects[type].values()]
    .filter((object) => (object.archivedAtMs !== null) === archived && Number(object.id) >= Number(after))
    .sort((a, b) => Number(a.id) - Number(b.id));
  const page = ordered.slice(0, limit);
  const next = ordered[limit];
  const results = page.map((object) => withAssociations(call, object));
  return json(200, { results, ...(next ? { paging: { next: nextPage(call, next.id) } } : {}) });
}

function nextPage(call: Call, after: string) {
  const query = new URLSearchParams(call.request.query);
  query.set('after', after);
  return { after, link: `https://api.hubapi.com${call.request.path}?${query}` };
}

function withAssociations(call: Call, object: CrmObject) {
  const shown = present(call, object, namesOf(call, 'properties'), namesOf(call, 'propertiesWithHistory'));
  const asked = namesOf(call, 'associations');
  if (asked.length === 0) return shown;
  const associations = associationsOf(call.portal, object, asked);
  return Object.keys(associations).length > 0 ? { ...shown, associations } : shown;
}

function readObject(call: Call, type: CrmType, id: string): SimAnswer {
  needScope(call, type, 'read');
  const { query } = call.request;
  if (query.get('archived') === 'true') {
    const object = call.portal.objects[type].get(id);
    if (object === undefined || object.archivedAtMs === null) throw notFound();
    return json(200, withAssociations(call, object));
  }
  return json(200, withAssociations(call, resolve(call, type, id, query.get('idProperty'))));
}

function createRoute(call: Call, type: CrmType): SimAnswer {
  needScope(call, type, 'write');
  const object = createFrom(call, type, bodyOf(call));
  return json(201, present(call, object, Object.keys(object.properties)));
}

function patchObject(call: Call, type: CrmType, id: string): SimAnswer {
  needScope(call, type, 'write');
  const body = bodyOf(call);
  const object = updateFrom(call, resolve(call, type, id, call.request.query.get('idProperty')), body.properties);
  return json(200, present(call, object, Object.keys(object.properties)));
}

function deleteObject(call: Call, type: CrmType, id: string): SimAnswer {
  needScope(call, type, 'write');
  const object = call.portal.objects[type].get(id);
  if (object === undefined) throw notFound();
  if (object.archivedAtMs === null) archiveFrom(call, object);
  return json(204, null);
}
