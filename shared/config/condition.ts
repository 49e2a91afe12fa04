/** One comparison of a condition such as `pipeline = sales and country in NL, BE`. */
export type Comparison = {
  readonly field: string;
  readonly kind: '=' | '!=' | 'in';
  readonly values: readonly string[];
};

/** What a condition on a record may look like, in words. */
export const conditionForm = '`field = value`, `field != value` or `field in value, value`, joined by `and`';

/** Reads a condition on a record, or null where it is none. */
export function parseCondition(text: string): readonly Comparison[] | null {
  const parts = text.split(/\s+and\s+/);
  const out = parts.map((part): Comparison | null => {
    const match = /^\s*([A-Za-z_][A-Za-z0-9_.]{0,63})\s*(!=|=|\sin\s)\s*(\S.*?)\s*$/.exec(part);
    const [field, operator, rest] = match ? [match[1], match[2]?.trim(), match[3]] : [];
    if (!field || !rest) return null;
    if (operator === 'in') return { field, kind: 'in', values: rest.split(',').map((value) => value.trim()) };
    return { field, kind: operator === '!=' ? '!=' : '=', values: [rest] };
  });
  return out.every((comparison) => comparison !== null) ? out : null;
}

/**
 * Whether a condition holds on a record's fields. A field the record does not have makes it false, whatever the comparison:
 * what cannot be judged is not allowed. Values are compared as text, letter case ignored.
 */
export function conditionTrue(comparisons: readonly Comparison[], fields: Readonly<Record<string, unknown>>): boolean {
  return comparisons.every(({ field, kind, values }) => {
    const actual = fields[field];
    if (actual === undefined || actual === null || actual === '' || typeof actual === 'object') return false;
    const found = values.some((value) => value.toLowerCase() === String(actual).toLowerCase());
    return kind === '!=' ? !found : found;
  });
}
