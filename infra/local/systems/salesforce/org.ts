import type { Clock } from '../../../../shared/model/clock.ts';
import type { AppliedEffect, EffectLog } from '../effect-log.ts';
import type { StateFile } from '../state-file.ts';
import type { IngestJob } from './bulk-rows.ts';
import type { QueryJob } from './query-jobs.ts';
import { type Field, initialFields, keyPrefixes, type SobjectType, sobjectTypes } from './schema.ts';

export type Value = string | number | boolean | null;
export type Values = Record<string, Value>;

/** One record. Times are kept with whole seconds, as Salesforce shows them. */
export type Row = {
  type: SobjectType;
  id: string;
  values: Values;
  createdAtMs: number;
  modifiedAtMs: number;
  deletedAtMs: number | null;
};

/** Faults that only Salesforce has, beside those of the fault book. */
export type Knobs = {
  /** How many of the next writes find their record locked. */
  locks: number;
  /** Every session is answered 401, however new it is. */
  rejectsSessions: boolean;
  /** Updates by external id are answered 204 without a body, as before version 46. */
  upsertWithoutBody: boolean;
  /** The `instance_url` of the next tokens; null names the listener. */
  instanceUrl: string | null;
  /** Objects the user may read and not write. */
  readOnly: Set<string>;
  /** Contacts with an address that another contact has are refused unless the caller allows them. */
  duplicateRule: boolean;
  /** Whether the user of the API says of itself that it is an integration user. */
  integrationUser: boolean;
};

/** The state of one simulated organization. */
export type Org = {
  readonly organizationId: string;
  readonly isSandbox: boolean;
  readonly clock: Clock;
  readonly file: StateFile;
  readonly effects: EffectLog;
  readonly rows: Readonly<Record<SobjectType, Map<string, Row>>>;
  readonly fields: Readonly<Record<SobjectType, Map<string, Field>>>;
  readonly knobs: Knobs;
  /** Ingest jobs of the Bulk API, by id. */
  readonly jobs: Map<string, IngestJob>;
  /** Query jobs of the Bulk API, by id, as long as the simulator runs. */
  readonly queryJobs: Map<string, QueryJob>;
  nextSerial: number;
  /** When the schema was changed last; describe answers 304 since then. */
  schemaChangedAtMs: number;
  /** Told of every committed change. */
  onChange: (row: Row) => void;
};

/** Changes under way: nothing of them is logged or told before they are committed. */
export type Transaction = {
  readonly undo: (() => void)[];
  readonly effects: Omit<AppliedEffect, 'n'>[];
  readonly rows: Row[];
};

const byType = <T>(make: (type: SobjectType) => T) =>
  Object.fromEntries(sobjectTypes.map((type) => [type, make(type)])) as Record<SobjectType, T>;

/** An empty organization with its user, or what the state file holds. Seeding is the caller's. */
export function openOrg(input: Pick<Org, 'organizationId' | 'isSandbox' | 'clock' | 'file' | 'effects'>): Org {
  const { file, clock } = input;
  const org: Org = {
    ...input,
    rows: byType(() => new Map()),
    queryJobs: new Map(),
    jobs: new Map(file.load<IngestJob>('job').map((job) => [job.id, job])),
    fields: byType(() => new Map()),
    knobs: {
      locks: 0,
      rejectsSessions: false,
      upsertWithoutBody: false,
      instanceUrl: null,
      readOnly: new Set(),
      duplicateRule: true,
      integrationUser: true,
    },
    nextSerial: 1,
    schemaChangedAtMs: seconds(clock.now()),
    onChange: () => undefined,
  };
  for (const type of sobjectTypes) {
    const stored = file.load<Field>(`field:${type}`);
    for (const one of stored.length > 0 ? stored : initialFields[type]) org.fields[type].set(one.name, one);
    for (const row of file.load<Row>(`row:${type}`)) org.rows[type].set(row.id, row);
  }
  org.nextSerial = Math.max(1, ...file.load<number>('serial').map((last) => last + 1));
  if (org.rows.User.size === 0) {
    place(org, 'User', { Name: 'Plumbline Service', Email: 'service@example.com' }, seconds(clock.now()));
  }
  org.rows.Organization.set(org.organizationId, {
    ...{ type: 'Organization', id: org.organizationId, createdAtMs: 0, modifiedAtMs: 0, deletedAtMs: null },
    values: { Name: 'Simulated', IsSandbox: org.isSandbox, OrganizationType: 'Enterprise Edition' },
  });
  return org;
}

/** The user every call of the API is made as. */
export function serviceUser(org: Org): string {
  return [...org.rows.User.keys()][0] ?? '';
}

/** Whole seconds of a time, milliseconds. */
export function seconds(atMs: number): number {
  return Math.floor(atMs / 1000) * 1000;
}

