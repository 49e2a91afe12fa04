import type { Json, JsonObject } from '../../model/json.ts';
import type { PlannedCall } from '../../model/operation.ts';
import type { AssociationInput } from './associations.ts';
import { type HubspotObject, type HubspotProperties, hubspotObjects } from './client.ts';
import type { FindInput, GetInput, ListInput, SearchInput } from './reads.ts';
import type { UpsertItem } from './upsert.ts';
import type { CreateInput, Linked, NoteInput } from './writes.ts';

/** What a read asks for beside the record itself; the properties default to those of the object. */
export type ReadOptions = {
  readonly properties?: readonly string[];
  readonly associations?: readonly HubspotObject[];
};

/** Values to write: text, numbers and truth values become HubSpot's text; null empties a property. */
export type Writable = { readonly [property: string]: string | number | boolean | null };

/** The calls that one object offers. None of them does I/O: each plans one operation. */
export type ObjectCalls = {
  /** Data: a `HubspotRecord`. */
  get(id: string, options?: ReadOptions & { readonly idProperty?: string }): PlannedCall;
  /** Data: `{ results: HubspotRecord[], total, after }`; no match is an empty list. By e-mail: one direct read, no search. */
  find(by: FindInput['by'], options?: ReadOptions): PlannedCall;
  /** Data: `{ results: HubspotRecord[], total, after }`. */
  search(input: Omit<SearchInput, 'properties'> & { readonly properties?: readonly string[] }): PlannedCall;
  /** Data: `{ results: HubspotRecord[], total: null, after }`. */
  list(input?: Partial<ListInput>): PlannedCall;
  /** Data: `{ properties, fingerprint }`. */
  properties(): PlannedCall;
  /** Data: a `HubspotRecord`. */
  create(properties: Writable, associations?: readonly Linked[]): PlannedCall;
  update(id: string, properties: Writable): PlannedCall;
  /** By exactly one unique property. Data: a `HubspotRecord` with `created`. */
  upsert(by: { readonly [uniqueProperty: string]: string }, properties: Writable): PlannedCall;
  /** 1 to 100 records, all or unknown. Data: `{ results, created }`. */
  upsertMany(idProperty: string, items: readonly { readonly id: string; readonly properties: Writable }[]): PlannedCall;
  archive(id: string): PlannedCall;
  associate(id: string, to: Linked): PlannedCall;
  dissociate(id: string, to: Linked): PlannedCall;
};

/** The HubSpot calls of one configured system, as tools use them. */
export type HubspotCalls = {
  readonly contacts: ObjectCalls;
  readonly companies: ObjectCalls;
  readonly deals: ObjectCalls;
  readonly tickets: ObjectCalls;
  readonly notes: ObjectCalls & {
    /** Appends a note to one record or several. `atMs` is when it was said; it is frozen with the action. */
    append(input: {
      readonly text: string;
      readonly on: Linked | readonly Linked[];
      readonly atMs: number;
    }): PlannedCall;
  };
};

function written(properties: Writable): HubspotProperties {
  return Object.fromEntries(
    Object.entries(properties).map(([name, value]) => [name, value === null ? '' : String(value)]),
  );
}

function callsOf(system: string, object: HubspotObject): ObjectCalls {
  const { plural, read } = hubspotObjects[object];
  const plan = (verb: string, input: JsonObject): PlannedCall => ({
    operation: `hubspot.${plural}.${verb}`,
    system,
    input,
  });
  return {
    get: (id, options) => plan('get', { id, properties: read, ...options } satisfies GetInput),
    find: (by, options) => plan('find', { by, properties: read, ...options } satisfies FindInput),
    search: (input) => plan('search', { properties: read, ...input } satisfies SearchInput as JsonObject),
    list: (input) => plan('list', { properties: read, ...input } satisfies ListInput),
    properties: () => plan('properties', {}),
    create: (properties, associations = []) =>
      plan('create', { properties: written(properties), associations } satisfies CreateInput),
    update: (id, properties) => plan('update', { id, properties: written(properties) }),
    upsert: (by, properties) => {
      const [idProperty = '', id = ''] = Object.entries(by)[0] ?? [];
      return plan('upsert', { idProperty, inputs: [{ id, properties: written(properties) }] });
    },
    upsertMany: (idProperty, items) => {
      const inputs: UpsertItem[] = items.map(({ id, properties }) => ({ id, properties: written(properties) }));
      return plan('upsert', { idProperty, inputs });
    },
    archive: (id) => plan('archive', { id }),
    associate: (id, to) => plan('associate', { id, to } satisfies AssociationInput),
    dissociate: (id, to) => plan('dissociate', { id, to } satisfies AssociationInput),
  };
}

/** The HubSpot calls of a configured system, by its name in config/systems. */
export function hubspotOn(system: string): HubspotCalls {
  return {
    contacts: callsOf(system, 'contact'),
    companies: callsOf(system, 'company'),
    deals: callsOf(system, 'deal'),
    tickets: callsOf(system, 'ticket'),
    notes: {
      ...callsOf(system, 'note'),
      append: ({ text, on, atMs }) => {
        const links = Array.isArray(on) ? (on as readonly Linked[]) : [on as Linked];
        const input: NoteInput = { text, on: links, atMs };
        return { operation: 'hubspot.notes.append', system, input: input as Json };
      },
    },
  };
}

/** The HubSpot calls of the system named `hubspot`. */
export const hubspot: HubspotCalls = hubspotOn('hubspot');
