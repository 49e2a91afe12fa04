import type { RestRead } from '../../config/rest-schema.ts';
import { sha256Hex } from '../../model/ids.ts';
import { isObject, type Json, type JsonObject } from '../../model/json.ts';
import type { ReadOperation } from '../../model/operation.ts';
import { bodyOf, inputOf, type RestSystem } from './client.ts';
import { succeeded } from './errors.ts';
import { operationId, readError, readRequest } from './reads.ts';

/** How many rows of a list are looked at. */
const sampled = 20;

/** The names and types in an answer, whatever the values: `rows[].price` -> `number`. Null says nothing of a type. */
export function shapeOf(value: Json): JsonObject {
  const types = new Map<string, Set<string>>();
  const visit = (at: string, item: Json): void => {
    if (Array.isArray(item)) {
      for (const one of (item as readonly Json[]).slice(0, sampled)) visit(`${at}[]`, one);
    } else if (isObject(item)) {
      for (const [name, inner] of Object.entries(item)) visit(at === '' ? name : `${at}.${name}`, inner);
    } else if (item !== null) types.set(at, (types.get(at) ?? new Set()).add(typeof item));
    else if (!types.has(at)) types.set(at, new Set());
  };
  visit('', value);
  const sorted = [...types].sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(sorted.map(([at, seen]) => [at, [...seen].sort().join(' or ') || 'null']));
}

/** The operation `schema_probe`: the shape of one answer and its hash, so that a change is seen before it is read as nothing. */
export function shapeOperation(system: RestSystem, read: RestRead): ReadOperation {
  return {
    kind: 'read',
    id: operationId(system.name, 'schema_probe'),
    connector: 'rest',
    scopes: [],
    request: (context, input) => readRequest(system, read, context, inputOf(input)),
    judge: (answer) => {
      const body = bodyOf(answer);
      if (!succeeded(system.rest, read, answer) || body === undefined) {
        return { kind: 'error', error: readError(system, read, answer) };
      }
      const shape = shapeOf(body);
      return { kind: 'ok', data: { hash: sha256Hex(JSON.stringify(shape)), shape } };
    },
  };
}
