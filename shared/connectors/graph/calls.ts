import type { Json } from '../../model/json.ts';
import type { PlannedCall } from '../../model/operation.ts';
import type { GraphProperties } from './client.ts';
import type { DeltaInput } from './delta.ts';
import type { EventsInput, MessageSearchInput, MessagesInput, UsersInput } from './reads.ts';
import type { SubscribeInput } from './subscriptions.ts';

type Without<T, K extends string> = Omit<T, K>;
type Versioned = { readonly etag?: string };

/** The users of the tenant. None of the calls does I/O: each plans one operation. */
export type UserCalls = {
  /** By id or user principal name. Data: a `GraphRecord`. */
  get(userId: string): PlannedCall;
  /** Data: `{ results: GraphRecord[], total: null, after }`. */
  list(input?: UsersInput): PlannedCall;
  /** The page that `after` of the page before asks for. Data: as of `list`. */
  next(after: string): PlannedCall;
  /** Data: a `DeltaPage`. */
  delta(from?: { readonly after: string }): PlannedCall;
};

/** The mailbox of one user. */
export type MailCalls = {
  /** Data: a `GraphRecord`, with the body as text. */
  get(userId: string, id: string): PlannedCall;
  list(userId: string, input?: Without<MessagesInput, 'userId'>): PlannedCall;
  /** The messages of one conversation, in every folder, unsorted. */
  thread(userId: string, conversationId: string, limit?: number): PlannedCall;
  search(userId: string, search: Without<MessageSearchInput, 'userId'>): PlannedCall;
  next(after: string): PlannedCall;
  /** Of one folder, the inbox by default. Data: a `DeltaPage`. */
  delta(from: { readonly userId: string; readonly folder?: string } | { readonly after: string }): PlannedCall;
  /** Makes a draft. */
  create(userId: string, properties: GraphProperties): PlannedCall;
  /** Makes a draft that answers a message. */
  reply(userId: string, id: string, text: string, toAll?: boolean): PlannedCall;
  update(userId: string, id: string, properties: GraphProperties, options?: Versioned): PlannedCall;
  delete(userId: string, id: string): PlannedCall;
  /** Sends a draft. `ref` is the id of the action that made it. */
  send(userId: string, id: string, ref: string): PlannedCall;
};

/** The calendar of one user. */
export type EventCalls = {
  get(userId: string, id: string): PlannedCall;
  list(userId: string, span: Without<EventsInput, 'userId'>): PlannedCall;
  next(after: string): PlannedCall;
  delta(
    from: { readonly userId: string; readonly from: string; readonly to: string } | { readonly after: string },
  ): PlannedCall;
  create(userId: string, properties: GraphProperties): PlannedCall;
  invite(userId: string, properties: GraphProperties): PlannedCall;
  update(userId: string, id: string, properties: GraphProperties, options?: Versioned): PlannedCall;
  cancel(userId: string, id: string, text?: string): PlannedCall;
  delete(userId: string, id: string): PlannedCall;
};

/** The subscriptions of the application. */
export type SubscriptionCalls = {
  list(after?: string): PlannedCall;
  create(input: SubscribeInput): PlannedCall;
  renew(id: string, expiresAt: string): PlannedCall;
  delete(id: string): PlannedCall;
};

/** The Microsoft 365 calls of one configured system, as tools use them. */
export type GraphCalls = {
  readonly users: UserCalls;
  readonly messages: MailCalls;
  readonly events: EventCalls;
  readonly subscriptions: SubscriptionCalls;
};

/** The Microsoft 365 calls of a configured system, by its name in config/systems. */
export function graphOn(system: string): GraphCalls {
  const planOn = (group: string) => (verb: string, input: unknown) =>
    ({ operation: `graph.${group}.${verb}`, system, input: input as Json }) satisfies PlannedCall;
  const [user, message, event, subscription] = ['users', 'messages', 'events', 'subscriptions'].map(planOn) as [
    ReturnType<typeof planOn>,
    ReturnType<typeof planOn>,
    ReturnType<typeof planOn>,
    ReturnType<typeof planOn>,
  ];
  const delta = (plan: typeof user) => (from: DeltaInput) => plan('delta', from);
  return {
    users: {
      get: (userId) => user('get', { userId }),
      list: (input = {}) => user('list', input),
      next: (after) => user('next', { after }),
      delta: (from) => delta(user)(from ?? {}),
    },
    messages: {
      get: (userId, id) => message('get', { userId, id }),
      list: (userId, input = {}) => message('list', { userId, ...input }),
      thread: (userId, conversationId, limit = 100) => message('list', { userId, conversationId, limit }),
      search: (userId, search) => message('search', { userId, ...search }),
      next: (after) => message('next', { after }),
      delta: delta(message),
      create: (userId, properties) => message('create', { userId, properties: { mailbox: userId, ...properties } }),
      reply: (userId, id, text, toAll = false) =>
        message('reply', { userId, id, text, toAll, properties: { mailbox: userId } }),
      update: (userId, id, properties, options) => message('update', { userId, id, properties, ...options }),
      delete: (userId, id) => message('delete', { userId, id }),
      send: (userId, id, ref) => message('send', { userId, id, ref }),
    },
    events: {
      get: (userId, id) => event('get', { userId, id }),
      list: (userId, span) => event('list', { userId, ...span }),
      next: (after) => event('next', { after }),
      delta: delta(event),
      create: (userId, properties) => event('create', { userId, properties: { mailbox: userId, ...properties } }),
      invite: (userId, properties) => event('invite', { userId, properties: { mailbox: userId, ...properties } }),
      update: (userId, id, properties, options) => event('update', { userId, id, properties, ...options }),
      cancel: (userId, id, text) => event('cancel', { userId, id, ...(text === undefined ? {} : { text }) }),
      delete: (userId, id) => event('delete', { userId, id }),
    },
    subscriptions: {
      list: (after) => subscription('list', after === undefined ? {} : { after }),
      create: (input) => subscription('create', input),
      renew: (id, expiresAt) => subscription('renew', { id, expiresAt }),
      delete: (id) => subscription('delete', { id }),
    },
  };
}

/** The Microsoft 365 calls of the system named `graph`. */
export const graph: GraphCalls = graphOn('graph');
