import { SalesforceError } from './errors.ts';

export type Literal = {
  readonly kind: 'text' | 'number' | 'boolean' | 'null' | 'date' | 'dateTime';
  readonly value: string;
};
export type Condition =
  | { readonly kind: 'compare'; readonly field: string; readonly operator: string; readonly values: readonly Literal[] }
  | { readonly kind: 'all'; readonly parts: readonly Condition[] }
  | { readonly kind: 'any'; readonly parts: readonly Condition[] }
  | { readonly kind: 'not'; readonly part: Condition };

/** A parsed statement. */
export type Statement = {
  readonly fields: readonly string[];
  readonly object: string;
  readonly where: Condition | null;
  readonly orderBy: readonly { readonly field: string; readonly descending: boolean }[];
  readonly limit: number | null;
  readonly offset: number;
};

type Token = { readonly kind: 'word' | 'sign' | 'literal'; readonly text: string; readonly literal?: Literal };
type Reader = { readonly tokens: readonly Token[]; at: number };

const pattern =
  /\s+|(?<text>'(?:[^'\\]|\\.)*')|(?<dateTime>\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,3})?(?:Z|[+-]\d{2}:?\d{2}))|(?<date>\d{4}-\d{2}-\d{2})|(?<number>-?\d+(?:\.\d+)?)|(?<word>[A-Za-z][A-Za-z0-9_.]*)|(?<sign><=|>=|!=|<>|[=<>(),])/suy;
const meanings: Readonly<Record<string, string>> = {
  n: '\n',
  r: '\r',
  t: '\t',
  b: '\b',
  f: '\f',
  N: '\n',
  R: '\r',
  T: '\t',
  B: '\b',
  F: '\f',
};

/** A statement that cannot be read. */
export function malformed(message: string): SalesforceError {
  return new SalesforceError(400, 'MALFORMED_QUERY', message);
}

/** Reads a statement: SELECT fields FROM object WHERE … ORDER BY … LIMIT … OFFSET …. @throws SalesforceError MALFORMED_QUERY */
export function parseSoql(text: string): Statement {
  const reader: Reader = { tokens: tokensOf(text), at: 0 };
  expect(reader, 'SELECT');
  const fields = listOf(reader, () => word(reader));
  expect(reader, 'FROM');
  const object = word(reader);
  const where = accept(reader, 'WHERE') ? anyOf(reader) : null;
  const orderBy = accept(reader, 'ORDER') ? orderOf(reader) : [];
  const limit = accept(reader, 'LIMIT') ? wholeNumber(reader) : null;
  const offset = accept(reader, 'OFFSET') ? wholeNumber(reader) : 0;
  if (reader.at < reader.tokens.length) throw unexpected(reader);
  return { fields, object, where, orderBy, limit, offset };
}

function tokensOf(text: string): Token[] {
  const out: Token[] = [];
  pattern.lastIndex = 0;
  while (pattern.lastIndex < text.length) {
    const groups = pattern.exec(text)?.groups;
    if (!groups) throw malformed('line 1: no viable alternative at this character');
    for (const [kind, value] of Object.entries(groups)) {
      if (value === undefined) continue;
      if (kind === 'word' || kind === 'sign') out.push({ kind, text: value });
      else out.push({ kind: 'literal', text: value, literal: literalOf(kind as Literal['kind'], value) });
    }
  }
  return out;
}

function literalOf(kind: Literal['kind'], value: string): Literal {
  if (kind !== 'text') return { kind, value };
  const meant = value.slice(1, -1).replaceAll(/\\(.)/gsu, (_all, char: string) => {
    if (/[\\'"%_]/.test(char)) return char === '%' || char === '_' ? `\\${char}` : char;
    if (!Object.hasOwn(meanings, char)) throw malformed(`Illegal string literal: Invalid string escape \\${char}`);
    return meanings[char] ?? '';
  });
  return { kind, value: meant };
}

function unexpected(reader: Reader): SalesforceError {
  return malformed(`unexpected token: '${reader.tokens[reader.at]?.text ?? '<EOF>'}'`);
}

function accept(reader: Reader, text: string): boolean {
  const token = reader.tokens[reader.at];
  const same = token?.kind !== 'literal' && token?.text.toUpperCase() === text;
  if (same) reader.at += 1;
  return same;
}

function expect(reader: Reader, text: string): void {
  if (!accept(reader, text)) throw unexpected(reader);
}

function word(reader: Reader): string {
  const token = reader.tokens[reader.at];
  if (token?.kind !== 'word') throw unexpected(reader);
  reader.at += 1;
  return token.text;
}

function wholeNumber(reader: Reader): number {
  const token = reader.tokens[reader.at];
  if (token?.literal?.kind !== 'number' || !/^\d+$/.test(token.text)) throw unexpected(reader);
  reader.at += 1;
  return Number(token.text);
}

function listOf<T>(reader: Reader, read: () => T): T[] {
  const out = [read()];
  while (accept(reader, ',')) out.push(read());
  return out;
}

function orderOf(reader: Reader): Statement['orderBy'] {
  expect(reader, 'BY');
  return listOf(reader, () => {
    const field = word(reader);
    const descending = accept(reader, 'DESC');
    if (!descending) accept(reader, 'ASC');
    return { field, descending };
  });
}

/** AND and OR stand beside each other only with brackets. */
function anyOf(reader: Reader): Condition {
  const parts = [partOf(reader)];
  const joined = accept(reader, 'AND') ? 'AND' : accept(reader, 'OR') ? 'OR' : null;
  if (joined === null) return parts[0] as Condition;
  do parts.push(partOf(reader));
  while (accept(reader, joined));
  const token = reader.tokens[reader.at]?.text.toUpperCase();
  if (token === 'AND' || token === 'OR') throw unexpected(reader);
  return { kind: joined === 'AND' ? 'all' : 'any', parts };
}

function partOf(reader: Reader): Condition {
  if (accept(reader, 'NOT')) return { kind: 'not', part: partOf(reader) };
  if (accept(reader, '(')) {
    const inner = anyOf(reader);
    expect(reader, ')');
    return inner;
  }
  const field = word(reader);
  const operator = ['=', '!=', '<>', '<=', '>=', '<', '>', 'LIKE', 'IN'].find((one) => accept(reader, one));
  const not = operator === undefined && accept(reader, 'NOT') && accept(reader, 'IN');
  if (operator === undefined && !not) throw unexpected(reader);
  if (operator !== 'IN' && !not) return { kind: 'compare', field, operator: operator ?? '', values: [literal(reader)] };
  expect(reader, '(');
  const values = listOf(reader, () => literal(reader));
  expect(reader, ')');
  return { kind: 'compare', field, operator: not ? 'NOT IN' : 'IN', values };
}

function literal(reader: Reader): Literal {
  const token = reader.tokens[reader.at];
  reader.at += 1;
  if (token?.literal) return token.literal;
  const named = token?.kind === 'word' ? token.text.toLowerCase() : '';
  if (named === 'true' || named === 'false') return { kind: 'boolean', value: named };
  if (named === 'null') return { kind: 'null', value: '' };
  reader.at -= 1;
  throw unexpected(reader);
}
