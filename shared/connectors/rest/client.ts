import type { RestConfig } from '../../config/rest-schema.ts';
import { fillBody, fillText, type TemplateValues } from '../../config/rest-template.ts';
import { segment } from '../../http/path.ts';
import { PlumblineError } from '../../model/errors.ts';
import { isObject, type Json, type JsonObject } from '../../model/json.ts';
import type { HttpAnswer, RequestContext, RequestSpec } from '../../model/operation.ts';

/** What every operation takes: the inputs that templates name, and for lists the page and the time to begin at. */
export type RestInput = {
  readonly properties: JsonObject;
  /** The `after` of the page before. */
  readonly after?: string;
  /** Only what changed at or after this time, milliseconds since the epoch. */
  readonly sinceMs?: number;
};

/** One system of this connector: its name, its origin as configured, and its description. */
export type RestSystem = { readonly name: string; readonly origin: string; readonly rest: RestConfig };

/** What a request is made of, as the description has it. */
export type RequestParts = {
  readonly method: RequestSpec['method'];
  readonly path: string;
  readonly query: Readonly<Record<string, string | number | boolean>>;
  readonly body?: JsonObject | undefined;
  readonly form?: Readonly<Record<string, string | number | boolean>> | undefined;
  readonly headers?: Readonly<Record<string, string>>;
  /** Pairs that paging adds. */
  readonly more?: readonly (readonly [string, string])[];
};

/** The input of an operation. Throws `invalid_input` for a value that was planned for another one. */
export function inputOf(value: Json): RestInput {
  if (isObject(value) && isObject(value.properties)) return value as unknown as RestInput;
  throw new PlumblineError('The input of a configured operation is not one.', {
    code: 'invalid_input',
    retry: 'never',
    hint: 'Plan it with restOn(system).call(operation, inputs).',
  });
}

/**
 * Builds one request. Values become whole path segments, encoded query and form values, or JSON values: nothing of them can
 * become another path, parameter, name or header. Throws `invalid_input` for a missing input and for a value that is no segment.
 */
export function requestOf(
  { rest }: RestSystem,
  parts: RequestParts,
  context: Pick<RequestContext, 'providerKey'>,
  input: RestInput,
): RequestSpec {
  const values: TemplateValues = { input: input.properties, key: context.providerKey };
  const query = [...pairsOf(parts.query, values), ...(parts.more ?? [])];
  const body = parts.body && fillBody(parts.body, values);
  const headers = { ...rest.headers, ...parts.headers };
  return {
    method: parts.method,
    path: pathOf(parts.path, values),
    ...(query.length > 0 ? { query } : {}),
    ...(Object.keys(headers).length > 0 ? { headers } : {}),
    ...(body === undefined ? {} : { body: { json: body } }),
    ...(parts.form ? { body: { form: pairsOf(parts.form, values) } } : {}),
    timeoutMs: rest.timeout * 1000,
  };
}

function pathOf(template: string, values: TemplateValues): string {
  if (template === '/') return '/';
  return template
    .split('/')
    .map((part) => (part.includes('{') ? segment(fillText(part, values) ?? '') : part))
    .join('/');
}

function pairsOf(
  templates: Readonly<Record<string, string | number | boolean>>,
  values: TemplateValues,
): readonly (readonly [string, string])[] {
  return Object.entries(templates).flatMap(([name, template]) => {
    const value = typeof template === 'string' ? fillText(template, values) : String(template);
    return value === undefined ? [] : [[name, value] as const];
  });
}

/**
 * The JSON of an answer's body; undefined where it is none, such as the HTML page of something in between. A whole number that
 * no double holds stands as the text that was sent: a rounded id would be another record's.
 */
export function bodyOf(answer: HttpAnswer): Json | undefined {
  const text = answer.bodyText.replace(/^\uFEFF/, '');
  try {
    const body = JSON.parse(text) as Json;
    return /[0-9]{16}/.test(text) ? (JSON.parse(text.replaceAll(textOrNumber, exact)) as Json) : body;
  } catch {
    return undefined;
  }
}

const textOrNumber = /"(?:[^"\\]|\\.)*"|-?[0-9][0-9.eE+-]*/g;

function exact(token: string): string {
  return /^-?[0-9]+$/.test(token) && !Number.isSafeInteger(Number(token)) ? `"${token}"` : token;
}

/** The value at a path of the description; undefined where there is none. */
export function valueAt(body: Json | undefined, at: string): Json | undefined {
  if (at === '.') return body;
  let value = body;
  for (const name of at.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
    value = (value as JsonObject)[name];
  }
  return value;
}
