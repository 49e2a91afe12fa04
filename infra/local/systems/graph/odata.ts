import { GraphError } from './errors.ts';

/** One condition on an object, as JSON shows it. `extended` are its extended properties. */
export type Matcher = (value: Readonly<Record<string, unknown>>, extended: Readonly<Record<string, string>>) => boolean;

type Token = { readonly kind: 'word' | 'text' | 'mark'; readonly text: string };
type Reader = { readonly tokens: readonly Token[]; at: number; readonly known: (path: string) => void };

const invalid = (what: string) =>
  new GraphError(400, 'BadRequest', `Invalid filter clause: ${what}.`, { inner: 'ErrorInvalidUrlQueryFilter' });

/**
 * Reads a `$filter`: comparisons, `startswith`, `contains`, `and`, `or`, `not`, brackets, and `Any` over extended properties.
 * @param known throws for a property that the type has not
 */
export function parseFilter(text: string, known: (path: string) => void): Matcher {
  const reader: Reader = { tokens: tokensOf(text), at: 0, known };
  const matcher = either(reader);
  if (reader.at < reader.tokens.length) throw invalid('it goes on after its end');
  return matcher;
}

function tokensOf(text: string): readonly Token[] {
  const tokens: Token[] = [];
  const form = /\s+|'((?:[^']|'')*)'|([A-Za-z0-9_./:+-]+)|([(),])/gy;
  let at = 0;
  while (at < text.length) {
    form.lastIndex = at;
    const match = form.exec(text);
    if (!match) throw invalid(`a character at ${at}`);
    at = form.lastIndex;
    if (match[1] !== undefined) tokens.push({ kind: 'text', text: match[1].replaceAll("''", "'") });
    else if (match[2] !== undefined) tokens.push({ kind: 'word', text: match[2] });
    else if (match[3] !== undefined) tokens.push({ kind: 'mark', text: match[3] });
  }
  return tokens;
}

function next(reader: Reader): Token {
  const token = reader.tokens[reader.at];
  if (!token) throw invalid('it ends too early');
  reader.at += 1;
  return token;
}

function expect(reader: Reader, text: string): void {
  if (next(reader).text.toLowerCase() !== text) throw invalid(`${text} is missing`);
}

const peek = (reader: Reader, text: string) => reader.tokens[reader.at]?.text.toLowerCase() === text;

function either(reader: Reader): Matcher {
  let left = both(reader);
  while (peek(reader, 'or')) {
    reader.at += 1;
    const [one, other] = [left, both(reader)];
    left = (...given) => one(...given) || other(...given);
  }
  return left;
}

function both(reader: Reader): Matcher {
  let left = single(reader);
  while (peek(reader, 'and')) {
    reader.at += 1;
    const [one, other] = [left, single(reader)];
    left = (...given) => one(...given) && other(...given);
  }
  return left;
}

function single(reader: Reader): Matcher {
  const token = next(reader);
  if (token.kind === 'mark' && token.text === '(') {
    const inner = either(reader);
    expect(reader, ')');
    return inner;
  }
  if (token.kind !== 'word') throw invalid('a property is expected');
  if (token.text.toLowerCase() === 'not') {
    const inner = single(reader);
    return (...given) => !inner(...given);
  }
  if (/^singleValueExtendedProperties\/any$/i.test(token.text)) return extendedProperty(reader);
  if (/^(startswith|contains)$/i.test(token.text)) return textFunction(reader, token.text.toLowerCase());
  reader.known(token.text);
  const operator = next(reader).text.toLowerCase();
  const compare = comparisons[operator];
  if (!compare) throw invalid(`the operator ${operator.slice(0, 20)}`);
  const wanted = literal(next(reader));
  return (value) => compare(order(valueAt(value, token.text), wanted));
}

function textFunction(reader: Reader, name: string): Matcher {
  expect(reader, '(');
  const path = next(reader).text;
  reader.known(path);
  expect(reader, ',');
  const wanted = next(reader);
  expect(reader, ')');
  if (wanted.kind !== 'text') throw invalid('text is expected');
  const part = wanted.text.toLowerCase();
  return (value) => {
    const held = String(valueAt(value, path) ?? '').toLowerCase();
    return name === 'startswith' ? held.startsWith(part) : held.includes(part);
  };
}

