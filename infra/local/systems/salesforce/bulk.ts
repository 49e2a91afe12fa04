import { hashOf } from '../effect-log.ts';
import type { SimAnswer } from '../loopback-server.ts';
import { type IngestJob, loadRow, targetOf } from './bulk-rows.ts';
import { type Call, objectBody } from './call.ts';
import { delimiters, parseCsv, writeCsv } from './csv.ts';
import { json, notFound, SalesforceError } from './errors.ts';
import { newId, type Org, serviceUser, stamp } from './org.ts';
import { sobjectTypes } from './schema.ts';

/** `/jobs/ingest…`. @see https://developer.salesforce.com/docs/atlas.en-us.api_asynch.meta/api_asynch/bulk_api_2_0_ingest.htm */
export function ingestRoute(call: Call): SimAnswer {
  const { org, request, rest } = call;
  const [, , id, part] = rest;
  const { method } = request;
  if (id === undefined || id === '') {
    if (method === 'POST') return json(200, described(call, createJob(call)));
    if (method === 'GET')
      return json(200, { done: true, nextRecordsUrl: null, records: jobsOf(org).map((job) => described(call, job)) });
    throw notFound();
  }
  const job = org.jobs.get(id);
  if (!job) throw notFound();
  if (part === 'batches' && method === 'PUT') return upload(call, job);
  if (part !== undefined && method === 'GET') return results(job, part);
  if (part !== undefined) throw notFound();
  if (method === 'GET') return json(200, { ...described(call, advanced(org, job)), ...progress(job) });
  if (method === 'PATCH') return json(200, described(call, moved(call, job)));
  if (method !== 'DELETE') throw notFound();
  if (!['JobComplete', 'Aborted', 'Failed', 'UploadComplete'].includes(job.state))
    throw wrongState('Job cannot be deleted: it is open or in progress');
  org.jobs.delete(job.id);
  org.file.remove('job', job.id);
  return json(204, null);
}

const jobsOf = (org: Org) => [...org.jobs.values()];
const wrongState = (message: string) => new SalesforceError(400, 'INVALIDJOBSTATE', message);
const invalidJob = (message: string) => new SalesforceError(400, 'INVALIDJOB', `InvalidJob : ${message}`);

function keep(org: Org, job: IngestJob): void {
  org.jobs.set(job.id, job);
  org.file.save('job', job.id, job);
}

function createJob(call: Call): IngestJob {
  const { org } = call;
  const body = objectBody(call);
  const object = sobjectTypes.find((type) => type === body.object);
  if (!object)
    throw new SalesforceError(
      400,
      'INVALIDENTITY',
      `InvalidEntity : Entity '${String(body.object)}' is not supported by the Bulk API.`,
    );
  const operation = (['insert', 'update', 'upsert', 'delete'] as const).find((one) => one === body.operation);
  if (!operation) throw invalidJob(`Unable to find operation ${String(body.operation)}`);
  const external = typeof body.externalIdFieldName === 'string' ? body.externalIdFieldName : null;
  if (operation === 'upsert' && external === null) throw invalidJob('External ID field name is required for upsert');
  if ((body.contentType ?? 'CSV') !== 'CSV') throw invalidJob('Only CSV is supported');
  const columnDelimiter = String(body.columnDelimiter ?? 'COMMA');
  const lineEnding = String(body.lineEnding ?? 'LF');
  if (!Object.hasOwn(delimiters, columnDelimiter) || !['LF', 'CRLF'].includes(lineEnding))
    throw invalidJob('Unknown format');
  const job: IngestJob = {
    ...{ id: newId(org, '750'), operation, object, externalIdFieldName: external, columnDelimiter, lineEnding },
    ...{ createdAtMs: org.clock.now(), state: 'Open', content: null, outcomes: [], errorMessage: null },
  };
  keep(org, job);
  return job;
}

function described({ org, version }: Call, job: IngestJob): Record<string, unknown> {
  const { id, operation, object, state, externalIdFieldName, lineEnding, columnDelimiter } = job;
  return {
    ...{ id, operation, object, createdById: serviceUser(org), createdDate: stamp(job.createdAtMs) },
    ...{ systemModstamp: stamp(job.createdAtMs), state, concurrencyMode: 'Parallel', contentType: 'CSV' },
    ...{ apiVersion: Number(version), lineEnding, columnDelimiter },
    ...(externalIdFieldName === null ? {} : { externalIdFieldName }),
    ...(state === 'Open' ? { contentUrl: `services/data/v${version}/jobs/ingest/${id}/batches` } : {}),
  };
}

