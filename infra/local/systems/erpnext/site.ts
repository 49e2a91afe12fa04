import type { Clock } from '../../../../shared/model/clock.ts';
import type { AppliedEffect, EffectLog } from '../effect-log.ts';
import type { StateFile } from '../state-file.ts';
import { type DocType, docTypes, type Field, initialDocTypes } from './schema.ts';

export type Value = string | number | null | readonly Row[];
export type Row = { [field: string]: string | number | null };
export type Values = Record<string, Value>;

/** One document. Times are microseconds since the epoch; they are shown without zone. */
export type Doc = {
  docType: DocType;
  name: string;
  docstatus: 0 | 1 | 2;
  owner: string;
  creationMicros: number;
  modifiedMicros: number;
  values: Values;
};

/** Faults that only a site of Frappe has, beside those of the fault book. */
export type Knobs = {
  /** How many of the next writes end in a deadlock, or find their document locked. */
  deadlocks: number;
  locks: number;
  /** Every request is answered that the site is being updated. */
  migrating: boolean;
  readOnly: boolean;
  /** `DocType: right` that the user has not. */
  denied: Set<string>;
  /** Bulk requests above it are worked on in the background. */
  asyncThreshold: number;
};

/** What happened to a document, by the names of Frappe's hooks. */
export type DocEvent = 'after_insert' | 'on_update' | 'on_submit' | 'on_cancel' | 'on_update_after_submit' | 'on_trash';

/** The state of one simulated site. */
export type Site = {
  readonly timeZone: string;
  readonly clock: Clock;
  readonly file: StateFile;
  readonly effects: EffectLog;
  readonly docs: Readonly<Record<DocType, Map<string, Doc>>>;
  readonly fields: Readonly<Record<DocType, Map<string, Field>>>;
  readonly knobs: Knobs;
  /** Documents in the order of `modified` and `name`, made when a list needs it. */
  readonly sorted: Map<DocType, readonly Doc[]>;
  serial: number;
  lastMicros: number;
  onChange: (doc: Doc, event: DocEvent) => void;
};

/** Changes under way: nothing of them is logged or told before they are committed. */
export type Transaction = {
  readonly undo: (() => void)[];
  readonly effects: Omit<AppliedEffect, 'n'>[];
  readonly events: (readonly [Doc, DocEvent])[];
};

const byType = <T>(make: (docType: DocType) => T) =>
  Object.fromEntries(docTypes.map((docType) => [docType, make(docType)])) as Record<DocType, T>;

/** An empty site, or what the state file holds. Seeding is the caller's. */
export function openSite(input: Pick<Site, 'timeZone' | 'clock' | 'file' | 'effects'>): Site {
  const { file } = input;
  const site: Site = {
    ...input,
    docs: byType(() => new Map()),
    fields: byType(() => new Map()),
    knobs: { deadlocks: 0, locks: 0, migrating: false, readOnly: false, denied: new Set(), asyncThreshold: 20 },
    sorted: new Map(),
    serial: Math.max(0, ...file.load<number>('serial')),
    lastMicros: 0,
    onChange: () => undefined,
  };
  for (const docType of docTypes) {
    const stored = file.load<Field>(`field:${docType}`);
    for (const field of stored.length > 0 ? stored : initialDocTypes[docType].fields) {
      site.fields[docType].set(field.fieldname, field);
    }
    for (const doc of file.load<Doc>(`doc:${docType}`)) {
      site.docs[docType].set(fold(doc.name), doc);
      site.lastMicros = Math.max(site.lastMicros, doc.modifiedMicros);
    }
  }
  return site;
}

/** A time that no earlier write has, microseconds. */
export function nowMicros(site: Site): number {
  site.lastMicros = Math.max(site.lastMicros + 1, site.clock.now() * 1000);
  return site.lastMicros;
}

/** Text as the database compares it: without case, accents and blanks at the end. */
export function fold(text: string): string {
  return text
    .normalize('NFD')
    .replaceAll(/\p{Mn}/gu, '')
    .toLowerCase()
    .trimEnd();
}

