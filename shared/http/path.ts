import { PlumblineError } from '../model/errors.ts';

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are exactly what is refused
const control = /[\u0000-\u001f\u007f-\u009f]/;
const headerName = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const headerValue = /^[\t\u0020-\u007e\u00a0-\u00ff]*$/;

function refuse(what: string): never {
  throw new PlumblineError(`A request was refused before it was built: ${what}.`, {
    code: 'invalid_input',
    retry: 'never',
    hint: 'Correct the identifier: it must be a plain id, not a path.',
  });
}

/**
 * One path segment, percent-encoded. A value can never become another path: empty values, `.` and `..` (also beside a
 * slash), control characters and lone surrogates are refused with `invalid_input`.
 * @see https://www.rfc-editor.org/rfc/rfc3986#section-3.3
 */
export function segment(value: string | number): string {
  const text = String(value);
  if (text === '') refuse('a path segment is empty');
  if (control.test(text)) refuse('a path segment holds a control character');
  if (!text.isWellFormed()) refuse('a path segment is not well-formed Unicode');
  if (text.split(/[/\\]/).some((part) => part === '.' || part === '..')) refuse('a path segment climbs');
  return encodeURIComponent(text);
}

/**
 * Builds a path from a template whose values become single, encoded segments.
 * @example path`/crm/objects/${version}/${type}/${id}`
 */
export function path(strings: TemplateStringsArray, ...values: readonly (string | number)[]): string {
  return strings.reduce(
    (out, text, i) => out + text + (i < values.length ? segment(values[i] as string | number) : ''),
    '',
  );
}

/** A query string with its `?`, or nothing; every name and value is encoded. */
export function encodeQuery(pairs: readonly (readonly [string, string])[] | undefined): string {
  if (!pairs || pairs.length === 0) return '';
  const encoded = pairs.map(([name, value]) => {
    if (!name.isWellFormed() || !value.isWellFormed()) refuse('a query value is not well-formed Unicode');
    return `${encodeURIComponent(name)}=${encodeURIComponent(value)}`;
  });
  return `?${encoded.join('&')}`;
}

/** Headers that decide how a message is framed or where it goes: they belong to the client alone. */
const ownHeaders = new Set([
  'connection',
  'content-length',
  'cookie',
  'expect',
  'host',
  'keep-alive',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/**
 * Checks one header; names are tokens, values hold no CR, LF, NUL or other control character.
 * Throws `invalid_input`; the value is never part of the text.
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-5.5
 */
export function checkHeader(name: string, value: string): void {
  if (!headerName.test(name)) refuse('a header name is not a token');
  if (ownHeaders.has(name.toLowerCase())) refuse(`the header ${name} is set by the client alone`);
  if (!headerValue.test(value)) refuse(`the value of header ${name} holds a forbidden character`);
}
