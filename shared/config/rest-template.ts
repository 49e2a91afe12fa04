import { PlumblineError } from '../model/errors.ts';
import type { Json, JsonObject } from '../model/json.ts';

/** One part of a template: text as it stands, or a value that is put there. `?` makes a value one that may be left out. */
export type TemplatePart =
  | { readonly text: string }
  | { readonly from: 'input'; readonly name: string; readonly optional: boolean }
  | { readonly from: 'key' };

/** What may stand in braces, in words. */
export const templateForm = '{input.name}, {input.name?} where it may be left out, or {key} for the key of the action';

const placeholder = /^(?:input\.([A-Za-z_][A-Za-z0-9_]{0,63})(\?)?|key)$/;

/**
 * Reads a template into its parts; null where braces hold anything else. A template is no language: it names values, and a
 * value is never read as a template.
 */
export function parseTemplate(text: string): readonly TemplatePart[] | null {
  const parts: TemplatePart[] = [];
  for (const [i, piece] of text.split(/(\{[^{}]*\})/).entries()) {
    if (i % 2 === 0) {
      if (/[{}]/.test(piece)) return null;
      if (piece !== '') parts.push({ text: piece });
      continue;
    }
    const match = placeholder.exec(piece.slice(1, -1));
    if (!match) return null;
    const [, name, optional] = match;
    parts.push(name === undefined ? { from: 'key' } : { from: 'input', name, optional: optional !== undefined });
  }
  return parts;
}

/** What templates are filled with. */
export type TemplateValues = { readonly input: JsonObject; readonly key: string };

function refuse(message: string, allowed: string): never {
  throw new PlumblineError(message, { code: 'invalid_input', retry: 'never', hint: allowed });
}

function partsOf(template: string): readonly TemplatePart[] {
  const parts = parseTemplate(template);
  return parts ?? refuse('A template of the configuration cannot be read.', `Allowed in braces: ${templateForm}.`);
}

/** The value of one part; undefined where an optional input is not there. */
function partValue(part: TemplatePart, values: TemplateValues): Json | undefined {
  if ('text' in part) return part.text;
  if (part.from === 'key') return values.key;
  const value = Object.hasOwn(values.input, part.name) ? values.input[part.name] : undefined;
  if (value !== undefined && value !== null) return value;
  if (part.optional) return undefined;
  return refuse(`The input ${part.name} is missing.`, `This operation needs ${part.name}.`);
}

/**
 * The value of a template as text, for a path segment, a query value or a header; undefined where an optional input is not
 * there. Throws `invalid_input` for a missing input and for a list or object, which is no text.
 */
export function fillText(template: string, values: TemplateValues): string | undefined {
  let out = '';
  for (const part of partsOf(template)) {
    const value = partValue(part, values);
    if (value === undefined) return undefined;
    if (typeof value === 'object') refuse('A list or an object cannot be put into text.', 'Give text or a number.');
    out += String(value);
  }
  return out;
}

/** The value of a template in JSON: one that is a single placeholder keeps the type of its input. */
export function fillJson(template: string, values: TemplateValues): Json | undefined {
  const parts = partsOf(template);
  const [only] = parts;
  return parts.length === 1 && only && !('text' in only) ? partValue(only, values) : fillText(template, values);
}

/** A JSON value whose texts are templates, filled. Names stay as they are; what an absent optional input stands for is left out. */
export function fillBody(body: Json, values: TemplateValues): Json | undefined {
  if (typeof body === 'string') return fillJson(body, values);
  if (typeof body !== 'object' || body === null) return body;
  if (Array.isArray(body)) {
    return (body as readonly Json[]).map((item) => fillBody(item, values)).filter((item) => item !== undefined);
  }
  const entries = Object.entries(body).flatMap(([name, item]) => {
    const filled = fillBody(item, values);
    return filled === undefined ? [] : [[name, filled] as const];
  });
  return Object.fromEntries(entries);
}

/** Every text in a JSON value. */
export function textsIn(value: Json | undefined): readonly string[] {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value as JsonObject).flatMap(textsIn);
}

/** Whether any text of a value names the key of the action. */
export function namesKey(value: Json | undefined): boolean {
  return textsIn(value).some((text) =>
    (parseTemplate(text) ?? []).some((part) => 'from' in part && part.from === 'key'),
  );
}
