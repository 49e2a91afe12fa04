import { path } from '../../http/path.ts';
import { PlumblineError } from '../../model/errors.ts';
import { isObject, type Json, type JsonObject } from '../../model/json.ts';
import type { RecordRef, RequestContext, RequestSpec } from '../../model/operation.ts';
import { odataQuery, type QueryOptions } from './odata.ts';

/** The objects of Microsoft 365 this connector knows, as records name them. */
export type GraphObject = 'user' | 'message' | 'event';

/** A value as our operations return it: addresses are lists of text, times are ISO texts in UTC. */
export type GraphValue = string | number | boolean | null | readonly string[];
export type GraphProperties = { readonly [property: string]: GraphValue };

/** One record as our operations return it. */
export type GraphRecord = {
  readonly id: string;
  readonly properties: GraphProperties;
  /** The version of the record: an update or a cancellation may be bound to it. */
  readonly etag: string | null;
  readonly createdAt: string | null;
  readonly updatedAt: string | null;
};

/** Anything that needs no more of the context than the version. */
export type Versioned = Pick<RequestContext, 'apiVersion'>;

/** How long one request to Graph may take, milliseconds. */
export const requestTimeoutMs = 20_000;

/**
 * The extended property that carries the key of the action that made a message or an event. A filter finds it in every folder,
 * also on the copy among the sent mail, whose id is not the draft's.
 * @see https://learn.microsoft.com/en-us/graph/api/resources/extended-properties-overview
 */
export const refProperty = 'String {b7d0e7f4-3c53-4a0c-9a55-6c8f1f0c5d21} Name PlumblineRef';

/** Ids that outlive a move to another folder, bodies as text, times in UTC: every request to a mailbox asks for them. */
export const mailboxHeaders = {
  prefer: 'IdType="ImmutableId", outlook.body-content-type="text", outlook.timezone="UTC"',
};

/** Refuses an input before a request is built of it. Throws `invalid_input`; the value is never part of the text. */
export function refuse(what: string, hint: string): never {
  const details = { code: 'invalid_input', retry: 'never', hint } as const;
  throw new PlumblineError(`A request was refused before it was built: ${what}.`, details);
}

/** `/v1.0`; Graph's preview is not spoken. Throws `invalid_input`. */
export function versionPath({ apiVersion }: Versioned): string {
  if (!/^v[0-9]{1,2}\.[0-9]$/.test(apiVersion)) refuse('the API version is none of Graph', 'Write v1.0.');
  return path`/${apiVersion}`;
}

/** The path of all users, or of one by id or by user principal name. */
export function usersPath(context: Versioned, userId?: string): string {
  return `${versionPath(context)}/users${userId === undefined ? '' : path`/${checkedId(userId)}`}`;
}

/** The path of all messages or events of a user, or of one of them. */
export function itemPath(context: Versioned, userId: string, list: 'messages' | 'events', id?: string): string {
  return `${usersPath(context, userId)}/${list}${id === undefined ? '' : path`/${checkedId(id)}`}`;
}

/** An id that names one record: functions such as `delta`, `getByIds` and `microsoft.graph.x` stand at the same place. */
function checkedId(id: string): string {
  if (!isId(id)) refuse('an id is none of Graph', 'Give the id as it was returned, unchanged.');
  return id;
}

/** Whether a text has the form of an id or a user principal name. */
export function isId(value: Json | undefined): value is string {
  if (typeof value !== 'string' || value.length < 2 || value.length > 512) return false;
  if (!/^[A-Za-z0-9._@+/=#'-]+$/.test(value)) return false;
  return value.includes('@') || (/[0-9]/.test(value) && !value.includes('.'));
}

/** A read of one path. */
export function getSpec(
  at: string,
  options: QueryOptions = {},
  headers?: Readonly<Record<string, string>>,
): RequestSpec {
  return {
    method: 'GET',
    path: at + odataQuery(options),
    ...(headers ? { headers } : {}),
    timeoutMs: requestTimeoutMs,
  };
}

/** A write at one path. */
export function writeSpec(
  method: 'POST' | 'PATCH' | 'DELETE',
  at: string,
  body?: Json,
  headers: Readonly<Record<string, string>> = {},
): RequestSpec {
  const json = body === undefined ? {} : { body: { json: body } };
  return { method, path: at, headers, ...json, timeoutMs: requestTimeoutMs };
}

/** The objects of a list; anything else in it is left to the caller to miss. */
export function rowsOf(value: Json | undefined): readonly JsonObject[] {
  return Array.isArray(value) ? (value as readonly Json[]).filter(isObject) : [];
}

/** The text of a value, or null. */
export function textOrNull(value: Json | undefined): string | null {
  return typeof value === 'string' ? value : null;
}

/** The value of our extended property on an item that was read with it. */
export function refOf(value: JsonObject): string | null {
  const ours = rowsOf(value.singleValueExtendedProperties).find(
    ({ id }) => typeof id === 'string' && id.toLowerCase() === refProperty.toLowerCase(),
  );
  return textOrNull(ours?.value);
}

/** A record reference. The first part names the connector; the caller puts the configured system there. */
export function recordRef(object: string, id: string): RecordRef {
  return ['graph', object, id];
}
