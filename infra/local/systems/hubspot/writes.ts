import { checkInline, link } from './associations.ts';
import { type Call, logEffect } from './call.ts';
import { invalid, notFound } from './errors.ts';
import { archiveObject, type CrmObject, createObject, findByUnique, liveObject, updateObject } from './portal.ts';
import type { CrmType } from './property-definitions.ts';
import { checkProperties } from './validate.ts';

/**
 * Creates one record with its inline associations.
 * @throws HubSpotError 400, 409; nothing is written then
 */
export function createFrom(
  call: Call,
  type: CrmType,
  input: { properties?: unknown; associations?: unknown },
): CrmObject {
  const { portal, version } = call;
  const values = checkProperties({ portal, version, type, object: null, properties: input.properties ?? {} });
  const targets = checkInline(portal, type, input.associations);
  const object = createObject(portal, type, values, 'INTEGRATION');
  for (const { to, toId, typeIds } of targets) link(portal, { from: type, fromId: object.id, to, toId }, typeIds);
  logEffect(call, 'create', { object: type, id: object.id, properties: values });
  return object;
}

/** Changes one record. @throws HubSpotError 400, 409; nothing is written then */
export function updateFrom(call: Call, object: CrmObject, properties: unknown): CrmObject {
  const { portal, version } = call;
  const values = checkProperties({ portal, version, type: object.type, object, properties });
  updateObject(portal, object, values, 'INTEGRATION');
  const key = values.plumbline_ref ?? object.properties.plumbline_ref ?? null;
  logEffect(call, 'update', { object: object.type, id: object.id, properties: values, key });
  return object;
}

/** Archives one live record. */
export function archiveFrom(call: Call, object: CrmObject): void {
  archiveObject(call.portal, object, 'INTEGRATION');
  logEffect(call, 'archive', { object: object.type, id: object.id, key: object.properties.plumbline_ref ?? null });
}

/** The live record that an id, or a value of a unique property, names. @throws HubSpotError 400, 404 */
export function resolve(call: Call, type: CrmType, id: string, idProperty: string | null): CrmObject {
  const found = lookUp(call, type, id, idProperty);
  if (found === null) throw notFound();
  return found;
}

/** As {@link resolve}, null where there is none. @throws HubSpotError 400 where the property is not unique */
export function lookUp(call: Call, type: CrmType, id: string, idProperty: string | null): CrmObject | null {
  if (idProperty === null) return liveObject(call.portal, type, id);
  if (!call.portal.definitions[type].get(idProperty)?.hasUniqueValue) {
    throw invalid(`Property '${idProperty}' is not a unique identifier property of ${type}`);
  }
  return findByUnique(call.portal, type, idProperty, id);
}
