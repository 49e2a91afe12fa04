import { sha256Hex } from '../../model/ids.ts';
import { isObject, type Json, type JsonObject } from '../../model/json.ts';
import type { ReadOperation } from '../../model/operation.ts';
import { bodyOf } from '../json-body.ts';
import { dataPath, getSpec, objectsPath, type SalesforceObject } from './client.ts';
import { httpDate, readError, readNamed, unreadable } from './reads.ts';

export type DescribeInput = {
  /** ISO time; the answer is `{ unchanged: true }` where nothing changed since. */
  readonly since?: string;
};

/** Reads the schema of an object: fields with their type and rules, and one fingerprint over them. */
export function describeOperation(object: SalesforceObject): ReadOperation<DescribeInput> {
  return {
    ...readNamed(object, 'describe'),
    request: (context, { since }) => ({
      ...getSpec(`${objectsPath(context, object)}/describe`),
      ...(since === undefined ? {} : { headers: { 'if-modified-since': httpDate(since) } }),
    }),
    judge: (answer) => {
      if (answer.status === 304) return { kind: 'ok', data: { unchanged: true } };
      if (answer.status !== 200) return readError(answer);
      const data = schemaOf(bodyOf(answer));
      return data ? { kind: 'ok', data } : { kind: 'error', error: unreadable('a description of fields') };
    },
  };
}

function schemaOf(body: JsonObject | null): Json | null {
  if (!body || !Array.isArray(body.fields)) return null;
  const fields = (body.fields as readonly Json[]).filter(isObject).map((field) => ({
    name: String(field.name ?? ''),
    type: String(field.type ?? ''),
    length: typeof field.length === 'number' ? field.length : null,
    options: (Array.isArray(field.picklistValues) ? (field.picklistValues as readonly Json[]) : [])
      .filter(isObject)
      .filter((option) => option.active !== false)
      .map((option) => String(option.value ?? '')),
    createable: field.createable === true,
    updateable: field.updateable === true,
    unique: field.unique === true,
    externalId: field.externalId === true,
    required: field.createable === true && field.nillable === false && field.defaultedOnCreate !== true,
  }));
  const lines = fields.map(({ name, type, length, options }) => `${name}:${type}:${length}:${options.join(',')}`);
  return { fields, fingerprint: sha256Hex(lines.sort().join('\n')) };
}

/** Reads what is left of the limits of the organization: data is `{ [name]: { max, remaining } }`. */
export function limitsOperation(): ReadOperation<JsonObject> {
  return {
    kind: 'read',
    id: 'salesforce.limits.get',
    connector: 'salesforce',
    scopes: ['api'],
    request: ({ apiVersion }) => getSpec(`${dataPath(apiVersion)}/limits`),
    judge: (answer) => {
      if (answer.status !== 200) return readError(answer);
      const limits = Object.entries(bodyOf(answer) ?? {}).flatMap(([name, value]) =>
        isObject(value) && typeof value.Max === 'number' && typeof value.Remaining === 'number'
          ? [[name, { max: value.Max, remaining: value.Remaining }] as const]
          : [],
      );
      if (limits.length === 0) return { kind: 'error', error: unreadable('a list of limits') };
      return { kind: 'ok', data: Object.fromEntries(limits) };
    },
  };
}
