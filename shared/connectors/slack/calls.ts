import type { Json } from '../../model/json.ts';
import type { PlannedCall } from '../../model/operation.ts';
import type { MessagePlace } from './client.ts';
import type { ListChannelsInput, ListMessagesInput, PageInput, SearchInput, ThreadInput } from './reads.ts';
import type { PostInput } from './writes.ts';

/** The Slack calls of one configured system, as tools use them. None does I/O: each plans one operation. */
export type SlackCalls = {
  readonly messages: {
    /** Data: a message. */
    get(place: MessagePlace): PlannedCall;
    /** Data: `{ results: messages, total: null, after }`, newest first. */
    list(input: ListMessagesInput): PlannedCall;
    /** Data: as of `list`, oldest first, the thread's first message before all. */
    thread(input: ThreadInput): PlannedCall;
    /** Data: as of `list`. Needs the token of a person. */
    search(input: SearchInput): PlannedCall;
    /** `nowMs` is when it was asked for; it is frozen with the action, for its read-back. */
    post(input: Omit<PostInput, 'askedAtMs'>, nowMs: number): PlannedCall;
    /** Only of messages that were posted through here. */
    update(place: MessagePlace, text: string): PlannedCall;
    delete(place: MessagePlace): PlannedCall;
  };
  readonly channels: { get(id: string): PlannedCall; list(input?: ListChannelsInput): PlannedCall };
  readonly users: {
    get(id: string): PlannedCall;
    list(input?: PageInput): PlannedCall;
    find(email: string): PlannedCall;
  };
};

/** The Slack calls of a configured system, by its name in config/systems. */
export function slackOn(system: string): SlackCalls {
  const plan = (operation: string, input: unknown): PlannedCall => ({
    operation: `slack.${operation}`,
    system,
    input: input as Json,
  });
  return {
    messages: {
      get: (place) => plan('messages.get', place),
      list: (input) => plan('messages.list', input),
      thread: (input) => plan('messages.thread', input),
      search: (input) => plan('messages.search', input),
      post: (input, nowMs) => plan('messages.post', { ...input, askedAtMs: nowMs }),
      update: (place, text) => plan('messages.update', { ...place, text }),
      delete: (place) => plan('messages.delete', place),
    },
    channels: {
      get: (id) => plan('channels.get', { id }),
      list: (input = {}) => plan('channels.list', input),
    },
    users: {
      get: (id) => plan('users.get', { id }),
      list: (input = {}) => plan('users.list', input),
      find: (email) => plan('users.find', { email }),
    },
  };
}

/** The Slack calls of the system named `slack`. */
export const slack: SlackCalls = slackOn('slack');
