import type { Body } from './account.ts';
import { invalid } from './errors.ts';

type Clause = (body: Body) => boolean;

const clauseForm =
  /^\s*(-?)([a-z][a-z0-9_.]*|metadata\[(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)")\])\s*(:|~|>=|<=|>|<)\s*(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"|(null|-?[0-9]+(?:\.[0-9]+)?))/i;

/**
 * Reads a query of Stripe's search language: comparisons joined by AND or by OR, never by both.
 * @throws StripeError 400 where it cannot be read
 */
export function matcher(query: string): (body: Body) => boolean {
  const clauses: Clause[] = [];
  let joined: string | null = null;
  let rest = query;
  for (;;) {
    const match = clauseForm.exec(rest);
    if (!match) throw unreadable(query);
    clauses.push(clauseOf(match));
    rest = rest.slice(match[0].length);
    if (rest.trim() === '') break;
    const join = /^\s+(AND|OR)(?=\s)/i.exec(rest) ?? /^\s+()(?=\S)/.exec(rest);
    const word = (join?.[1] || 'AND').toUpperCase();
    if (!join || (joined !== null && joined !== word)) throw unreadable(query);
    joined = word;
    rest = rest.slice(join[0].length);
  }
  if (clauses.length > 10) throw invalid('A query may hold at most 10 clauses.', 'query');
  return (body) => (joined === 'OR' ? clauses.some((clause) => clause(body)) : clauses.every((clause) => clause(body)));
}

function clauseOf(match: RegExpExecArray): Clause {
  const [, minus, field = '', single, double, operator = ':', text, quoted, bare] = match;
  const wanted = unescaped(text ?? quoted) ?? bare ?? '';
  const entry = unescaped(single ?? double);
  if (operator === '~' && wanted.length < 3) throw invalid('A substring search needs at least 3 characters.', 'query');
  const held = (body: Body): unknown =>
    entry === null ? body[field] : (body.metadata as Record<string, string> | undefined)?.[entry];
  const test = (body: Body) => compare(held(body), operator, wanted, bare);
  return minus === '-' ? (body) => !test(body) : test;
}

function compare(held: unknown, operator: string, wanted: string, bare: string | undefined): boolean {
  if (bare === 'null') return operator === ':' && (held === null || held === undefined);
  if (held === null || held === undefined) return false;
  if (operator === ':') return String(held).toLowerCase() === wanted.toLowerCase();
  if (operator === '~') return String(held).toLowerCase().includes(wanted.toLowerCase());
  const [one, other] = [Number(held), Number(wanted)];
  if (operator === '>') return one > other;
  if (operator === '<') return one < other;
  return operator === '>=' ? one >= other : one <= other;
}

function unescaped(text: string | undefined): string | null {
  return text === undefined ? null : text.replaceAll(/\\(.)/g, '$1');
}

function unreadable(query: string) {
  const message = `We were unable to parse your search query. Try using the format \`metadata["key"]:"value"\` to query for metadata or key:"value" to query for other fields. Query: ${query.slice(0, 100)}`;
  return invalid(message, 'query');
}
