import type { Operation } from '../../model/operation.ts';
import { type StripeObject, stripeObjectNames } from './client.ts';
import { endpointsListOperation } from './endpoints.ts';
import { eventsGetOperation, eventsListOperation, getOperation, listOperation, searchOperation } from './reads.ts';
import { transitionOperations } from './transitions.ts';
import { type CreateFacts, createOperation, deleteOperation, updateOperation } from './writes.ts';

const searchable: readonly StripeObject[] = ['customer', 'product', 'price', 'invoice', 'payment_intent'];

const archived = (operation: string): CreateFacts['undo'] => ({
  kind: 'operation',
  operation,
  how: 'Archives it: it stays readable and cannot be used any more.',
});

const creates: Readonly<Record<StripeObject, CreateFacts>> = {
  customer: {
    effect: 'create',
    // Not by e-mail: Stripe compares it to the letter, and need not keep it as it was given.
    lookBy: [],
    undo: { kind: 'operation', operation: 'stripe.customers.delete', how: 'Deletes the created customer for good.' },
  },
  product: { effect: 'create', lookBy: [], undo: archived('stripe.products.update') },
  price: { effect: 'create', lookBy: ['product'], undo: archived('stripe.prices.update') },
  invoice: {
    effect: 'create',
    lookBy: ['customer'],
    undo: {
      kind: 'operation',
      operation: 'stripe.invoices.delete',
      how: 'Deletes the draft; a finalized invoice is voided.',
    },
    // A draft stays one until it is finalized by an action.
    fixed: { auto_advance: false },
  },
  invoice_item: {
    effect: 'append',
    lookBy: ['customer'],
    undo: {
      kind: 'operation',
      operation: 'stripe.invoice_items.delete',
      how: 'Deletes the line while its invoice is a draft.',
    },
  },
  refund: {
    effect: 'send',
    lookBy: ['payment_intent', 'charge'],
    undo: { kind: 'none', why: 'Money that was paid back is only got again by a new payment of the customer.' },
  },
  payment_intent: {
    effect: 'create',
    lookBy: ['customer'],
    undo: { kind: 'operation', operation: 'stripe.payment_intents.cancel', how: 'Cancels it while nothing was taken.' },
    // Taking money is an action of its own.
    fixed: { confirm: false },
  },
};

const noWayBack = 'Stripe keeps nothing of it but its id.';

const all: readonly { readonly id: string }[] = [
  ...stripeObjectNames.flatMap((object) => [
    getOperation(object),
    listOperation(object),
    createOperation(object, creates[object]),
  ]),
  ...searchable.map(searchOperation),
  ...(['customer', 'product', 'price'] as const).map(updateOperation),
  ...(['customer', 'invoice', 'invoice_item'] as const).map((object) => deleteOperation(object, noWayBack)),
  ...transitionOperations(),
  eventsListOperation(),
  eventsGetOperation(),
  endpointsListOperation(),
];

/** Every operation of this connector by id, such as `stripe.invoices.finalize`. */
export const operations: ReadonlyMap<string, Operation> = new Map(
  all.map((operation) => [operation.id, operation as unknown as Operation]),
);

/** One operation by id, or null where this connector has none of that name. */
export function operationById(id: string): Operation | null {
  return operations.get(id) ?? null;
}
