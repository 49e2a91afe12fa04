import { path } from '../../http/path.ts';
import { isObject, type Json } from '../../model/json.ts';
import type { RecordRef, RequestSpec } from '../../model/operation.ts';

/** The objects of HubSpot this connector knows, as records name them. */
export type HubspotObject = 'contact' | 'company' | 'deal' | 'ticket' | 'note';

/** Properties as HubSpot keeps them: strings, or null where there is no value. Numbers and dates stay text. */
export type HubspotProperties = { readonly [property: string]: string | null };

/** Ids of associated records; `more` says that HubSpot holds further ones that this answer does not list. */
export type HubspotAssociations = {
  readonly [object: string]: { readonly ids: readonly string[]; readonly more: boolean };
};

/** One record as our operations return it. */
export type HubspotRecord = {
  readonly id: string;
  readonly properties: HubspotProperties;
  readonly createdAt: string | null;
  readonly updatedAt: string | null;
  readonly archived: boolean;
  readonly associations: HubspotAssociations;
};

/** The custom property, unique in HubSpot, that carries the key of the action that created a record. */
export const refProperty = 'plumbline_ref';

/** What HubSpot calls an object: its path, its type id, and the properties read where none are named. */
export const hubspotObjects: Readonly<
  Record<HubspotObject, { readonly plural: string; readonly typeId: string; readonly read: readonly string[] }>
> = {
  contact: {
    plural: 'contacts',
    typeId: '0-1',
    read: ['email', 'firstname', 'lastname', 'phone', 'company', 'jobtitle', 'lifecyclestage', 'hubspot_owner_id'],
  },
  company: {
    plural: 'companies',
    typeId: '0-2',
    read: ['name', 'domain', 'phone', 'city', 'country', 'lifecyclestage', 'hubspot_owner_id'],
  },
  deal: {
    plural: 'deals',
    typeId: '0-3',
    read: ['dealname', 'dealstage', 'pipeline', 'amount', 'closedate', 'hubspot_owner_id'],
  },
  ticket: {
    plural: 'tickets',
    typeId: '0-5',
    read: ['subject', 'content', 'hs_pipeline', 'hs_pipeline_stage', 'hs_ticket_priority', 'hubspot_owner_id'],
  },
  note: { plural: 'notes', typeId: '0-46', read: ['hs_note_body', 'hs_timestamp', 'hubspot_owner_id'] },
};

/** Every object name. */
export const hubspotObjectNames = Object.keys(hubspotObjects) as readonly HubspotObject[];

/**
 * Type ids of HubSpot's own unlabelled associations, for records created together with their association.
 * @see https://developers.hubspot.com/docs/api-reference/crm-associations-v4/guide
 */
const associationTypes: Readonly<Record<string, number>> = {
  'contact>company': 279,
  'contact>deal': 4,
  'contact>ticket': 15,
  'company>contact': 280,
  'company>deal': 342,
  'company>ticket': 340,
  'deal>contact': 3,
  'deal>company': 341,
  'deal>ticket': 27,
  'ticket>contact': 16,
  'ticket>company': 339,
  'ticket>deal': 28,
  'note>contact': 202,
  'note>company': 190,
  'note>deal': 214,
  'note>ticket': 228,
};

/** The type id of the unlabelled association, or null where HubSpot has none of its own. */
export function associationTypeId(from: HubspotObject, to: HubspotObject): number | null {
  return associationTypes[`${from}>${to}`] ?? null;
}

/** `/crm/objects/2026-09` for date versions, `/crm/v3/objects` for the numbered ones that end in 2027. */
export function crmPath(apiVersion: string, area: 'objects' | 'properties'): string {
  return /^v[0-9]+$/.test(apiVersion) ? path`/crm/${apiVersion}/${area}` : path`/crm/${area}/${apiVersion}`;
}

/** The path of all records of an object. */
export function objectsPath(apiVersion: string, object: HubspotObject): string {
  return `${crmPath(apiVersion, 'objects')}/${hubspotObjects[object].plural}`;
}

/** The path of one association; numbered versions serve associations under v4. */
export function associationPath(
  apiVersion: string,
  link: { from: HubspotObject; id: string; to: HubspotObject; toId: string; unlabelled: boolean },
): string {
  const base = objectsPath(/^v[0-9]+$/.test(apiVersion) ? 'v4' : apiVersion, link.from);
  const kind = link.unlabelled ? 'associations/default' : 'associations';
  return base + path`/${link.id}/` + kind + path`/${hubspotObjects[link.to].plural}/${link.toId}`;
}

/** A read of one record by id or by the value of a unique property. */
export function readOne(
  apiVersion: string,
  object: HubspotObject,
  input: {
    id: string;
    idProperty?: string;
    properties: readonly string[];
    associations?: readonly HubspotObject[];
  },
): RequestSpec {
  const query: [string, string][] = [['properties', input.properties.join(',')]];
  if (input.associations && input.associations.length > 0) {
    query.push(['associations', input.associations.map((name) => hubspotObjects[name].plural).join(',')]);
  }
  if (input.idProperty) query.push(['idProperty', input.idProperty]);
  return { method: 'GET', path: objectsPath(apiVersion, object) + path`/${input.id}`, query };
}

/** An id as text; null for anything that is not a plain id. Numbers above 2^53 have lost digits and count as none. */
export function idText(value: Json | undefined): string | null {
  if (typeof value === 'string' && value !== '') return value;
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? String(value) : null;
}

/** A record as HubSpot answers it, or null where it is not shaped like one. */
export function recordOf(value: Json | undefined): HubspotRecord | null {
  if (!isObject(value)) return null;
  const id = idText(value.id);
  const properties = value.properties;
  if (id === null || !isObject(properties)) return null;
  return {
    id,
    properties: Object.fromEntries(Object.entries(properties).map(([name, held]) => [name, propertyText(held)])),
    createdAt: textOrNull(value.createdAt),
    updatedAt: textOrNull(value.updatedAt),
    archived: value.archived === true,
    associations: associationsOf(value.associations),
  };
}

/** A record reference. The first part names the connector; the caller puts the configured system there. */
export function recordRef(object: HubspotObject, id: string): RecordRef {
  return ['hubspot', object, id];
}

function propertyText(value: Json): string | null {
  if (value === null || typeof value === 'string') return value;
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

function textOrNull(value: Json | undefined): string | null {
  return typeof value === 'string' ? value : null;
}

function associationsOf(value: Json | undefined): HubspotAssociations {
  const out: Record<string, { ids: readonly string[]; more: boolean }> = {};
  if (!isObject(value)) return out;
  for (const object of hubspotObjectNames) {
    const held = value[hubspotObjects[object].plural];
    if (!isObject(held)) continue;
    const results = Array.isArray(held.results) ? (held.results as readonly Json[]) : [];
    const ids = results.map((entry) => (isObject(entry) ? idText(entry.id) : null)).filter((id) => id !== null);
    out[object] = { ids: [...new Set(ids)], more: isObject(held.paging) };
  }
  return out;
}
