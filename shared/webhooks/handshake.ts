import { createHash } from 'node:crypto';
import type { Json } from '../model/json.ts';
import { equalBytes } from './encoding.ts';
import type { Provider } from './providers.ts';
import type { InboundRequest, InboundResponse } from './request.ts';

const maxEchoChars = 4096;

/**
 * Answers a provider's question whether this endpoint is ours, where the request is one; null where it is none.
 * Only on a channel of that provider, as plain text, bounded.
 * @param params the channel's settings; `verifyToken` is what was typed into Meta's form
 */
export function answerHandshake(
  provider: Provider,
  request: InboundRequest,
  params: Readonly<Record<string, string>>,
): InboundResponse | null {
  const query = new URLSearchParams(request.query);
  if (provider.handshake === 'graph') return echo(query.getAll('validationToken'));
  if (provider.handshake !== 'meta' || request.method !== 'GET') return null;
  const expected = params.verifyToken ?? '';
  const tokens = query.getAll('hub.verify_token');
  const right = expected !== '' && tokens.length === 1 && sameText(expected, tokens[0] ?? '');
  return right && query.get('hub.mode') === 'subscribe' ? echo(query.getAll('hub.challenge')) : null;
}

/** Slack asks inside a signed body: answered after verification. */
export function answerSignedHandshake(provider: Provider, body: Json): InboundResponse | null {
  if (provider.handshake !== 'slack' || body === null || typeof body !== 'object') return null;
  const { type, challenge } = body as { readonly [name: string]: Json };
  return type === 'url_verification' && typeof challenge === 'string' ? echo([challenge]) : null;
}

function echo(values: readonly string[]): InboundResponse | null {
  const [text, ...others] = values;
  if (text === undefined || others.length > 0 || text.length > maxEchoChars) return null;
  return {
    statusCode: 200,
    headers: { 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff' },
    body: text,
  };
}

function sameText(a: string, b: string): boolean {
  const hash = (text: string) => createHash('sha256').update(text).digest();
  return equalBytes(hash(a), hash(b));
}
