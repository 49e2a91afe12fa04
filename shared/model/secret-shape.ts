/** A stretch of text that has the shape of a credential, and which kind. */
export type SecretFinding = { readonly start: number; readonly end: number; readonly kind: string };

/**
 * Something that stands in every text with one of the shapes below: most texts hold none of it, and one look tells.
 * A new shape needs its beginning here.
 */
const mayHold =
  /PRIVATE KEY|[Bb]earer\s|[Bb]asic\s|eyJ|pl_|pat-|[sr]k_|whsec_|gh[pousr]_|github_pat_|xox|A[KS]IA|sk-|AIza|[Pp][Aa][Ss][Ss][Ww]|[Pp][Ww][Dd]|[Ss][Ee][Cc][Rr][Ee][Tt]|[Aa][Pp][Ii][_-]?[Kk][Ee][Yy]|_[Tt][Oo][Kk][Ee][Nn]/;

const shapes: readonly (readonly [kind: string, pattern: RegExp])[] = [
  ['private key', /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g],
  ['bearer credential', /\b[Bb]earer\s+[A-Za-z0-9._~+/=-]{16,}/g],
  ['basic credential', /\b[Bb]asic\s+[A-Za-z0-9+/]{16,}={0,2}/g],
  ['JSON web token', /\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*/g],
  ['Plumbline key', /\bpl_[a-z0-9_]{4,64}_[0-9a-hjkmnp-tv-z]{40,}/g],
  ['HubSpot token', /\bpat-[a-z]{2,4}[0-9]?-[0-9a-f][0-9a-f-]{23,}/g],
  ['Stripe key', /\b(?:sk|rk|whsec)_(?:live_|test_)?[A-Za-z0-9+/=]{16,}/g],
  ['GitHub token', /\b(?:gh[pousr]_[A-Za-z0-9]{30,}|github_pat_[A-Za-z0-9_]{30,})/g],
  ['Slack token', /\bxox[abeoprs]-[A-Za-z0-9-]{10,}/g],
  ['AWS access key', /\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/g],
  ['model provider key', /\bsk-(?:[a-z]+-)*[A-Za-z0-9_-]{20,}/g],
  ['Google key', /\bAIza[A-Za-z0-9_-]{30,}/g],
  [
    'named credential',
    /\b(?:password|passwd|pwd|client_secret|api[_-]?key|access_token|refresh_token|secret)\b["']?\s*[:=]\s*["']?[^\s"',;]{6,}/gi,
  ],
];

/** Every stretch of `text` that looks like a credential, left to right, overlaps merged. It finds shapes, not meanings. */
export function findSecrets(text: string): readonly SecretFinding[] {
  if (text.length < 10 || !mayHold.test(text)) return [];
  const found: SecretFinding[] = [];
  for (const [kind, pattern] of shapes) {
    for (const match of text.matchAll(pattern)) {
      found.push({ start: match.index, end: match.index + match[0].length, kind });
    }
  }
  found.sort((a, b) => a.start - b.start || b.end - a.end);
  const merged: SecretFinding[] = [];
  for (const next of found) {
    const last = merged.at(-1);
    if (last && next.start < last.end) {
      merged[merged.length - 1] = { ...last, end: Math.max(last.end, next.end) };
    } else merged.push(next);
  }
  return merged;
}

/** `text` with every credential-shaped stretch replaced by `[redacted: <kind>]`, and the kinds that were found. */
export function redactSecrets(text: string): { readonly text: string; readonly kinds: readonly string[] } {
  const found = findSecrets(text);
  if (found.length === 0) return { text, kinds: [] };
  let out = '';
  let at = 0;
  for (const { start, end, kind } of found) {
    out += `${text.slice(at, start)}[redacted: ${kind}]`;
    at = end;
  }
  return { text: out + text.slice(at), kinds: [...new Set(found.map((finding) => finding.kind))] };
}