/** The document with this name, or null. */
export function docOf(site: Site, docType: DocType, name: string): Doc | null {
  return site.docs[docType].get(fold(name)) ?? null;
}

/** The next of a series, or a random-looking name. */
export function nextSerial(site: Site): number {
  site.serial += 1;
  site.file.save('serial', 'last', site.serial);
  return site.serial;
}

/** Puts a document there without telling anybody; for seeds. */
export function place(site: Site, doc: Doc): Doc {
  site.docs[doc.docType].set(fold(doc.name), doc);
  save(site, doc);
  return doc;
}

/** Keeps a document that was changed. */
export function save(site: Site, doc: Doc): void {
  site.sorted.delete(doc.docType);
  site.file.save(`doc:${doc.docType}`, doc.name, doc);
}

/** Takes a document away. */
export function remove(site: Site, doc: Doc): void {
  site.docs[doc.docType].delete(fold(doc.name));
  site.sorted.delete(doc.docType);
  site.file.remove(`doc:${doc.docType}`, doc.name);
}

/** Documents in the order of `modified` and then `name`. */
export function sortedDocs(site: Site, docType: DocType): readonly Doc[] {
  const known = site.sorted.get(docType);
  if (known) return known;
  const keyed = [...site.docs[docType].entries()];
  keyed.sort(([a, one], [b, other]) => one.modifiedMicros - other.modifiedMicros || (a < b ? -1 : a > b ? 1 : 0));
  const docs = keyed.map(([, doc]) => doc);
  site.sorted.set(docType, docs);
  return docs;
}

/** Runs changes as one: all of them are committed and logged, or none. */
export function transact<T>(site: Site, work: (tx: Transaction) => T): T {
  const tx: Transaction = { undo: [], effects: [], events: [] };
  try {
    const result = work(tx);
    for (const effect of tx.effects) site.effects.applied(effect);
    for (const [doc, event] of tx.events) site.onChange(doc, event);
    return result;
  } catch (error) {
    rollBack(tx, { undo: 0, effects: 0, events: 0 });
    throw error;
  }
}

/** Where a savepoint is. */
export function savepoint(tx: Transaction) {
  return { undo: tx.undo.length, effects: tx.effects.length, events: tx.events.length };
}

/** Takes back what a transaction changed since a savepoint. */
export function rollBack(tx: Transaction, to: ReturnType<typeof savepoint>): void {
  for (const undo of tx.undo.splice(to.undo).reverse()) undo();
  tx.effects.length = to.effects;
  tx.events.length = to.events;
}

const offsets = new Map<string, number>();

/** How far a zone is ahead of UTC at a time, milliseconds; asked once for each quarter of an hour. */
function offsetMs(timeZone: string, atMs: number): number {
  const quarter = Math.floor(atMs / 900_000);
  const key = `${timeZone} ${quarter}`;
  const known = offsets.get(key);
  if (known !== undefined) return known;
  const format = new Intl.DateTimeFormat('en-CA', {
    ...{ timeZone, hourCycle: 'h23', year: 'numeric', month: '2-digit', day: '2-digit' },
    ...{ hour: '2-digit', minute: '2-digit', second: '2-digit' },
  });
  const parts = Object.fromEntries(format.formatToParts(quarter * 900_000).map(({ type, value }) => [type, value]));
  const { year, month, day, hour, minute, second } = parts;
  const local = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  const offset = local - quarter * 900_000;
  if (offsets.size > 5000) offsets.clear();
  offsets.set(key, offset);
  return offset;
}

/** A time as a site writes it: in its own zone and without naming it; a whole second has no fraction. */
export function stamp(site: Pick<Site, 'timeZone'>, micros: number): string {
  const ms = Math.floor(micros / 1000);
  const local = new Date(ms + offsetMs(site.timeZone, ms)).toISOString();
  const fraction = micros % 1_000_000;
  const seconds = local.slice(0, 19).replace('T', ' ');
  return fraction === 0 ? seconds : `${seconds}.${String(fraction).padStart(6, '0')}`;
}