/** A time as Salesforce writes it. */
export function stamp(atMs: number): string {
  return new Date(atMs).toISOString().replace('Z', '+0000');
}

/** Puts a record there without telling anybody; for seeds. */
export function place(org: Org, type: SobjectType, values: Values, atMs: number): Row {
  const id = newId(org, keyPrefixes[type]);
  const row: Row = { type, id, values, createdAtMs: atMs, modifiedAtMs: atMs, deletedAtMs: null };
  org.rows[type].set(id, row);
  save(org, row);
  return row;
}

/** The record with this id in either form, deleted ones included, or null. */
export function rowOf(org: Org, type: SobjectType, id: string): Row | null {
  return org.rows[type].get(longId(id)) ?? null;
}

/** Live records with this value of a field; only of External IDs the letter case counts. */
export function rowsBy(org: Org, type: SobjectType, field: string, value: string): readonly Row[] {
  return [...org.rows[type].values()].filter(
    (row) => row.deletedAtMs === null && String(row.values[field] ?? '') === value,
  );
}

/** A field by its name, which has no case. */
export function fieldOf(org: Org, type: SobjectType, name: string): Field | null {
  const wanted = name.toLowerCase();
  return [...org.fields[type].values()].find((field) => field.name.toLowerCase() === wanted) ?? null;
}

/** The value a record shows. */
export function valueIn(org: Org, row: Row, field: Field): Value {
  const { values } = row;
  const stage = values.StageName;
  switch (field.name) {
    case 'Id':
      return row.id;
    case 'IsDeleted':
      return row.deletedAtMs !== null;
    case 'CreatedDate':
      return stamp(row.createdAtMs);
    case 'LastModifiedDate':
    case 'SystemModstamp':
      return stamp(row.modifiedAtMs);
    case 'IsWon':
      return stage === 'Closed Won';
    case 'IsClosed':
      return [stage, values.Status].some((held) => /^Closed|^Completed/.test(String(held ?? '')));
    case 'OwnerId':
      return values.OwnerId ?? serviceUser(org);
    case 'Name':
      return row.type === 'Contact'
        ? [values.FirstName, values.LastName].filter(Boolean).join(' ')
        : (values.Name ?? null);
    default:
      return values[field.name] ?? null;
  }
}

/** Makes a record inside a transaction. */
export function insert(org: Org, tx: Transaction, type: SobjectType, values: Values): Row {
  const row = place(org, type, values, seconds(org.clock.now()));
  if (type === 'Case') row.values.CaseNumber = String(org.nextSerial).padStart(8, '0');
  tx.undo.push(() => {
    org.rows[type].delete(row.id);
    org.file.remove(`row:${type}`, row.id);
  });
  tx.rows.push(row);
  return row;
}

/** Changes a record inside a transaction. @param change null deletes it */
export function change(org: Org, tx: Transaction, row: Row, values: Values | null): void {
  const before = structuredClone(row);
  const nowMs = seconds(org.clock.now());
  Object.assign(row.values, values ?? {});
  row.modifiedAtMs = nowMs;
  if (values === null) row.deletedAtMs = nowMs;
  save(org, row);
  tx.undo.push(() => save(org, Object.assign(row, before)));
  if (values !== null) tx.rows.push(row);
}

/** Runs changes as one: all of them are committed and logged, or none. */
export function transact<T>(org: Org, work: (tx: Transaction) => T): T {
  const tx: Transaction = { undo: [], effects: [], rows: [] };
  try {
    const result = work(tx);
    commit(org, tx);
    return result;
  } catch (error) {
    rollBack(tx);
    throw error;
  }
}

/** Takes back what a transaction changed. */
export function rollBack(tx: Transaction): void {
  for (const undo of tx.undo.reverse()) undo();
  tx.undo.length = 0;
  tx.effects.length = 0;
  tx.rows.length = 0;
}

function commit(org: Org, tx: Transaction): void {
  for (const effect of tx.effects) org.effects.applied(effect);
  for (const row of new Set(tx.rows)) org.onChange(row);
}

function save(org: Org, row: Row): void {
  org.file.save(`row:${row.type}`, row.id, row);
}

/** 18 characters that no other record has. */
export function newId(org: Org, prefix: string): string {
  const serial = org.nextSerial;
  org.nextSerial += 1;
  org.file.save('serial', 'last', serial);
  return longId(`${prefix}Sm${serial.toString(36).padStart(10, '0')}`);
}

/** Appends the three characters that say which of the first 15 are capitals. */
export function longId(id: string): string {
  if (id.length !== 15) return id;
  const parts = [id.slice(0, 5), id.slice(5, 10), id.slice(10)];
  const sums = parts.map((part) =>
    [...part].reverse().reduce((sum, char) => sum * 2 + (/[A-Z]/.test(char) ? 1 : 0), 0),
  );
  return id + sums.map((sum) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ012345'.charAt(sum)).join('');
}
