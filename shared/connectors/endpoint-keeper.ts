import type { Classified, HttpAnswer, PlannedCall, RequestSpec } from '../model/operation.ts';

/** A place that a product sends its notifications to, as the product has it. */
export type StandingEndpoint = { readonly id: string; readonly url: string; readonly enabled: boolean };

/** The channel whose endpoint is looked at: its system, and what the configuration says of it. */
export type EndpointPlace = { readonly system: string; readonly params: Readonly<Record<string, string>> };

/** One attempt of a product to deliver an event. */
export type StandingDelivery = {
  readonly id: string;
  /** The event's own: every attempt to deliver it has the same. */
  readonly guid: string;
  readonly atMs: number;
  /** Whether somebody asked for this attempt after an earlier one. */
  readonly redelivery: boolean;
  readonly ok: boolean;
};

/** How failed deliveries are found and asked for again, of a product that does not do that by itself. */
export type DeliveryKeeper = {
  /** How long the product keeps what it delivered, milliseconds. */
  readonly keptMs: number;
  /** The read of the attempts of one endpoint, newest first, page by page. Data: `{ results: StandingDelivery[], after }`. */
  list(at: EndpointPlace, endpoint: string, after?: string): PlannedCall;
  /** The request that has the product deliver once more. */
  again(input: {
    readonly apiVersion: string;
    readonly at: EndpointPlace;
    readonly endpoint: string;
    readonly delivery: string;
  }): RequestSpec;
  /** Null where an answer to `again` says that it is being done, else why it is not. */
  refusal(answer: HttpAnswer): Classified | null;
};

/**
 * How the endpoints of one product are watched: whether each is there and switched on, and where the product does not retry by
 * itself, how its failed deliveries are asked for again. None of these functions does I/O.
 */
export type EndpointKeeper = {
  /** The schemes of channels whose endpoints this product lists. */
  readonly schemes: readonly string[];
  /** The read of all endpoints, page by page; data: `{ results: StandingEndpoint[], after }`. Null: nothing says where to look. */
  list(at: EndpointPlace, after?: string): PlannedCall | null;
  /** How a person switches it on again and gets what was missed meanwhile, as sentences of a case. */
  readonly repair: string;
  readonly deliveries?: DeliveryKeeper;
};
