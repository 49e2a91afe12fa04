import { createHmac, timingSafeEqual } from 'node:crypto';

/** Who may use which event from when on. */
export type EventGrant = { readonly eventId: string; readonly principal: string; readonly atMs: number };

/** The event a handle names, or why it is not believed. */
export type HandleVerdict =
  | { readonly kind: 'event'; readonly eventId: string; readonly atMs: number }
  | { readonly kind: 'refused'; readonly code: 'event_handle_invalid' };

const refused: HandleVerdict = { kind: 'refused', code: 'event_handle_invalid' };

/**
 * Makes the handle that is delivered to an agent with an event: the event's id, the time and a MAC over both and the agent.
 * Only with it is an event id believed, so no agent can name an event that was not delivered to it.
 * @param key at least 32 secret bytes
 */
export function mintEventHandle(key: Uint8Array, grant: EventGrant): string {
  const id = Buffer.from(grant.eventId).toString('base64url');
  return `evt.${id}.${grant.atMs.toString(36)}.${mac(key, grant).toString('base64url')}`;
}

/**
 * Verifies a handle for one agent, in constant time over the MAC.
 * Refused: a changed handle, another agent's, one older than `retentionMs`, one from the future beyond five minutes of skew.
 * @param keys the live keys, newest first: two during a rotation
 */
export function verifyEventHandle(
  keys: readonly Uint8Array[],
  handle: string,
  at: { readonly principal: string; readonly nowMs: number; readonly retentionMs: number },
): HandleVerdict {
  const match = /^evt\.([A-Za-z0-9_-]{1,1400})\.([0-9a-z]{1,10})\.([A-Za-z0-9_-]{43})$/.exec(handle);
  if (!match) return refused;
  const [, id = '', time = '', given = ''] = match;
  const grant: EventGrant = {
    eventId: Buffer.from(id, 'base64url').toString('utf8'),
    principal: at.principal,
    atMs: Number.parseInt(time, 36),
  };
  const signature = Buffer.from(given, 'base64url');
  const genuine = keys.some((key) => timingSafeEqual(mac(key, grant), signature));
  const current = grant.atMs >= at.nowMs - at.retentionMs && grant.atMs <= at.nowMs + 300_000;
  return genuine && current ? { kind: 'event', eventId: grant.eventId, atMs: grant.atMs } : refused;
}

function mac(key: Uint8Array, { eventId, principal, atMs }: EventGrant): Buffer {
  return createHmac('sha256', key)
    .update(JSON.stringify(['plumbline event handle', eventId, principal, atMs]))
    .digest();
}
