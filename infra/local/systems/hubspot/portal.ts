import type { Clock } from '../../../../shared/model/clock.ts';
import type { EffectLog } from '../effect-log.ts';
import type { StateFile } from '../state-file.ts';
import {
  type CrmType,
  commonDefinitions,
  createdProperty,
  crmTypes,
  modifiedProperty,
  type PropertyDefinition,
  seededDefinitions,
} from './property-definitions.ts';

/** Property values by name; null is no value. */
export type Values = Record<string, string | null>;

/** One earlier or present value of a property. */
export type HistoryEntry = { value: string | null; timestamp: string; sourceType: string };

/** One record of the portal. `indexed` is what search still shows until `indexAtMs`. */
export type CrmObject = {
  type: CrmType;
  id: string;
  properties: Values;
  createdAtMs: number;
  updatedAtMs: number;
  archivedAtMs: number | null;
  history: Record<string, HistoryEntry[]>;
  indexed: Values | null;
  indexAtMs: number;
};

/** One direction of an association. */
export type Edge = {
  from: CrmType;
  fromId: string;
  to: CrmType;
  toId: string;
  types: { category: string; typeId: number; label: string | null }[];
};

/** Who changed a record, as webhooks name it. */
export type ChangeSource = 'INTEGRATION' | 'CRM_UI';

/** What happened to a record; the source of webhooks. */
export type Change = {
  type: CrmType;
  id: string;
  kind: 'creation' | 'deletion' | 'propertyChange';
  property?: string;
  value?: string;
  source: ChangeSource;
  atMs: number;
};

/** The state of one simulated account. */
export type Portal = {
  readonly portalId: number;
  readonly accountType: string;
  readonly searchLagMs: number;
  readonly clock: Clock;
  readonly file: StateFile;
  readonly effects: EffectLog;
  readonly objects: Readonly<Record<CrmType, Map<string, CrmObject>>>;
  readonly definitions: Readonly<Record<CrmType, Map<string, PropertyDefinition>>>;
  /** Properties that date versions from 2026-09 on require; older versions ignore the rule. */
  readonly required: Readonly<Record<CrmType, Set<string>>>;
  readonly edges: Map<string, Edge>;
  readonly nextId: Record<CrmType, number>;
  /** Told of every change, after it was made. */
  onChange: (change: Change) => void;
};

const byType = <T>(make: (type: CrmType) => T) =>
  Object.fromEntries(crmTypes.map((type) => [type, make(type)])) as Record<CrmType, T>;

const keptHistory = 20;

/** An empty portal, or what the state file holds. Seeding is the caller's. */
export function openPortal(
  input: Pick<Portal, 'portalId' | 'accountType' | 'searchLagMs' | 'clock' | 'file' | 'effects'>,
): Portal {
  const portal: Portal = {
    ...input,
    objects: byType(() => new Map()),
    definitions: byType(() => new Map()),
    required: byType(() => new Set()),
    edges: new Map(),
    nextId: { contacts: 100_001, companies: 200_001, deals: 300_001, tickets: 400_001, notes: 500_001 },
    onChange: () => undefined,
  };
  for (const type of crmTypes) {
    const stored = input.file.load<PropertyDefinition>(`definition:${type}`);
    const initial = stored.length > 0 ? stored : [...commonDefinitions(type), ...seededDefinitions[type]];
    for (const definition of initial) putDefinition(portal, type, definition);
    for (const object of input.file.load<CrmObject>(`object:${type}`)) {
      portal.objects[type].set(object.id, object);
      portal.nextId[type] = Math.max(portal.nextId[type], Number(object.id) + 1);
    }
  }
  for (const edge of input.file.load<Edge>('edge')) portal.edges.set(edgeKey(edge), edge);
  return portal;
}

/** Adds or replaces a property. */
export function putDefinition(portal: Portal, type: CrmType, definition: PropertyDefinition): void {
  portal.definitions[type].set(definition.name, definition);
  portal.file.save(`definition:${type}`, definition.name, definition);
}

/** Renames a property and moves its values, as an administrator of the portal would by replacing it. */
export function renameProperty(portal: Portal, type: CrmType, from: string, to: string): boolean {
  const definition = portal.definitions[type].get(from);
  if (definition === undefined || portal.definitions[type].has(to)) return false;
  portal.definitions[type].delete(from);
  portal.file.remove(`definition:${type}`, from);
  putDefinition(portal, type, { ...definition, name: to });
  for (const object of portal.objects[type].values()) {
    if (!(from in object.properties)) continue;
    object.properties[to] = object.properties[from] ?? null;
    delete object.properties[from];
    saveObject(portal, object);
  }
  return true;
}