/** `Any(ep: ep/id eq '…' and ep/value eq '…')`; the value has no letter case. */
function extendedProperty(reader: Reader): Matcher {
  for (const text of ['(', 'ep:', 'ep/id', 'eq']) expect(reader, text);
  const id = next(reader).text.toLowerCase();
  for (const text of ['and', 'ep/value', 'eq']) expect(reader, text);
  const wanted = next(reader).text.toLowerCase();
  expect(reader, ')');
  return (_value, extended) => extended[id]?.toLowerCase() === wanted;
}

const comparisons: Readonly<Record<string, (order: number | null) => boolean>> = {
  eq: (order) => order === 0,
  ne: (order) => order !== 0,
  gt: (order) => order !== null && order > 0,
  ge: (order) => order !== null && order >= 0,
  lt: (order) => order !== null && order < 0,
  le: (order) => order !== null && order <= 0,
};

function literal(token: Token): unknown {
  if (token.kind === 'text') return token.text;
  if (token.text === 'true' || token.text === 'false') return token.text === 'true';
  if (token.text === 'null') return null;
  return /^-?[0-9]+(\.[0-9]+)?$/.test(token.text) ? Number(token.text) : token.text;
}

/** Negative, 0 or positive; null where two values cannot be compared. */
function order(held: unknown, wanted: unknown): number | null {
  if (held === wanted || (held === undefined && wanted === null)) return 0;
  if (typeof held === 'number' && typeof wanted === 'number') return held - wanted;
  if (typeof held !== 'string' || typeof wanted !== 'string') return null;
  const [a, b] = [Date.parse(held), Date.parse(wanted)];
  const isTime = [held, wanted].every((text) => /^[0-9]{4}-[0-9]{2}-[0-9]{2}T/.test(text));
  if (isTime && !Number.isNaN(a) && !Number.isNaN(b)) return a - b;
  const [one, other] = [held.toLowerCase(), wanted.toLowerCase()];
  return one === other ? 0 : one < other ? -1 : 1;
}

/** The value at a path such as `from/emailAddress/address`. */
export function valueAt(value: unknown, path: string): unknown {
  return path
    .split('/')
    .reduce<unknown>(
      (held, name) => (typeof held === 'object' && held !== null ? (held as Record<string, unknown>)[name] : undefined),
      value,
    );
}

/** What a search looks into. */
export type Searched = {
  readonly from: string;
  readonly to: string;
  readonly subject: string;
  readonly body: string;
  readonly receivedDay: string;
};

/**
 * Reads a `$search` of messages: phrases, `from:`, `to:`, `subject:` and days of `received`, joined by AND.
 * @see https://learn.microsoft.com/en-us/graph/search-query-parameter
 */
export function parseSearch(text: string): (item: Searched) => boolean {
  const quoted = /^"([\s\S]*)"$/.exec(text)?.[1];
  const inner = (quoted ?? text).replaceAll('\\"', '"');
  const term = /\s*(?:AND\s+)?(?:(from|to|subject|received)\s*(:|>=|<=)\s*)?(?:"([^"]*)"|([^\s"]+))/gy;
  const tests: ((item: Searched) => boolean)[] = [];
  let at = 0;
  while (at < inner.trimEnd().length) {
    term.lastIndex = at;
    const match = term.exec(inner);
    if (!match)
      throw new GraphError(400, 'BadRequest', `Syntax error: character '${inner[at]}' is not valid at position ${at}.`);
    at = term.lastIndex;
    tests.push(searchTest(match[1], match[2] ?? ':', (match[3] ?? match[4] ?? '').toLowerCase()));
  }
  return (item) => tests.every((test) => test(item));
}

function searchTest(field: string | undefined, operator: string, wanted: string): (item: Searched) => boolean {
  if (field === 'received') {
    return ({ receivedDay: day }) =>
      operator === '>=' ? day >= wanted : operator === '<=' ? day <= wanted : day === wanted;
  }
  const holds = (held: string) => held.toLowerCase().includes(wanted);
  if (field === undefined) return ({ subject, body, from, to }) => [subject, body, from, to].some(holds);
  return (item) => holds(item[field as 'from' | 'to' | 'subject']);
}
