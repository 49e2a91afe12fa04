import type { SimAnswer } from '../loopback-server.ts';
import type { JobState } from './bulk-rows.ts';
import { type Call, objectBody } from './call.ts';
import { writeCsv } from './csv.ts';
import { json, notFound, SalesforceError } from './errors.ts';
import { newId, type Row, rowOf, serviceUser, stamp } from './org.ts';
import { selection, valueAt } from './query.ts';
import type { SobjectType } from './schema.ts';

/** One query job: its rows are chosen when it is made, its state moves on with each time it is asked for. */
export type QueryJob = {
  readonly id: string;
  readonly operation: 'query' | 'queryAll';
  readonly query: string;
  readonly createdAtMs: number;
  readonly type: SobjectType;
  readonly ids: readonly string[];
  readonly paths: readonly string[];
  state: JobState;
};

/** `/jobs/query…`. @see https://developer.salesforce.com/docs/atlas.en-us.api_asynch.meta/api_asynch/queries.htm */
export function queryJobRoute(call: Call): SimAnswer {
  const { org, request, rest } = call;
  const [, , id, part] = rest;
  if ((id ?? '') === '' && request.method === 'POST') return json(200, described(call, create(call)));
  const job = org.queryJobs.get(id ?? '');
  if (!job) throw notFound();
  if (part === 'results' && request.method === 'GET') return results(call, job);
  if (part !== undefined) throw notFound();
  if (request.method === 'DELETE') {
    org.queryJobs.delete(job.id);
    return json(204, null);
  }
  if (request.method === 'PATCH') job.state = 'Aborted';
  else if (job.state === 'UploadComplete') job.state = 'InProgress';
  else if (job.state === 'InProgress') job.state = 'JobComplete';
  return json(200, described(call, job));
}

function create(call: Call): QueryJob {
  const { org } = call;
  const { query, operation } = objectBody(call);
  if (typeof query !== 'string' || (operation !== 'query' && operation !== 'queryAll'))
    throw new SalesforceError(400, 'INVALIDJOB', 'InvalidJob : A query and its operation are required');
  const rows = selection(org, query, operation === 'queryAll');
  const job: QueryJob = {
    ...{ id: newId(org, '750'), operation, query, createdAtMs: org.clock.now(), state: 'UploadComplete' },
    ...rows,
  };
  org.queryJobs.set(job.id, job);
  return job;
}

function described({ org, version }: Call, job: QueryJob): Record<string, unknown> {
  const { id, operation, type: object, state } = job;
  return {
    ...{ id, operation, object, createdById: serviceUser(org), createdDate: stamp(job.createdAtMs) },
    ...{ systemModstamp: stamp(job.createdAtMs), state, concurrencyMode: 'Parallel', contentType: 'CSV' },
    ...{ apiVersion: Number(version), lineEnding: 'LF', columnDelimiter: 'COMMA', jobType: 'V2Query' },
    ...(state === 'JobComplete' ? { numberRecordsProcessed: job.ids.length } : {}),
  };
}

/** A page of rows; the header `Sforce-Locator` says where the next one begins, or `null`. */
function results({ org, request }: Call, job: QueryJob): SimAnswer {
  if (job.state !== 'JobComplete') throw new SalesforceError(400, 'INVALIDJOBSTATE', `The job is ${job.state}`);
  const from = Number(Buffer.from(request.query.get('locator') ?? '', 'base64url').toString() || 0);
  const size = Number(request.query.get('maxRecords') ?? 50_000);
  const rows = job.ids.slice(from, from + size).flatMap((id): readonly Row[] => {
    const row = rowOf(org, job.type, id);
    return row ? [row] : [];
  });
  const cells = rows.map((row) => job.paths.map((path) => String(valueAt(org, row, path) ?? '')));
  const more = from + size < job.ids.length;
  const locator = more ? Buffer.from(String(from + size)).toString('base64url') : 'null';
  const headers = {
    'content-type': 'text/csv;charset=UTF-8',
    'sforce-locator': locator,
    'sforce-numberofrecords': String(rows.length),
  };
  return { status: 200, headers, bodyText: writeCsv([job.paths, ...cells], ',') };
}
