import type { Json } from '../../model/json.ts';
import type {
  Classified,
  HttpAnswer,
  ReadOperation,
  ReadVerdict,
  RequestContext,
  RequestSpec,
  WriteOperation,
  WriteVerdict,
} from '../../model/operation.ts';
import { bodyOf } from '../json-body.ts';
import { unknownOutcome } from '../write-verdict.ts';
import {
  dataPath,
  getSpec,
  isId,
  refuse,
  requestTimeoutMs,
  type SalesforceObject,
  type SalesforceValue,
  salesforceObjects,
} from './client.ts';
import { csvOf, readCsv } from './csv.ts';
import { itemFailure } from './errors.ts';
import { readError, unreadable } from './reads.ts';
import { leastSettleMs, writeFailure } from './writes.ts';

/**
 * A job of the Bulk API 2.0, for more than 2,000 records. `update` names records by `Id`, `upsert` by an external id field: both
 * end with the same records however often they are loaded. Creating without one and deleting are not offered.
 */
export type JobInput =
  | { readonly object: SalesforceObject; readonly operation: 'update' }
  | { readonly object: SalesforceObject; readonly operation: 'upsert'; readonly externalIdField: string };
export type UploadInput = {
  readonly jobId: string;
  /** Fields, in the order of the cells. */
  readonly columns: readonly string[];
  readonly rows: readonly (readonly SalesforceValue[])[];
};
export type OfJob = { readonly jobId: string };
export type ResultsInput = OfJob & { readonly of: 'successful' | 'failed' | 'unprocessed' };

/** Most bytes of one upload: its results have to be read back in one answer. Split what is longer into several jobs. */
export const maxUploadBytes = 4_000_000;

const base = { connector: 'salesforce', scopes: ['api'] };
const jobsPath = ({ apiVersion }: Pick<RequestContext, 'apiVersion'>) => `${dataPath(apiVersion)}/jobs/ingest`;

function jobPath(context: Pick<RequestContext, 'apiVersion'>, jobId: string): string {
  if (!isId(jobId) || !jobId.startsWith('750')) refuse('a job id is none', 'Give the id that the creation answered.');
  return `${jobsPath(context)}/${jobId}`;
}

type Job = {
  readonly jobId: string;
  readonly state: string;
  readonly processed: number;
  readonly failed: number;
  readonly error: string | null;
};

function jobOf(answer: HttpAnswer): Job | null {
  const body = answer.status === 200 ? bodyOf(answer) : null;
  if (!body || !isId(body.id) || typeof body.state !== 'string') return null;
  const count = (value: Json | undefined) => (typeof value === 'number' ? value : 0);
  return {
    ...{ jobId: body.id, state: body.state },
    ...{ processed: count(body.numberRecordsProcessed), failed: count(body.numberRecordsFailed) },
    error: typeof body.errorMessage === 'string' ? body.errorMessage.slice(0, 300) : null,
  };
}

const refTo = (jobId: string) => ['salesforce', 'job', jobId] as const;

/**
 * Opens an empty job. Nothing finds it again where the answer is lost, and nothing needs to: without data it changes nothing and
 * Salesforce removes it; a person says whether to begin again.
 * @see https://developer.salesforce.com/docs/atlas.en-us.api_asynch.meta/api_asynch/create_job.htm
 */
export function createJobOperation(): WriteOperation<JobInput> {
  return {
    ...{ kind: 'write', id: 'salesforce.jobs.create', ...base, effect: 'create' },
    resend: { kind: 'none' },
    undo: { kind: 'operation', operation: 'salesforce.jobs.abort', how: 'Aborts the job.' },
    request: (context, input) => ({
      method: 'POST',
      path: jobsPath(context),
      body: {
        json: {
          ...{ object: salesforceObjects[input.object].type, operation: input.operation },
          ...('externalIdField' in input ? { externalIdFieldName: input.externalIdField } : {}),
          ...{ contentType: 'CSV', lineEnding: 'LF' },
        },
      },
      timeoutMs: requestTimeoutMs,
    }),
    judge: (answer) => {
      const job = jobOf(answer);
      if (job) return { kind: 'applied', data: job, records: [refTo(job.jobId)], created: true };
      return answer.status < 300
        ? unknownOutcome('unreadable_answer', 'Salesforce answered a job without its id.')
        : writeFailure(answer);
    },
  };
}

/**
 * Uploads the rows of an open job, once: Salesforce refuses a second upload, and nothing is loaded before the job is closed. Where
 * the answer is lost a person aborts the job, and another one is made.
 */
export function uploadJobOperation(): WriteOperation<UploadInput> {
  return {
    ...{ kind: 'write', id: 'salesforce.jobs.upload', ...base, effect: 'update' },
    resend: { kind: 'none' },
    undo: { kind: 'operation', operation: 'salesforce.jobs.abort', how: 'Aborts the job: its rows are not loaded.' },
    request: (context, { jobId, columns, rows }) => {
      const text = csvOf(columns, rows);
      if (rows.length === 0 || Buffer.byteLength(text) > maxUploadBytes) {
        refuse('an upload is empty or longer than 4 MB', 'Split the rows into several jobs.');
      }
      const path = `${jobPath(context, jobId)}/batches`;
      return { method: 'PUT', path, body: { text, contentType: 'text/csv' }, timeoutMs: requestTimeoutMs };
    },
    judge: (answer, { jobId, rows }) =>
      answer.status === 201
        ? { kind: 'applied', data: { jobId, rows: rows.length }, records: [refTo(jobId)] }
        : writeFailure(answer),
  };
}

