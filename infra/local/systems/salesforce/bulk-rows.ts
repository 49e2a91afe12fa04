import type { Call } from './call.ts';
import { SalesforceError } from './errors.ts';
import { fieldOf, type Org, rowsBy, transact } from './org.ts';
import type { Field, SobjectType } from './schema.ts';
import { createRow, deleteRow, externalField, liveRow, updateRow } from './sobjects.ts';

/** The states of a job. */
export type JobState = 'Open' | 'UploadComplete' | 'InProgress' | 'JobComplete' | 'Aborted' | 'Failed';

/** One ingest job. What it loads is loaded when it is closed; its state moves on with each time it is asked for. */
export type IngestJob = {
  readonly id: string;
  readonly operation: 'insert' | 'update' | 'upsert' | 'delete';
  readonly object: SobjectType;
  readonly externalIdFieldName: string | null;
  readonly columnDelimiter: string;
  readonly lineEnding: string;
  readonly createdAtMs: number;
  state: JobState;
  /** The rows as they were uploaded, with their header; null before. */
  content: string | null;
  outcomes: Outcome[];
  errorMessage: string | null;
};

/** What became of one row of a job. */
export type Outcome = {
  readonly id: string;
  readonly created: boolean;
  readonly error: string | null;
  readonly cells: readonly string[];
};

/** The field a column is about, or null. */
export function targetOf(org: Org, type: SobjectType, column: string): Field | null {
  return fieldOf(org, type, column);
}

/** Loads one row; what refuses it is its outcome. */
export function loadRow(
  call: Call,
  job: IngestJob,
  row: { header: readonly string[]; cells: readonly string[] },
): Outcome {
  const { cells } = row;
  try {
    if (cells.length !== row.header.length)
      throw new SalesforceError(400, 'InvalidBatch', 'The number of columns differs', []);
    return {
      ...transact(call.org, (tx) => applied({ ...call, tx }, job, recordOf(call.org, job.object, row))),
      error: null,
      cells,
    };
  } catch (error) {
    if (!(error instanceof SalesforceError)) throw error;
    return {
      id: '',
      created: false,
      error: `${error.code}:${error.message}:${(error.fields ?? []).join(', ')} --`,
      cells,
    };
  }
}

/** An empty cell leaves its field alone, `#N/A` empties it. */
function recordOf(
  org: Org,
  type: SobjectType,
  { header, cells }: { header: readonly string[]; cells: readonly string[] },
) {
  const entries = header.flatMap((column, at) => {
    const [field, cell = ''] = [targetOf(org, type, column), cells[at]];
    return field && cell !== '' ? [[field.name, cellValue(field, cell)] as const] : [];
  });
  return Object.fromEntries(entries);
}

function cellValue(field: Field, cell: string): string | number | boolean | null {
  if (cell === '#N/A') return null;
  if (field.type === 'currency') return /^-?[0-9]+(\.[0-9]+)?$/.test(cell) ? Number(cell) : Number.NaN;
  if (field.type === 'boolean') return cell.toLowerCase() === 'true' || cell === '1';
  return cell;
}

function applied(
  call: Call,
  job: IngestJob,
  record: Record<string, string | number | boolean | null>,
): { id: string; created: boolean } {
  const { org } = call;
  const { object, operation } = job;
  if (operation === 'insert') return { id: createRow(call, object, record).id, created: true };
  if (operation === 'upsert') {
    const field = externalField(org, object, job.externalIdFieldName ?? '').name;
    const value = record[field];
    if (typeof value !== 'string') throw new SalesforceError(400, 'MISSING_ARGUMENT', `${field} not specified`, []);
    const [row, ...others] = rowsBy(org, object, field, value);
    if (others.length > 0)
      throw new SalesforceError(
        400,
        'DUPLICATE_EXTERNAL_ID',
        `${field}: more than one record found for external id field`,
        [field],
      );
    if (!row) return { id: createRow(call, object, record).id, created: true };
    updateRow(call, row, record);
    return { id: row.id, created: false };
  }
  const row = liveRow(org, object, String(record.Id ?? ''));
  if (operation === 'delete') deleteRow(call, row);
  else updateRow(call, row, record);
  return { id: row.id, created: false };
}
