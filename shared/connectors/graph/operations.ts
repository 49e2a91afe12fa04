import type { Json } from '../../model/json.ts';
import type { Operation, WriteOperation } from '../../model/operation.ts';
import { batched } from './batch.ts';
import { deltaOperation } from './delta.ts';
import { eventCancelOperation, eventCreateOperation, eventDeleteOperation, eventUpdateOperation } from './events.ts';
import {
  draftCreateOperation,
  draftDeleteOperation,
  draftSendOperation,
  draftUpdateOperation,
  replyCreateOperation,
} from './mail.ts';
import {
  eventListOperation,
  type ItemInput,
  itemGetOperation,
  messageListOperation,
  messageSearchOperation,
  nextOperation,
  userGetOperation,
  userListOperation,
} from './reads.ts';
import {
  renewOperation,
  subscribeOperation,
  subscriptionListOperation,
  unsubscribeOperation,
} from './subscriptions.ts';

/** Writes of one record each: two of the same record never share a request. */
const perItem = <I extends ItemInput & Json>(operation: WriteOperation<I>) =>
  batched(operation, ({ userId, id }) => JSON.stringify([userId, id]));

const all: readonly { readonly id: string }[] = [
  userGetOperation(),
  userListOperation(),
  nextOperation('user'),
  deltaOperation('user'),
  itemGetOperation('message'),
  messageListOperation(),
  messageSearchOperation(),
  nextOperation('message'),
  deltaOperation('message'),
  batched(draftCreateOperation()),
  replyCreateOperation(),
  perItem(draftUpdateOperation()),
  perItem(draftDeleteOperation()),
  draftSendOperation(),
  itemGetOperation('event'),
  eventListOperation(),
  nextOperation('event'),
  deltaOperation('event'),
  batched(eventCreateOperation('create')),
  eventCreateOperation('invite'),
  perItem(eventUpdateOperation()),
  perItem(eventDeleteOperation()),
  eventCancelOperation(),
  subscriptionListOperation(),
  subscribeOperation(),
  renewOperation(),
  unsubscribeOperation(),
];

/** Every operation of this connector by id, such as `graph.messages.send`. */
export const operations: ReadonlyMap<string, Operation> = new Map(
  all.map((operation) => [operation.id, operation as unknown as Operation]),
);

/** One operation by id, or null where this connector has none of that name. */
export function operationById(id: string): Operation | null {
  return operations.get(id) ?? null;
}
