import { invalid } from './errors.ts';

/** Parameters as they arrive: text, or nested by brackets. Lists are objects with number names until they are read. */
export type Params = { [name: string]: string | Params };

const mostPairs = 1000;

/**
 * Reads form pairs with Stripe's brackets: `a[b]=1`, `list[]=x`, `list[0][id]=y`, plain or percent-encoded.
 * @throws StripeError 400 for brackets that do not match and for a name that is both a value and an object
 */
export function parseForm(pairs: URLSearchParams): Params {
  const root: Params = Object.create(null) as Params;
  let count = 0;
  for (const [name, value] of pairs) {
    count += 1;
    if (count > mostPairs) throw invalid('Too many parameters.');
    put(root, namesOf(name), value, name);
  }
  return root;
}

function namesOf(name: string): string[] {
  const match = /^([^[\]]+)((?:\[[^[\]]*\])*)$/.exec(name);
  if (!match) throw invalid(`Invalid parameter name: ${name}`, name);
  return [match[1] ?? '', ...[...(match[2] ?? '').matchAll(/\[([^[\]]*)\]/g)].map(([, inner]) => inner ?? '')];
}

function put(root: Params, names: readonly string[], value: string, whole: string): void {
  let at = root;
  for (const [depth, name] of names.entries()) {
    const key = name === '' ? String(Object.keys(at).length) : name;
    const held = at[key];
    if (depth === names.length - 1) {
      if (typeof held === 'object') throw invalid(`Invalid object: ${whole}`, whole);
      at[key] = value;
      return;
    }
    if (typeof held === 'string') throw invalid(`Invalid object: ${whole}`, whole);
    const next = held ?? (Object.create(null) as Params);
    at[key] = next;
    at = next;
  }
}
