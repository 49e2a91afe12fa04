import { createHash, createHmac } from 'node:crypto';
import { decodeStrict, equalBytes, strictUtf8 } from './encoding.ts';
import { type CheckedRequest, matchIndex } from './verify-table.ts';
import { type Proof, Refusal } from './verify-types.ts';

/**
 * Twilio: HMAC-SHA1 over the URL and the sorted form fields, or over a URL that carries `bodySHA256` of any other body.
 * Twilio signs the URL with or without its port and with either spelling of a quote, so four spellings are tried.
 * @see https://www.twilio.com/docs/usage/security#validating-requests
 */
export function verifyTwilio(request: CheckedRequest): Proof {
  const given = decodeStrict(request.reader.required('x-twilio-signature'), 'base64');
  if (!given) throw new Refusal('malformed_header');
  const fields = signedFields(request);
  const candidates = urlSpellings(request.url).map((url) => url + fields);
  const secretIndex = matchIndex(request.secrets, (secret) =>
    candidates.map((text) => [createHmac('sha1', secret).update(text).digest(), given] as const),
  );
  return { secretIndex };
}

/** The form fields as they are signed, or nothing where the URL vouches for the body. Refuses a body that nothing vouches for. */
function signedFields(request: CheckedRequest): string {
  const query = request.url.split('#')[0]?.split('?').slice(1).join('?') ?? '';
  const hashes = query.split('&').filter((pair) => pair.startsWith('bodySHA256='));
  if (hashes.length > 1) throw new Refusal('duplicate_header');
  if (hashes.length === 1) {
    const named = decodeStrict((hashes[0] ?? '').slice('bodySHA256='.length), 'hex');
    const actual = createHash('sha256').update(request.body).digest();
    if (!named || !equalBytes(named, actual)) throw new Refusal('mismatch');
    return '';
  }
  if (request.body.length === 0) return '';
  const type = request.reader.optional('content-type');
  if (type !== null && !/^application\/x-www-form-urlencoded\s*(?:;|$)/i.test(type)) {
    throw new Refusal('body_not_covered');
  }
  return sortedFields(request.body);
}

function sortedFields(body: Uint8Array): string {
  const text = strictUtf8(body);
  if (text === null) throw new Refusal('malformed_body');
  const fields = new Map<string, Set<string>>();
  for (const pair of text.split('&').filter((part) => part !== '')) {
    const cut = pair.indexOf('=');
    const name = unescapeField(cut < 0 ? pair : pair.slice(0, cut));
    const values = fields.get(name) ?? new Set<string>();
    fields.set(name, values.add(cut < 0 ? '' : unescapeField(pair.slice(cut + 1))));
  }
  return [...fields.keys()]
    .sort()
    .flatMap((name) => [...(fields.get(name) ?? [])].sort().map((value) => name + value))
    .join('');
}

/** One spelling for each character: lower-case escapes, broken escapes and wrong UTF-8 are refused, not repaired. */
function unescapeField(text: string): string {
  if (/%(?![0-9A-F]{2})/.test(text)) throw new Refusal('malformed_body');
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    throw new Refusal('malformed_body');
  }
}

function urlSpellings(url: string): readonly string[] {
  const match = /^(https?):\/\/([^/?#]*)([^?#]*)(.*)$/s.exec(url);
  if (!match) return [url];
  const [, scheme = '', host = '', path = '', tail = ''] = match;
  const bare = host.replace(/:\d{1,5}$/, '');
  const withPort = bare === host ? `${host}:${scheme === 'https' ? 443 : 80}` : host;
  const tails = [tail.replaceAll("'", '%27'), tail.replaceAll('%27', "'")];
  const spelled = [bare, withPort].flatMap((name) => tails.map((end) => `${scheme}://${name}${path}${end}`));
  return [...new Set(spelled)];
}