/** The record, unless it is absent or archived. */
export function liveObject(portal: Portal, type: CrmType, id: string): CrmObject | null {
  const object = portal.objects[type].get(id);
  return object !== undefined && object.archivedAtMs === null ? object : null;
}

/** The live record that carries this value of a unique property; text compares without case for e-mail. */
export function findByUnique(portal: Portal, type: CrmType, property: string, value: string): CrmObject | null {
  if (property === 'hs_object_id') return liveObject(portal, type, value);
  const wanted = property === 'email' ? value.trim().toLowerCase() : value;
  for (const object of portal.objects[type].values()) {
    if (object.archivedAtMs === null && object.properties[property] === wanted) return object;
  }
  return null;
}

/** Creates a record from values that were validated before. */
export function createObject(portal: Portal, type: CrmType, values: Values, source: ChangeSource): CrmObject {
  const nowMs = portal.clock.now();
  const id = String(portal.nextId[type]);
  portal.nextId[type] += 1;
  const object = newObject(portal, type, id, values, nowMs);
  recordHistory(object, values, nowMs, source);
  portal.objects[type].set(id, object);
  saveObject(portal, object);
  portal.onChange({ type, id, kind: 'creation', source, atMs: nowMs });
  for (const [property, value] of Object.entries(values)) {
    if (value !== null) portal.onChange({ type, id, kind: 'propertyChange', property, value, source, atMs: nowMs });
  }
  return object;
}

/** A record that is not yet part of the portal. */
export function newObject(portal: Portal, type: CrmType, id: string, values: Values, nowMs: number): CrmObject {
  const iso = new Date(nowMs).toISOString();
  const system = { hs_object_id: id, [createdProperty(type)]: iso, [modifiedProperty(type)]: iso };
  return {
    type,
    id,
    properties: { ...values, ...system },
    createdAtMs: nowMs,
    updatedAtMs: nowMs,
    archivedAtMs: null,
    history: {},
    indexed: null,
    indexAtMs: nowMs + portal.searchLagMs,
  };
}

/** Changes a record by values that were validated before. The change time moves even where no value differs. */
export function updateObject(portal: Portal, object: CrmObject, values: Values, source: ChangeSource): void {
  const nowMs = portal.clock.now();
  const changed = Object.entries(values).filter(([name, value]) => (object.properties[name] ?? null) !== value);
  holdIndex(portal, object, nowMs);
  object.updatedAtMs = nowMs;
  object.properties = {
    ...object.properties,
    ...values,
    [modifiedProperty(object.type)]: new Date(nowMs).toISOString(),
  };
  recordHistory(object, Object.fromEntries(changed), nowMs, source);
  saveObject(portal, object);
  const { type, id } = object;
  for (const [property, value] of changed) {
    portal.onChange({ type, id, kind: 'propertyChange', property, value: value ?? '', source, atMs: nowMs });
  }
}

/** Archives a record; it can still be read as archived. */
export function archiveObject(portal: Portal, object: CrmObject, source: ChangeSource): void {
  const nowMs = portal.clock.now();
  holdIndex(portal, object, nowMs);
  object.archivedAtMs = nowMs;
  object.updatedAtMs = nowMs;
  saveObject(portal, object);
  portal.onChange({ type: object.type, id: object.id, kind: 'deletion', source, atMs: nowMs });
}

/** What search sees of a record now: its values, or null where the index does not know it. */
export function indexedValues(portal: Portal, object: CrmObject): Values | null {
  if (portal.clock.now() < object.indexAtMs) return object.indexed;
  return object.archivedAtMs === null ? object.properties : null;
}

/** Writes a record to the state file. */
export function saveObject(portal: Portal, object: CrmObject): void {
  portal.file.save(`object:${object.type}`, object.id, object);
}

/** Where an edge is kept. */
export function edgeKey(edge: Pick<Edge, 'from' | 'fromId' | 'to' | 'toId'>): string {
  return `${edge.from}/${edge.fromId}>${edge.to}/${edge.toId}`;
}

function holdIndex(portal: Portal, object: CrmObject, nowMs: number): void {
  object.indexed = indexedValues(portal, object);
  object.indexAtMs = nowMs + portal.searchLagMs;
}

function recordHistory(object: CrmObject, values: Values, nowMs: number, source: ChangeSource): void {
  const timestamp = new Date(nowMs).toISOString();
  for (const [name, value] of Object.entries(values)) {
    const earlier = object.history[name] ?? [];
    object.history[name] = [{ value, timestamp, sourceType: source }, ...earlier].slice(0, keptHistory);
  }
}
