import type { PayloadStore } from '../ledger/ports.ts';
import type { Clock } from '../model/clock.ts';
import type { InboxMessage } from '../model/event.ts';
import { sha256Hex } from '../model/ids.ts';
import type { Log } from '../observe/log.ts';
import { parseBody } from './body-parse.ts';
import type { Channel } from './channels.ts';
import { answerHandshake, answerSignedHandshake } from './handshake.ts';
import { quarantineMessage, readableMessages } from './messages.ts';
import type { EventQueue } from './ports.ts';
import { bodyBytes, bodySize, type InboundRequest, type InboundResponse, plainHeader } from './request.ts';
import { verify } from './verify.ts';
import type { VerifyResult } from './verify-types.ts';

/** What the door needs. Only `queue` and `payloads` do I/O, and only after a signature passed. */
export type ReceiveDeps = {
  readonly channels: ReadonlyMap<string, Channel>;
  /** Values of a secret from memory; null where they were never loaded. */
  readonly secretsOf: (name: string) => readonly string[] | null;
  /** The public origin as configured at the providers, or null: then the domain that AWS names. */
  readonly publicOrigin: string | null;
  readonly queue: EventQueue;
  readonly payloads: Pick<PayloadStore, 'put'>;
  readonly clock: Clock;
  readonly log: Log;
};

const hardLimitBytes = 5_242_880;
const defaultLimitBytes = 1_048_576;
const refused: InboundResponse = { statusCode: 401, headers: { 'content-type': 'text/plain' }, body: '' };
const decoy = { header: 'x-signature', algorithm: 'sha256', encoding: 'hex' };

/**
 * Receives one notification: size, route, handshake, raw bytes, signature, parse, split, identity, enqueue, acknowledge.
 * A 2xx means that every item is durable in the queue. Before the signature passes nothing outside this process is called.
 * Never throws: a fault of the infrastructure answers 503, so that the provider sends again.
 */
export async function receive(deps: ReceiveDeps, request: InboundRequest): Promise<InboundResponse> {
  const startedAtMs = deps.clock.now();
  const channel = route(deps, request.path);
  const early = refuseEarly(channel, request);
  if (early) return early;
  if (channel) {
    const handshake = answerHandshake(channel.provider, request, channel.params);
    if (handshake) return handshake;
  }
  const body = bodyBytes(request);
  const verdict = judge(deps, channel, request, body);
  if (!channel || !body || !verdict.ok) return refuse(deps, channel, verdict);
  try {
    const answer = await accept(deps, channel, request, body, verdict);
    const dimensions = { system: channel.system, channel: channel.channel };
    deps.log.metric('webhook_verified', 1, 'Count', { ...dimensions, secret: String(verdict.secretIndex) });
    deps.log.metric('webhook_acknowledged_after', deps.clock.now() - startedAtMs, 'Milliseconds', dimensions);
    return answer;
  } catch (error) {
    deps.log.error('A verified webhook could not be stored.', named(channel), error);
    return unavailable;
  }
}

const unavailable: InboundResponse = { statusCode: 503, headers: { 'retry-after': '30' }, body: '' };

function route(deps: ReceiveDeps, path: string): Channel | null {
  const [, system = '', channel = '', token, ...rest] = path.split('/');
  const found = deps.channels.get(`${system}/${channel}`) ?? null;
  const deeper = token !== undefined && (rest.length > 0 || found?.scheme !== 'salesforce-outbound');
  return deeper ? null : found;
}

/** Answers that do not depend on whether the route exists, except for what its provider is known to send. */
function refuseEarly(channel: Channel | null, request: InboundRequest): InboundResponse | null {
  const limit = Math.min(channel?.maxBodyBytes ?? defaultLimitBytes, hardLimitBytes);
  if (bodySize(request) > limit) return { statusCode: 413, headers: {}, body: '' };
  const methods = channel?.provider.methods ?? ['POST'];
  if (!methods.includes(request.method)) return { statusCode: 405, headers: { allow: methods.join(', ') }, body: '' };
  const encoding = plainHeader(request.headers, 'content-encoding');
  const encoded = Object.keys(request.headers).some((name) => name.toLowerCase() === 'content-encoding');
  return encoded && encoding?.toLowerCase() !== 'identity' ? { statusCode: 415, headers: {}, body: '' } : null;
}

