/** One event for one subscriber, as it waits in the queue: ids and type, nothing of the event itself. */
export type DeliveryMessage = {
  readonly version: 1;
  /** The event's id for `event` keys: `system#channel#identity`. */
  readonly eventId: string;
  readonly agent: string;
  readonly system: string;
  readonly channel: string;
  readonly type: string;
  /** `object/id` of the record it is about, or null. */
  readonly record: string | null;
  /** SHA-256 of the event's item. */
  readonly itemHash: string;
  readonly occurredAtMs: number | null;
  /** When it was queued: its deadline counts from here. */
  readonly queuedAtMs: number;
};

/** How a delivery ended. */
export type DeliveryOutcome = 'delivered' | 'rule' | 'case' | 'not_subscribed';

/** Where deliveries wait. Throws `store_unavailable` where not all of them are durable. */
export type DeliveryQueue = { send(messages: readonly DeliveryMessage[]): Promise<void> };

/** Records of deliveries, one for each event and subscriber: leased, fenced, conditional; a finished one is never claimed again. */
export type DeliveryStore = {
  /** `done`: it ended. `busy`: another live lease, until `leaseUntilMs`. `attempts` counts this claim too. */
  claim(input: {
    readonly id: string;
    readonly owner: string;
    readonly nowMs: number;
    readonly leaseMs: number;
  }): Promise<
    | { readonly kind: 'claimed'; readonly attempts: number }
    | { readonly kind: 'busy'; readonly leaseUntilMs: number }
    | { readonly kind: 'done'; readonly outcome: DeliveryOutcome }
  >;
  /** Ends a delivery by the owner of its lease; `lost` where the lease went to another. */
  finish(input: {
    readonly id: string;
    readonly owner: string;
    readonly nowMs: number;
    readonly outcome: DeliveryOutcome;
  }): Promise<'done' | 'lost'>;
  /** Ends the lease of a delivery that did not end; does nothing where it is lost. */
  release(input: { readonly id: string; readonly owner: string; readonly nowMs: number }): Promise<void>;
};
