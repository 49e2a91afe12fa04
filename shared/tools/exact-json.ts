import type { InputError } from '../model/errors.ts';
import type { Json, JsonObject } from '../model/json.ts';

/** Most rows of one answer: a body can be wrong in a hundred thousand places. */
export const maxInputErrors = 50;

/**
 * What of a JSON value could not be kept as it came: half a surrogate pair, a number that no double holds, the name
 * `__proto__`. Each would become something else on its way without anybody noticing. At most {@link maxInputErrors} rows.
 * @param path where the value stands, '' for a whole body
 * @see https://www.rfc-editor.org/rfc/rfc7493#section-2
 */
export function inexactIn(value: Json, path: string): readonly InputError[] {
  const found: InputError[] = [];
  visit(value, path, found);
  return found;
}

function visit(value: Json, path: string, found: InputError[]): void {
  if (found.length >= maxInputErrors) return;
  if (typeof value === 'string') {
    if (!value.isWellFormed()) found.push(row(path, 'well-formed Unicode, without half a surrogate pair'));
  } else if (typeof value === 'number') {
    const exact = Number.isInteger(value) ? Number.isSafeInteger(value) : Number.isFinite(value);
    if (!exact) found.push(row(path, 'whole numbers up to 9007199254740991; longer ones as text'));
  } else if (Array.isArray(value)) {
    for (const [i, item] of (value as readonly Json[]).entries()) visit(item, below(path, String(i)), found);
  } else if (value !== null && typeof value === 'object') {
    for (const [name, item] of Object.entries(value as JsonObject)) {
      if (name === '__proto__' || !name.isWellFormed())
        found.push(row(path, 'names of well-formed Unicode, not __proto__'));
      else if (item !== undefined) visit(item, below(path, name), found);
    }
  }
}

function row(path: string, allowed: string): InputError {
  return { path, message: 'cannot be kept as it is', allowed };
}

function below(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`;
}
