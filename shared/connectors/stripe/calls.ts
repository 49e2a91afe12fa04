import type { Json, JsonObject } from '../../model/json.ts';
import type { PlannedCall } from '../../model/operation.ts';
import { operationName, type StripeObject, type StripeProperties } from './client.ts';
import type { ListInput, SearchInput } from './reads.ts';
import type { SearchClause } from './search-query.ts';

/** The reads every object offers. None of the calls does I/O: each plans one operation. */
export type ReadCalls = {
  /** Data: a `StripeRecord`. */
  get(id: string): PlannedCall;
  /** Data: `{ results: StripeRecord[], total: null, after }`, newest first. Shows what was just written. */
  list(input?: ListInput): PlannedCall;
};
export type SearchCalls = {
  /** Data: as of `list`. Lags behind writes. */
  search(clauses: readonly SearchClause[], page?: Omit<SearchInput, 'clauses'>): PlannedCall;
};
export type CreateCalls = {
  /** Parameters as Stripe documents them. `nowMs` is when it was asked for; it is frozen with the action, for its read-back. */
  create(properties: JsonObject, nowMs: number): PlannedCall;
};
export type UpdateCalls = {
  /** Fields as records show them; metadata as `metadata.<name>`; null empties. */
  update(id: string, properties: StripeProperties): PlannedCall;
};
export type DeleteCalls = { delete(id: string): PlannedCall };
type Step = (id: string, properties?: JsonObject) => PlannedCall;

/** The Stripe calls of one configured system, as tools use them. */
export type StripeCalls = {
  readonly customers: ReadCalls & SearchCalls & CreateCalls & UpdateCalls & DeleteCalls;
  readonly products: ReadCalls & SearchCalls & CreateCalls & UpdateCalls;
  readonly prices: ReadCalls & SearchCalls & CreateCalls & UpdateCalls;
  readonly invoices: ReadCalls & SearchCalls & CreateCalls & DeleteCalls & { finalize: Step; void: Step };
  readonly invoiceItems: ReadCalls & CreateCalls & DeleteCalls;
  readonly refunds: ReadCalls & CreateCalls;
  readonly paymentIntents: ReadCalls & SearchCalls & CreateCalls & { confirm: Step; capture: Step; cancel: Step };
  /** Data: `StripeEvent`s. */
  readonly events: ReadCalls;
};

/** The Stripe calls of a configured system, by its name in config/systems. */
export function stripeOn(system: string): StripeCalls {
  const callsOf = (name: string) => {
    const plan = (verb: string, input: unknown): PlannedCall => ({
      operation: `stripe.${name}.${verb}`,
      system,
      input: input as Json,
    });
    const step =
      (verb: string): Step =>
      (id, properties = {}) =>
        plan(verb, { id, properties });
    return {
      get: (id: string) => plan('get', { id }),
      list: (input: ListInput = {}) => plan('list', input),
      search: (clauses: readonly SearchClause[], page: Omit<SearchInput, 'clauses'> = {}) =>
        plan('search', { clauses, ...page }),
      create: (properties: JsonObject, nowMs: number) => plan('create', { properties, askedAtMs: nowMs }),
      update: (id: string, properties: StripeProperties) => plan('update', { id, properties }),
      delete: (id: string) => plan('delete', { id }),
      finalize: step('finalize'),
      void: step('void'),
      confirm: step('confirm'),
      capture: step('capture'),
      cancel: step('cancel'),
    };
  };
  const of = (object: StripeObject) => callsOf(operationName(object));
  return {
    customers: of('customer'),
    products: of('product'),
    prices: of('price'),
    invoices: of('invoice'),
    invoiceItems: of('invoice_item'),
    refunds: of('refund'),
    paymentIntents: of('payment_intent'),
    events: callsOf('events'),
  };
}

/** The Stripe calls of the system named `stripe`. */
export const stripe: StripeCalls = stripeOn('stripe');