function progress(job: IngestJob): Record<string, unknown> {
  const done = job.state === 'JobComplete' ? job.outcomes : [];
  return {
    ...{ jobType: 'V2Ingest', retries: 0, totalProcessingTime: done.length, apiActiveProcessingTime: done.length },
    ...{ apexProcessingTime: 0, numberRecordsProcessed: done.length },
    numberRecordsFailed: done.filter(({ error }) => error !== null).length,
    ...(job.errorMessage === null ? {} : { errorMessage: job.errorMessage }),
  };
}

/** One upload a job: a second one is refused and changes nothing. */
function upload({ org, request }: Call, job: IngestJob): SimAnswer {
  if (!/^text\/csv\b/i.test(request.headers['content-type'] ?? ''))
    throw new SalesforceError(415, 'UNSUPPORTED_MEDIA_TYPE', 'The content type is not text/csv');
  if (job.content !== null)
    throw new SalesforceError(
      400,
      'CLIENTINPUTERROR',
      `ClientInputError : Found multiple contents for job: <${job.id}>, please 'Close' / 'Abort' / 'Delete' the current Job then create a new Job and make sure you only do 'PUT' once on a given Job.`,
    );
  if (job.state !== 'Open') throw wrongState(`Invalid job state for upload: ${job.state}`);
  job.content = request.bodyText;
  keep(org, job);
  return { status: 201, headers: {}, bodyText: '' };
}

function moved(call: Call, job: IngestJob): IngestJob {
  const { state } = objectBody(call);
  if (state === 'Aborted') {
    if (job.state === 'JobComplete') throw wrongState('Aborting already Completed Job not allowed');
    if (job.state === 'Failed') throw wrongState('Aborting already Failed Job not allowed');
    job.state = 'Aborted';
    call.tx.effects.push({
      ...{ atMs: call.org.clock.now(), method: call.request.method, path: call.request.path, change: 'archive' },
      ...{ object: 'Job', id: job.id, key: null, properties: {}, requestHash: hashOf(call.request) },
    });
  } else if (state === 'UploadComplete') {
    if (job.state !== 'Open') throw wrongState(`Closing job in state ${job.state} not allowed`);
    job.state = 'UploadComplete';
    load(call, job);
  } else throw invalidJob(`Unsupported job state: ${String(state)}`);
  keep(call.org, job);
  return job;
}

/** A header that cannot be read fails the job; a row that cannot be loaded fails alone. */
function load(call: Call, job: IngestJob): void {
  try {
    const [header = [], ...rows] = parseCsv(job.content ?? '', delimiters[job.columnDelimiter] ?? ',');
    if (header.length === 0) throw new SalesforceError(400, 'InvalidBatch', 'The data of the job is empty');
    const wrong = header.find((name) => !targetOf(call.org, job.object, name));
    if (wrong !== undefined) throw new SalesforceError(400, 'InvalidBatch', `Field name not found : ${wrong}`);
    job.outcomes = rows.map((cells) => loadRow(call, job, { header, cells }));
  } catch (error) {
    if (!(error instanceof SalesforceError)) throw error;
    job.errorMessage = `${error.code} : ${error.message}`;
  }
}

function advanced(org: Org, job: IngestJob): IngestJob {
  if (job.state === 'UploadComplete') job.state = 'InProgress';
  else if (job.state === 'InProgress') job.state = job.errorMessage === null ? 'JobComplete' : 'Failed';
  keep(org, job);
  return job;
}

function results(job: IngestJob, part: string): SimAnswer {
  const delimiter = delimiters[job.columnDelimiter] ?? ',';
  const [header = []] = parseCsv(job.content ?? '', delimiter);
  const csv = (rows: readonly (readonly string[])[]): SimAnswer => ({
    status: 200,
    headers: { 'content-type': 'text/csv;charset=UTF-8' },
    bodyText: writeCsv(rows, delimiter),
  });
  const shown = job.state === 'JobComplete' ? job.outcomes : [];
  const [good, bad] = [shown.filter(({ error }) => error === null), shown.filter(({ error }) => error !== null)];
  switch (part) {
    case 'successfulResults':
      return csv([
        ['sf__Id', 'sf__Created', ...header],
        ...good.map((row) => [row.id, String(row.created), ...row.cells]),
      ]);
    case 'failedResults':
      return csv([['sf__Id', 'sf__Error', ...header], ...bad.map((row) => [row.id, row.error ?? '', ...row.cells])]);
    case 'unprocessedrecords':
      return csv([
        header,
        ...(job.state === 'Aborted' || job.state === 'Failed' ? parseCsv(job.content ?? '', delimiter).slice(1) : []),
      ]);
    default:
      throw notFound();
  }
}
