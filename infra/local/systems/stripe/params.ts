import { invalid, StripeError } from './errors.ts';
import type { Params } from './form.ts';

/** What one parameter may be. */
export type Field = {
  readonly type: 'string' | 'int' | 'bool' | 'metadata' | 'object' | 'list';
  readonly required?: boolean;
  readonly oneOf?: readonly string[];
  readonly min?: number;
  readonly max?: number;
};

/** The parameters an endpoint takes, by name. */
export type Fields = Readonly<Record<string, Field>>;

/** Parameters as an endpoint reads them. Null: given empty, which unsets. Absent: not given. */
export type Given = Readonly<
  Record<string, string | number | boolean | null | Params | Readonly<Record<string, string>>>
>;

/** What every endpoint takes beside its own. */
const always: Fields = { expand: { type: 'list' } };
/** What every list takes. */
export const listFields: Fields = {
  limit: { type: 'int', min: 1, max: 100 },
  starting_after: { type: 'string' },
  ending_before: { type: 'string' },
  created: { type: 'object' },
};

/**
 * Checks parameters as strictly as Stripe: unknown ones, missing ones and wrong types are refused before anything is done.
 * @throws StripeError 400 with `parameter_unknown`, `parameter_missing`, `parameter_invalid_integer` and their like
 */
export function readParams(params: Params, fields: Fields): Given {
  const known: Fields = { ...always, ...fields };
  for (const name of Object.keys(params)) {
    if (!Object.hasOwn(known, name)) throw invalid(`Received unknown parameter: ${name}`, name, 'parameter_unknown');
  }
  const given: Record<string, Given[string]> = {};
  for (const [name, field] of Object.entries(known)) {
    const raw = params[name];
    if (raw === undefined) {
      if (field.required) throw invalid(`Missing required param: ${name}.`, name, 'parameter_missing');
      continue;
    }
    given[name] = readOne(name, raw, field);
  }
  return given;
}

function readOne(name: string, raw: string | Params, field: Field): Given[string] {
  if (field.type === 'metadata') return raw === '' ? null : metadataOf(raw);
  if (field.type === 'object' || field.type === 'list') return raw === '' ? null : raw;
  if (typeof raw !== 'string') throw invalid(`Invalid string: ${name}`, name);
  if (raw === '') {
    if (!field.required) return null;
    throw invalid(
      `You passed an empty string for '${name}'. We assume empty values are an attempt to unset a parameter; however '${name}' cannot be unset. You should remove '${name}' from your request or supply a non-empty value.`,
      name,
      'parameter_invalid_empty',
    );
  }
  if (field.type === 'bool') return boolOf(name, raw);
  return field.type === 'int' ? intOf(name, raw, field) : textOf(name, raw, field);
}

function boolOf(name: string, raw: string): boolean {
  if (raw === 'true' || raw === 'false') return raw === 'true';
  throw invalid(`Invalid boolean: ${raw}`, name);
}

function intOf(name: string, raw: string, { min, max }: Field): number {
  if (!/^-?[0-9]{1,15}$/.test(raw)) throw invalid(`Invalid integer: ${raw}`, name, 'parameter_invalid_integer');
  const value = Number(raw);
  if (min !== undefined && value < min) {
    throw invalid(`This value must be greater than or equal to ${min}.`, name, 'parameter_invalid_integer');
  }
  if (max !== undefined && value > max) {
    throw invalid(`This value must be less than or equal to ${max}.`, name, 'parameter_invalid_integer');
  }
  return value;
}

function textOf(name: string, raw: string, { oneOf, max = 5000 }: Field): string {
  if (oneOf && !oneOf.includes(raw)) {
    throw invalid(`Invalid ${name}: must be one of ${oneOf.join(', ')}`, name);
  }
  if (raw.length > max) {
    throw invalid(`Invalid string: the ${name} must be at most ${max} characters`, name, 'parameter_invalid_string');
  }
  return raw;
}

function metadataOf(raw: string | Params): Readonly<Record<string, string>> {
  if (typeof raw === 'string') throw invalid('Invalid object', 'metadata');
  const entries = Object.entries(raw);
  for (const [name, value] of entries) {
    if (typeof value !== 'string') throw invalid(`Invalid string: metadata[${name}]`, `metadata[${name}]`);
    if (name.length > 40 || value.length > 500) {
      throw invalid('Metadata keys can have up to 40 and values up to 500 characters.', `metadata[${name}]`);
    }
  }
  return Object.fromEntries(entries) as Record<string, string>;
}

/** Metadata after an update: named entries replace theirs, empty ones go, null empties all. */
export function mergedMetadata(held: unknown, given: Given[string] | undefined): Record<string, string> {
  if (given === null) return {};
  const next = { ...(held as Record<string, string> | undefined), ...(given as Record<string, string> | undefined) };
  const kept = Object.entries(next).filter(([, value]) => value !== '');
  if (kept.length > 50)
    throw new StripeError(400, { type: 'invalid_request_error', message: 'Metadata can have up to 50 keys.' });
  return Object.fromEntries(kept);
}