/** An unknown route costs what a wrong signature costs, so that neither tells which it was. */
function judge(
  deps: ReceiveDeps,
  channel: Channel | null,
  request: InboundRequest,
  body: Uint8Array | null,
): VerifyResult {
  const origin = deps.publicOrigin ?? `https://${request.domainName}`;
  const input = {
    method: request.method,
    url: `${origin}${request.path}${request.query === '' ? '' : `?${request.query}`}`,
    headers: request.headers,
    body: body ?? new Uint8Array(),
    nowMs: deps.clock.now(),
  };
  if (!channel) {
    const headers = { [decoy.header]: '0'.repeat(64) };
    const verdict = verify({ ...input, headers, scheme: 'hmac', secrets: 'no such route', params: decoy });
    return verdict.ok ? { ok: false, reason: 'mismatch' } : verdict;
  }
  const { scheme, params, toleranceSeconds } = channel;
  return verify({ ...input, scheme, params, toleranceSeconds, secrets: deps.secretsOf(channel.secret) ?? [] });
}

function refuse(deps: ReceiveDeps, channel: Channel | null, verdict: VerifyResult): InboundResponse {
  const reason = verdict.ok ? 'malformed_body' : verdict.reason;
  const dimensions = { system: channel?.system ?? 'none', channel: channel?.channel ?? 'none', reason };
  deps.log.metric('webhook_rejected', 1, 'Count', dimensions);
  const unusable = reason === 'config';
  if (worthALine(deps, channel, reason)) {
    const fields = { ...(channel ? named(channel) : {}), reason };
    if (unusable) deps.log.error('The secret or the settings of a webhook channel cannot be used.', fields);
    else deps.log.warn('A webhook was refused.', fields);
  }
  return unusable ? unavailable : refused;
}

const lastLogged = new WeakMap<ReceiveDeps, Map<string, number>>();

/** One line a minute for each reason: a flood of forgeries must not become a flood of log lines. */
function worthALine(deps: ReceiveDeps, channel: Channel | null, reason: string): boolean {
  const times = lastLogged.get(deps) ?? new Map<string, number>();
  lastLogged.set(deps, times);
  const key = `${channel?.system ?? ''}/${channel?.channel ?? ''}/${reason}`;
  if (deps.clock.now() - (times.get(key) ?? Number.NEGATIVE_INFINITY) < 60_000) return false;
  times.set(key, deps.clock.now());
  return true;
}

async function accept(
  deps: ReceiveDeps,
  channel: Channel,
  request: InboundRequest,
  body: Uint8Array,
  verdict: Extract<VerifyResult, { ok: true }>,
): Promise<InboundResponse> {
  const { provider } = channel;
  const parsed = parseBody(provider.format, body, plainHeader(request.headers, 'content-type'));
  const signed = parsed.ok ? answerSignedHandshake(provider, parsed.value) : null;
  if (signed) return signed;
  const delivery = {
    channel,
    bodyHash: sha256Hex(body),
    receivedAtMs: deps.clock.now(),
    verdict,
    unsignedType: provider.typeHeader === null ? null : plainHeader(request.headers, provider.typeHeader),
  };
  const messages: readonly InboxMessage[] = parsed.ok
    ? await readableMessages(deps.payloads, delivery, parsed.value)
    : [await quarantineMessage(deps.payloads, delivery, parsed.reason, body)];
  if (messages.length > 0) await deps.queue.send(messages);
  const { status, contentType, body: text } = provider.acknowledge;
  return { statusCode: status, headers: { 'content-type': contentType }, body: text };
}

function named(channel: Channel) {
  return { system: channel.system, channel: channel.channel };
}
