import { PlumblineError } from '../../model/errors.ts';

/** What a condition compares with; times are marked, since OData writes them without quotes. */
export type ODataValue = string | number | boolean | null | { readonly dateTime: string };

/** One comparison of a property, which may be a path such as `from/emailAddress/address`. */
export type ODataCondition = {
  readonly property: string;
  readonly operator: 'eq' | 'ne' | 'gt' | 'ge' | 'lt' | 'le' | 'startswith' | 'contains';
  readonly value: ODataValue;
};

/** What a mailbox is searched for; all of it must hold. Words are searched for as they follow each other. */
export type MailSearch = {
  readonly words?: string;
  readonly from?: string;
  readonly to?: string;
  readonly subject?: string;
  /** Days, `2026-01-31`, both included. */
  readonly receivedFrom?: string;
  readonly receivedTo?: string;
};

/** System query options of OData, and others that Graph takes. */
export type QueryOptions = { readonly [option: `$${string}` | string]: string | number | undefined };

const hint = 'Give names as Microsoft documents them and plain values.';

function refuse(what: string): never {
  const details = { code: 'invalid_input', retry: 'never', hint } as const;
  throw new PlumblineError(`A request was refused before it was built: ${what}.`, details);
}

/** A query string with its `?`, or nothing. `$` and `,` stay as they are, as Microsoft's own client writes them. */
export function odataQuery(options: QueryOptions): string {
  const pairs = Object.entries(options).filter((pair): pair is [string, string | number] => pair[1] !== undefined);
  if (pairs.length === 0) return '';
  const text = pairs.map(([name, value]) => {
    if (!/^\$?[A-Za-z]{1,40}$/.test(name)) refuse('a query option is no name');
    if (!String(value).isWellFormed()) refuse('a query value is not well-formed Unicode');
    return `${name}=${encodeURIComponent(value).replaceAll('%2C', ',')}`;
  });
  return `?${text.join('&')}`;
}

/** Conditions of which all must hold, or, where there are groups, those of any group. Throws `invalid_input`. */
export function odataFilter(groups: readonly (readonly ODataCondition[])[]): string | undefined {
  const texts = groups.filter((group) => group.length > 0).map((group) => group.map(condition).join(' and '));
  if (texts.length === 0) return undefined;
  return texts.length === 1 ? texts[0] : texts.map((text) => `(${text})`).join(' or ');
}

/** Those that carry this value in an extended property. @see https://learn.microsoft.com/en-us/graph/api/singlevaluelegacyextendedproperty-get */
export function extendedFilter(property: string, value: string): string {
  return `singleValueExtendedProperties/Any(ep: ep/id eq ${literal(property)} and ep/value eq ${literal(value)})`;
}

/** Asks for the extended property beside the other fields. */
export function extendedExpand(property: string): string {
  return `singleValueExtendedProperties($filter=id eq ${literal(property)})`;
}

const comparisons = { eq: 'eq', ne: 'ne', gt: 'gt', ge: 'ge', lt: 'lt', le: 'le' } as const;
const functions = { startswith: 'startswith', contains: 'contains' } as const;

function condition({ property, operator, value }: ODataCondition): string {
  const name = propertyPath(property);
  if (Object.hasOwn(functions, operator)) {
    if (typeof value !== 'string' || value === '') refuse('text is compared with text only');
    return `${functions[operator as keyof typeof functions]}(${name},${literal(value)})`;
  }
  if (!Object.hasOwn(comparisons, operator)) refuse('an operator is not known');
  return `${name} ${comparisons[operator as keyof typeof comparisons]} ${literal(value)}`;
}

/** Property names and paths of them; nothing that could be an operator or a call. */
export function propertyPath(name: string): string {
  if (!/^[A-Za-z][A-Za-z0-9]{0,79}(\/[A-Za-z][A-Za-z0-9]{0,79}){0,3}$/.test(name)) refuse('a property is no name');
  return name;
}

/** A value as OData writes it: text between single quotes, a single quote in it doubled. */
function literal(value: ODataValue): string {
  if (value === null) return 'null';
  if (typeof value === 'boolean') return value ? 'true' : 'false';
  if (typeof value === 'number') return decimal(value);
  if (typeof value === 'object') return isoTime(value.dateTime);
  return `'${plainText(value).replaceAll("'", "''")}'`;
}

function decimal(value: number): string {
  const text = String(value);
  if (!/^-?[0-9]+(\.[0-9]+)?$/.test(text)) refuse('a number cannot be written as a plain decimal');
  return text;
}

/** An ISO time in UTC with whole seconds or more. Throws `invalid_input`. */
export function isoTime(text: string): string {
  const form = /^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,7})?Z$/;
  if (!form.test(text) || Number.isNaN(Date.parse(text))) refuse('a time is not ISO in UTC');
  return text;
}

function plainText(value: string): string {
  if (!value.isWellFormed()) refuse('a value is not well-formed Unicode');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are exactly what is refused
  if (/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/.test(value)) refuse('a value holds a control character');
  return value;
}

/**
 * The value of `$search` for messages. What is searched for stands between quotation marks, and marks of the caller separate
 * words only, so that nothing given can become a keyword of the search language.
 * @see https://learn.microsoft.com/en-us/graph/search-query-parameter
 */
export function mailSearch({ words, from, to, subject, receivedFrom, receivedTo }: MailSearch): string {
  const parts = [
    ...(words === undefined ? [] : [phrase(words)]),
    ...(from === undefined ? [] : [`from:${phrase(from)}`]),
    ...(to === undefined ? [] : [`to:${phrase(to)}`]),
    ...(subject === undefined ? [] : [`subject:${phrase(subject)}`]),
    ...(receivedFrom === undefined ? [] : [`received>=${day(receivedFrom)}`]),
    ...(receivedTo === undefined ? [] : [`received<=${day(receivedTo)}`]),
  ];
  if (parts.length === 0) refuse('a search has nothing to search for');
  return `"${parts.join(' AND ')}"`;
}

/** Quotation marks inside the quoted value of `$search` are escaped. */
function phrase(value: string): string {
  const text = plainText(value)
    .replaceAll(/["\\\u201c-\u201f*]/g, ' ')
    .replaceAll(/\s+/g, ' ')
    .trim();
  if (text === '') refuse('a search has nothing to search for');
  return `\\"${text}\\"`;
}

function day(text: string): string {
  if (!/^[0-9]{4}-[0-9]{2}-[0-9]{2}$/.test(text) || Number.isNaN(Date.parse(text))) refuse('a day is none');
  return text;
}
