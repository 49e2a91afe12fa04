import type { Operation } from '../../model/operation.ts';
import {
  findUser,
  getChannel,
  getMessage,
  getUser,
  listChannels,
  listMessages,
  listUsers,
  readThread,
  searchMessages,
} from './reads.ts';
import { deleteMessage, postMessage, updateMessage } from './writes.ts';

const all: readonly { readonly id: string }[] = [
  getMessage,
  listMessages,
  readThread,
  searchMessages,
  postMessage,
  updateMessage,
  deleteMessage,
  listChannels,
  getChannel,
  listUsers,
  getUser,
  findUser,
];

/** Every operation of this connector by id, such as `slack.messages.post`. */
export const operations: ReadonlyMap<string, Operation> = new Map(
  all.map((operation) => [operation.id, operation as unknown as Operation]),
);

/** One operation by id, or null where this connector has none of that name. */
export function operationById(id: string): Operation | null {
  return operations.get(id) ?? null;
}
