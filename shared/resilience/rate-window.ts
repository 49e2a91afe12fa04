import type { Json } from '../model/json.ts';

/** One limit of a credential: so many calls in any `per` milliseconds. */
export type RateRule = { readonly calls: number; readonly per: number };

/** Calls of one window by its parts, the retries among them, and until when the system wants no call at all. */
export type RateWindow = {
  readonly slots: readonly (readonly [slot: number, calls: number, retries: number])[];
  readonly pausedUntilMs: number;
};

/** What a lease got: so many calls of the current part, or none and when to ask again. */
export type Lease = { readonly taken: number; readonly retryAfterMs: number; readonly pausedUntilMs: number };

/** What a lease asks for. `unused`: calls of an earlier lease that were never made, given back. */
export type LeaseAsk = {
  readonly nowMs: number;
  readonly want: number;
  readonly unused: readonly [slot: number, calls: number] | null;
};

/** A window is counted in this many parts. */
const parts = 10;
/** Retries may be this share of all calls of a window, and always this share of what the window allows. */
const retryShare = 0.2;
const retryFloor = 0.1;

/** The length of a part of a window, milliseconds. */
export function slotMs(rule: RateRule): number {
  return Math.max(1, Math.ceil(rule.per / parts));
}

/** The part of the window that a moment lies in. */
export function slotOf(rule: RateRule, nowMs: number): number {
  return Math.floor(nowMs / slotMs(rule));
}

/**
 * Takes calls that must be made within the current part of the window. The last eleven parts together never hold more than the
 * limit, and no stretch of `per` touches more than eleven: the limit holds in every stretch, not only in windows of our own.
 */
export function lease(window: RateWindow, rule: RateRule, ask: LeaseAsk): { next: RateWindow; lease: Lease } {
  const { nowMs } = ask;
  const slot = slotOf(rule, nowMs);
  const slots = current(givenBack(window.slots, ask.unused), slot);
  const used = slots.reduce((sum, [, calls]) => sum + calls, 0);
  const paused = window.pausedUntilMs > nowMs;
  const taken = paused ? 0 : Math.max(0, Math.min(ask.want, rule.calls - used));
  const retryAfterMs = paused ? window.pausedUntilMs - nowMs : waitMs(slots, rule, nowMs);
  const next = { ...window, slots: taken === 0 ? slots : counted(slots, slot, [taken, 0]) };
  return { next, lease: { taken, retryAfterMs: taken > 0 ? 0 : retryAfterMs, pausedUntilMs: window.pausedUntilMs } };
}

/** Counts one retry where the budget for retries has room; else says when it may have. */
export function leaseRetry(
  window: RateWindow,
  rule: RateRule,
  nowMs: number,
): { next: RateWindow; retryAfterMs: number | null } {
  const slot = slotOf(rule, nowMs);
  const slots = current(window.slots, slot);
  const calls = slots.reduce((sum, [, one]) => sum + one, 0);
  const retries = slots.reduce((sum, [, , one]) => sum + one, 0);
  const room = Math.max(1, Math.floor(calls * retryShare), Math.floor(rule.calls * retryFloor));
  if (retries >= room) return { next: window, retryAfterMs: slotMs(rule) };
  return { next: { ...window, slots: counted(slots, slot, [0, 1]) }, retryAfterMs: null };
}

/** A window as it is stored; what cannot be read counts as empty. */
export function rateWindowOf(value: Json | null): RateWindow {
  const known = value as { slots?: unknown; pausedUntilMs?: unknown } | null;
  const slots = Array.isArray(known?.slots) ? (known.slots as RateWindow['slots']) : [];
  return { slots, pausedUntilMs: Number(known?.pausedUntilMs ?? 0) };
}

/** The parts that a stretch of `per` which ends now may still touch; a later part was counted by a faster clock. */
function current(slots: RateWindow['slots'], slot: number): RateWindow['slots'] {
  return slots.filter(([one]) => one >= slot - parts);
}

function givenBack(slots: RateWindow['slots'], unused: LeaseAsk['unused']): RateWindow['slots'] {
  if (unused === null) return slots;
  const [slot, back] = unused;
  return slots.map(([one, calls, retries]) => [one, one === slot ? Math.max(0, calls - back) : calls, retries]);
}

function counted(slots: RateWindow['slots'], slot: number, [calls, retries]: readonly [number, number]) {
  const [, before = 0, again = 0] = slots.find(([one]) => one === slot) ?? [];
  const others = slots.filter(([one]) => one !== slot);
  return [...others, [slot, before + calls, again + retries] as const];
}

/** Until the oldest part that holds calls is forgotten. */
function waitMs(slots: RateWindow['slots'], rule: RateRule, nowMs: number): number {
  const oldest = Math.min(...slots.filter(([, calls]) => calls > 0).map(([slot]) => slot));
  if (!Number.isFinite(oldest)) return slotMs(rule);
  return Math.max(1, (oldest + parts + 1) * slotMs(rule) - nowMs);
}
