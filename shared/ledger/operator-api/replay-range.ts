import * as z from 'zod/mini';
import { sourcePrincipal } from '../../model/event.ts';
import type { OperatorApiDeps } from './deps.ts';

const dayMs = 86_400_000;
const time = z
  .string()
  .check(z.refine((text) => !Number.isNaN(Date.parse(text)), 'a time, such as 2026-11-21T08:00:00Z'));

/** Which events are meant: those that one system's channel decided from `from` until before `to`. */
export const rangeSchema = {
  system: z.string().check(z.minLength(1), z.maxLength(40)),
  channel: z.string().check(z.minLength(1), z.maxLength(40)),
  /** Only events of this type. */
  type: z.optional(z.string().check(z.minLength(1), z.maxLength(200))),
  from: time,
  to: time,
  cursor: z._default(z.nullable(z.string().check(z.maxLength(1000))), null),
};

type Range = {
  readonly system: string;
  readonly channel: string;
  readonly type?: string | undefined;
  readonly from: string;
  readonly to: string;
  readonly cursor: string | null;
  readonly nowMs: number;
};

/** A page of identities; `cursor` is null at the end. */
type Decided =
  | { readonly kind: 'page'; readonly identities: readonly string[]; readonly cursor: string | null }
  | { readonly kind: 'wrong'; readonly detail: string; readonly hint: string };

/**
 * One page of the events that a channel decided in a span of time, by the ledger's index of the day. Forced replays are events of
 * their own there and are left out. A page reads at most one page of the ledger, so that it ends in time.
 */
export async function decidedBetween(deps: Pick<OperatorApiDeps, 'config' | 'ledger'>, range: Range): Promise<Decided> {
  const { system, channel, nowMs } = range;
  // What a feed finds is decided like what a webhook tells, under the feed's name.
  const channels = Object.entries(deps.config.systems).flatMap(([name, { webhooks, feeds }]) =>
    [...new Set([...Object.keys(webhooks), ...Object.keys(feeds)])].map((one) => `${name}/${one}`),
  );
  const wrong = (detail: string, hint: string): Decided => ({ kind: 'wrong', detail, hint });
  if (!channels.includes(`${system}/${channel}`)) {
    return wrong(`There is no channel ${system}/${channel}.`, `Channels: ${channels.join(', ')}.`);
  }
  const [fromMs, toMs] = [Date.parse(range.from), Math.min(Date.parse(range.to), nowMs + 1)];
  if (fromMs >= toMs) return wrong('`from` is not before `to`.', 'Give a span of time that has begun.');
  const place = placeOf(range.cursor, fromMs);
  if (!place)
    return wrong('`cursor` is not one that this door gave.', 'Leave it out, or take it from the last answer.');
  const principal = sourcePrincipal({ system, channel });
  const { entries, cursor } = await deps.ledger.byPrincipalDay(principal, place.day, place.cursor);
  const identities = entries.flatMap((entry) => {
    if (entry.kind !== 'event' || entry.atMs < fromMs || entry.atMs >= toMs) return [];
    if (range.type !== undefined && entry.type !== range.type) return [];
    return entry.identity.includes('~forced:') ? [] : [entry.identity];
  });
  return { kind: 'page', identities: [...new Set(identities)], cursor: nextPlace(place.day, cursor, toMs) };
}

type Place = { readonly day: string; readonly cursor: string | null };

function placeOf(cursor: string | null, fromMs: number): Place | null {
  if (cursor === null) return { day: dayOf(fromMs), cursor: null };
  const match = /^([0-9]{4}-[0-9]{2}-[0-9]{2})(?:\.([A-Za-z0-9_-]+))?$/.exec(cursor);
  const day = match?.[1];
  return day === undefined || Number.isNaN(Date.parse(day)) ? null : { day, cursor: match?.[2] ?? null };
}

function nextPlace(day: string, cursor: string | null, toMs: number): string | null {
  if (cursor !== null) return `${day}.${cursor}`;
  const nextMs = Date.parse(day) + dayMs;
  return nextMs < toMs ? dayOf(nextMs) : null;
}

function dayOf(atMs: number): string {
  return new Date(atMs).toISOString().slice(0, 10);
}
