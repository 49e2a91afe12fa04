import type { Json } from '../model/json.ts';
import { redactSecrets } from '../model/secret-shape.ts';

/** Fields whose value is a credential by name, whatever it looks like; compared without case, `_` and `-`. */
const secretNames: ReadonlySet<string> = new Set([
  'sessionid',
  'clientstate',
  'token',
  'validationtokens',
  'accesstoken',
  'refreshtoken',
  'idtoken',
  'authorization',
  'password',
  'secret',
  'clientsecret',
  'apikey',
  'privatekey',
  // Whoever holds it may answer in the name of the app.
  'responseurl',
]);

/** A payload without the credentials that providers put into it, and without text in the shape of one. */
export function redactPayload(value: Json): Json {
  if (typeof value === 'string') return redactSecrets(value).text;
  if (value === null || typeof value !== 'object') return value;
  if (isList(value)) return value.map(redactPayload);
  // Most payloads hold nothing to hide: what does not change is not copied.
  const changed: [string, Json][] = [];
  for (const name of Object.keys(value)) {
    const inner = value[name] ?? null;
    const shown = isSecretName(name) ? hidden(inner) : redactPayload(inner);
    if (shown !== inner) changed.push([name, shown]);
  }
  return changed.length === 0 ? value : { ...value, ...Object.fromEntries(changed) };
}

/** Text that could not be parsed, without what looks like a credential; at most 100 000 characters. */
export function redactText(text: string): string {
  const named = text
    .slice(0, 100_000)
    .replace(
      /("?\b(?:session_?id|client_?state|\w*token|authorization)\b"?\s*[:=]\s*)("[^"]*"?|[^\s,&<}]+)/gi,
      '$1[redacted]',
    )
    .replace(/(<(?:\w+:)?SessionId\b[^>]*>)[^<]*/gi, '$1[redacted]');
  return redactSecrets(named).text;
}

/** No name is longer, whatever signs stand between its letters. */
const longestName = 64;

function isSecretName(name: string): boolean {
  if (name.length > longestName) return false;
  return secretNames.has(name) || secretNames.has(name.toLowerCase().replace(/[_-]/g, ''));
}

function hidden(inner: Json): Json {
  return inner === null || inner === '' ? inner : '[redacted]';
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}