type Move = {
  readonly verb: 'close' | 'abort';
  readonly to: 'UploadComplete' | 'Aborted';
  readonly after: readonly string[];
};

/** A change of a job's state: read back by the state itself, which a second request of the same kind does not change. */
function moveOperation({ verb, to, after }: Move, undo: WriteOperation['undo']): WriteOperation<OfJob> {
  const request = (context: RequestContext, { jobId }: OfJob): RequestSpec => getSpec(jobPath(context, jobId));
  const applied = (job: Job): WriteVerdict => ({ kind: 'applied', data: job, records: [refTo(job.jobId)] });
  return {
    ...{ kind: 'write', id: `salesforce.jobs.${verb}`, ...base, effect: 'update' },
    resend: { kind: 'upsert', settleMs: leastSettleMs },
    undo,
    request: (context, { jobId }) => ({
      method: 'PATCH',
      path: jobPath(context, jobId),
      body: { json: { state: to } },
      timeoutMs: requestTimeoutMs,
    }),
    judge: (answer) => {
      const job = jobOf(answer);
      if (job && after.includes(job.state)) return applied(job);
      return answer.status < 300
        ? unknownOutcome('unreadable_answer', 'Salesforce answered another state.')
        : writeFailure(answer);
    },
    before: {
      request,
      judge: (answer) => {
        const job = jobOf(answer);
        if (!job) return answer.status === 200 ? unreadableJob : readError(answer);
        return { kind: 'ok', data: { id: job.jobId, written: { state: job.state }, live: { state: job.state } } };
      },
    },
    probe: {
      request,
      judge: (answer) => {
        const job = jobOf(answer);
        if (!job)
          return { kind: 'inconclusive', error: answer.status === 200 ? unreadableJob.error : readError(answer).error };
        if (after.includes(job.state)) return { kind: 'equal', data: job, records: [refTo(job.jobId)] };
        const waits = verb === 'close' ? ['Open'] : ['Open', 'UploadComplete', 'InProgress'];
        return waits.includes(job.state) ? { kind: 'before' } : { kind: 'different', data: job };
      },
    },
  };
}

const unreadableJob: { readonly kind: 'error'; readonly error: Classified } = {
  kind: 'error',
  error: unreadable('a job'),
};

/** Closes a job: from here on Salesforce loads its rows, each for itself. */
export function closeJobOperation(): WriteOperation<OfJob> {
  const after = ['UploadComplete', 'InProgress', 'JobComplete', 'Failed'];
  const why = 'Rows that were loaded stay. Load their earlier values with another job.';
  return moveOperation({ verb: 'close', to: 'UploadComplete', after }, { kind: 'none', why });
}

/** Aborts a job that is not done: rows that were loaded by then stay. */
export function abortJobOperation(): WriteOperation<OfJob> {
  return moveOperation(
    { verb: 'abort', to: 'Aborted', after: ['Aborted'] },
    { kind: 'none', why: 'An aborted job cannot go on; make another one.' },
  );
}

/** Reads how far a job is: data is `{ jobId, state, processed, failed, error }`. */
export function getJobOperation(): ReadOperation<OfJob> {
  return {
    ...{ kind: 'read', id: 'salesforce.jobs.get', ...base },
    request: (context, { jobId }) => getSpec(jobPath(context, jobId)),
    judge: (answer) => {
      const job = jobOf(answer);
      if (job) return { kind: 'ok', data: job };
      return answer.status === 200 ? unreadableJob : readError(answer);
    },
  };
}

const parts = { successful: 'successfulResults', failed: 'failedResults', unprocessed: 'unprocessedrecords' } as const;

/**
 * Reads what became of a finished job's rows: data is `{ rows: { id, created, error, values }[] }`, `error` as an operation of one
 * record would say it. An answer that is cut short is an error.
 */
export function jobResultsOperation(): ReadOperation<ResultsInput> {
  return {
    ...{ kind: 'read', id: 'salesforce.jobs.results', ...base },
    request: (context, input) => ({
      ...getSpec(`${jobPath(context, input.jobId)}/${parts[input.of]}`),
      headers: { accept: 'text/csv' },
    }),
    judge: (answer): ReadVerdict => {
      if (answer.status !== 200) return readError(answer);
      const rows = readCsv(answer.bodyText);
      if (!rows) return { kind: 'error', error: unreadable('a list of results') };
      return { kind: 'ok', data: { rows: rows.map(rowOf) } };
    },
  };
}

function rowOf(row: Readonly<Record<string, string>>) {
  const { sf__Id: id = '', sf__Created: created, sf__Error: error, ...values } = row;
  return {
    id: id || null,
    created: created === 'true',
    error: error === undefined ? null : failureOfRow(error),
    values,
  };
}

/** `CODE:message:fields --` */
function failureOfRow(text: string): Classified {
  const [, statusCode = 'UNKNOWN_EXCEPTION', message = ''] = /^([A-Z_]+):(.*?)(?::[^:]*--)?$/s.exec(text) ?? [];
  return itemFailure([{ statusCode, message }]).error;
}
