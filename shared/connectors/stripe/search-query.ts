import { PlumblineError } from '../../model/errors.ts';

/** One comparison of a search. `metadata` names a metadata entry instead of a field. */
export type SearchClause = {
  readonly field: string | { readonly metadata: string };
  /** `:` is equal, `~` holds the text (at least 3 characters), the others compare numbers. */
  readonly operator: ':' | '~' | '>' | '<' | '>=' | '<=';
  readonly value: string | number;
};

function refuse(what: string): never {
  throw new PlumblineError(`A search was refused before it was built: ${what}.`, {
    code: 'invalid_input',
    retry: 'never',
    hint: 'Give field names as Stripe documents them, and plain text as values.',
  });
}

/**
 * The query text of a search. Values become quoted literals, so that none can end its clause or begin another.
 * Throws `invalid_input` for names that are no identifiers, backslashes, control characters and lone surrogates.
 * @see https://docs.stripe.com/search#search-query-language
 */
export function searchQuery(clauses: readonly SearchClause[]): string {
  if (clauses.length === 0 || clauses.length > 10) refuse('it needs 1 to 10 comparisons');
  return clauses.map(clauseText).join(' AND ');
}

function clauseText({ field, operator, value }: SearchClause): string {
  const name = typeof field === 'string' ? identifier(field) : `metadata[${literal(field.metadata)}]`;
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) refuse('a number is not finite');
    return `${name}${operator}${value}`;
  }
  if (operator !== ':' && operator !== '~') refuse('text is compared with : or ~ only');
  return `${name}${operator}${literal(value)}`;
}

function identifier(name: string): string {
  if (!/^[a-z][a-z0-9_]{0,40}(\.[a-z][a-z0-9_]{0,40}){0,3}$/.test(name)) refuse('a field name is no identifier');
  return name;
}

function literal(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are exactly what is refused
  if (/[\u0000-\u001f\u007f]/.test(text)) refuse('a value holds a control character');
  if (!text.isWellFormed()) refuse('a value is not well-formed Unicode');
  // Stripe documents how a quote is escaped and not how a backslash is: one before a quote might end the text.
  if (text.includes('\\')) refuse('a value holds a backslash');
  return `'${text.replaceAll("'", "\\'")}'`;
}
