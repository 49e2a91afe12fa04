import type { Json, JsonObject } from '../model/json.ts';
import type { PlannedCall } from '../model/operation.ts';

/** Where a walk over changes stands; only the feed itself reads it. */
export type FeedMark = JsonObject;

/** One change as a feed tells it: which record, in which version. Never what the record holds. */
export type FeedChange = {
  /** What the record is, such as `contact`. */
  readonly object: string;
  readonly id: string;
  /** Changes with every change of the record, such as the time of it as the system writes it. */
  readonly version: string;
};

/**
 * Changes of one kind of record, asked for page by page, for systems and accounts that send no webhooks. Marks go by the system's
 * own times and never by our clock, so that clocks that differ lose nothing; none of these functions does I/O.
 */
export type Feed = {
  /** What its records are, such as `contact`. */
  readonly object: string;
  /** Where the very first walk begins. */
  begin(nowMs: number): FeedMark;
  /** The read of the next page. */
  page(system: string, mark: FeedMark): PlannedCall;
  /** The changes of a page, and where the next one begins; `more` where the walk is not at its end. */
  read(
    data: Json,
    mark: FeedMark,
  ): { readonly changes: readonly FeedChange[]; readonly next: FeedMark; readonly more: boolean };
  /** Where the next walk begins: `overlapMs` before the newest change that was seen, for what the system shows late. */
  again(mark: FeedMark, overlapMs: number): FeedMark;
  /** The read of a changed record. */
  get(system: string, id: string): PlannedCall;
};
