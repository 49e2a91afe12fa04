import type { Json } from '../../model/json.ts';
import type { PlannedCall } from '../../model/operation.ts';
import type { ChangedInput, ChangesInput } from './changes.ts';
import { pageSize, type SalesforceFields, type SalesforceObject, salesforceObjects } from './client.ts';
import type { JobInput, ResultsInput, UploadInput } from './jobs.ts';
import type { ExternalId, QueryInput } from './reads.ts';
import type { NoteInput } from './writes.ts';

type Fields = { readonly fields?: readonly string[] };

/** The calls that one object offers. None of them does I/O: each plans one operation. Fields default to those of the object. */
export type ObjectCalls = {
  /** Data: a `SalesforceRecord`. */
  get(id: string, options?: Fields): PlannedCall;
  /** Data: a `SalesforceRecord`. */
  getBy(externalId: ExternalId, options?: Fields): PlannedCall;
  /** Data: `{ results: SalesforceRecord[], total, after }`; no match is an empty list, `more` says that a `limit` cut it. */
  query(input?: Omit<QueryInput, 'fields'> & Fields): PlannedCall;
  /** The page that `after` of the page before asks for. Data: as of `query`. */
  next(after: string, options?: Fields): PlannedCall;
  /** Data: `{ fields, fingerprint }`, or `{ unchanged: true }`. */
  describe(since?: string): PlannedCall;
  /** Records changed after a mark, oldest change first. Data: `{ results, next }`. */
  changed(input: Omit<ChangedInput, 'fields' | 'limit'> & Fields & { readonly limit?: number }): PlannedCall;
  /** Data: `{ ids, coveredUntil }`. */
  updated(span: ChangesInput): PlannedCall;
  /** Data: `{ deleted, coveredUntil }`. */
  deleted(span: ChangesInput): PlannedCall;
  /** Data: `{ id, properties, created }`, the properties as they were written. */
  create(properties: SalesforceFields): PlannedCall;
  update(id: string, properties: SalesforceFields, options?: { readonly unmodifiedSince?: string }): PlannedCall;
  /** By one external id field. Data: as of `create`. */
  upsert(
    externalId: ExternalId,
    properties: SalesforceFields,
    options?: { readonly updateOnly?: boolean },
  ): PlannedCall;
  delete(id: string): PlannedCall;
};

/** The Salesforce calls of one configured system, as tools use them. */
export type SalesforceCalls = {
  readonly accounts: ObjectCalls & {
    /** One account with what belongs to it. Data: a `SalesforceRecord` with `contacts`, `opportunities` and `cases`. */
    overview(id: string, options?: { readonly limit?: number }): PlannedCall;
  };
  readonly contacts: ObjectCalls;
  readonly opportunities: ObjectCalls & {
    /** Creates one with its primary contact. Data: as of `create`. */
    open(properties: SalesforceFields, contactId: string): PlannedCall;
  };
  readonly cases: ObjectCalls & {
    /** Appends a comment. Data: `{ id, created }`. */
    comment(id: string, text: string): PlannedCall;
  };
  readonly tasks: ObjectCalls & {
    /** Appends a note to a record, as a finished task. `atMs` is when it was said; it is frozen with the action. */
    append(note: NoteInput): PlannedCall;
  };
  /** Bulk jobs: create, upload once, close, ask until it is done, read the results. Data of each: `{ jobId, ... }`. */
  readonly jobs: {
    create(job: JobInput): PlannedCall;
    upload(input: UploadInput): PlannedCall;
    close(jobId: string): PlannedCall;
    abort(jobId: string): PlannedCall;
    get(jobId: string): PlannedCall;
    /** Data: `{ rows: { id, created, error, values }[] }`. */
    results(jobId: string, of: ResultsInput['of']): PlannedCall;
  };
  /** Data: `{ [name]: { max, remaining } }`. */
  limits(): PlannedCall;
};

function planOn(system: string, group: string) {
  return (verb: string, input: unknown): PlannedCall => ({
    operation: `salesforce.${group}.${verb}`,
    system,
    input: input as Json,
  });
}

function callsOf(system: string, object: SalesforceObject): ObjectCalls {
  const { plural, read } = salesforceObjects[object];
  const plan = planOn(system, plural);
  return {
    get: (id, options) => plan('get', { id, fields: read, ...options }),
    getBy: (externalId, options) => plan('get', { externalId, fields: read, ...options }),
    query: (input) => plan('query', { fields: read, ...input }),
    next: (after, options) => plan('next', { after, fields: read, ...options }),
    describe: (since) => plan('describe', since === undefined ? {} : { since }),
    changed: (input) => plan('changed', { fields: read, limit: pageSize, ...input }),
    updated: (span) => plan('updated', span),
    deleted: (span) => plan('deleted', span),
    create: (properties) => plan('create', { properties }),
    update: (id, properties, options) => plan('update', { id, properties, ...options }),
    upsert: (externalId, properties, options) => plan('upsert', { externalId, properties, ...options }),
    delete: (id) => plan('delete', { id }),
  };
}

/** The Salesforce calls of a configured system, by its name in config/systems. */
export function salesforceOn(system: string): SalesforceCalls {
  const [accounts, opportunities] = [planOn(system, 'accounts'), planOn(system, 'opportunities')];
  const [cases, jobs] = [planOn(system, 'cases'), planOn(system, 'jobs')];
  return {
    accounts: {
      ...callsOf(system, 'account'),
      overview: (id, options) => accounts('overview', { id, limit: 25, ...options }),
    },
    contacts: callsOf(system, 'contact'),
    opportunities: {
      ...callsOf(system, 'opportunity'),
      open: (properties, contactId) => opportunities('open', { properties, contactId }),
    },
    cases: { ...callsOf(system, 'case'), comment: (id, text) => cases('comment', { id, text }) },
    tasks: { ...callsOf(system, 'task'), append: (note) => planOn(system, 'tasks')('append', note) },
    jobs: {
      create: (job) => jobs('create', job),
      upload: (input) => jobs('upload', input),
      close: (jobId) => jobs('close', { jobId }),
      abort: (jobId) => jobs('abort', { jobId }),
      get: (jobId) => jobs('get', { jobId }),
      results: (jobId, of) => jobs('results', { jobId, of }),
    },
    limits: () => planOn(system, 'limits')('get', {}),
  };
}

/** The Salesforce calls of the system named `salesforce`. */
export const salesforce: SalesforceCalls = salesforceOn('salesforce');
