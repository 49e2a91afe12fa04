import * as z from 'zod';
import { adminRoutes, webhookKnobs } from '../admin-routes.ts';
import type { FaultBook } from '../faults.ts';
import type { Token } from './call.ts';
import type { EventSender } from './events.ts';
import { addMessage, messageAt, replaceMessage, type Workspace } from './workspace.ts';

/** Faults that only Slack has, beside those of the fault book. */
export type Knobs = {
  /** Errors of the next calls of a method, in order, before they do anything. */
  readonly answers: { method: string; error: string }[];
  /** What became of tokens, as Slack words it: `token_revoked`, `token_expired`, `account_inactive`. */
  readonly ended: Map<string, string>;
};

/** What the knobs turn. */
export type AdminDeps = {
  readonly workspace: Workspace;
  readonly faults: FaultBook;
  readonly events: EventSender;
  readonly knobs: Knobs;
  readonly tokens: Map<string, Token>;
};

/** The routes under `/_`: they are no part of Slack. */
export const adminRoute = adminRoutes<AdminDeps>({
  state: ({ workspace }) => workspace,
  shows: { webhooks: ({ events }) => ({ deliveries: events.log() }) },
  missing: 'No such channel, message or token.',
  knobs: {
    ...webhookKnobs<AdminDeps>(({ events }) => events),
    /** The next calls of a method are answered this error. */
    answer: (deps, body) => {
      const shape = z.strictObject({
        method: z.string(),
        error: z.string(),
        count: z.number().int().min(1).default(1),
      });
      const { method, error, count: times } = shape.parse(body);
      for (let n = 0; n < times; n += 1) deps.knobs.answers.push({ method, error });
      return { answers: deps.knobs.answers };
    },
    /** A token ends. */
    'end-token': (deps, body) => {
      const given = z.strictObject({ token: z.string(), error: z.string().default('token_revoked') }).parse(body);
      if (!deps.tokens.has(given.token)) return null;
      deps.knobs.ended.set(given.token, given.error);
      return { ended: deps.knobs.ended.size };
    },
    /** An administrator takes a scope away from a token, or gives it one. */
    scopes: (deps, body) => {
      const { token, scopes } = z.strictObject({ token: z.string(), scopes: z.array(z.string()) }).parse(body);
      const held = deps.tokens.get(token);
      if (!held) return null;
      deps.tokens.set(token, { ...held, scopes: new Set(scopes) });
      return { scopes };
    },
    /** A person writes a message. */
    say: (deps, body) => {
      const shape = { channel: z.string(), user: z.string(), text: z.string(), thread_ts: z.string().optional() };
      const { channel, thread_ts, ...said } = z.strictObject(shape).parse(body);
      const { workspace } = deps;
      if (!workspace.channels.has(channel) || !workspace.users.has(said.user)) return null;
      const parent = thread_ts === undefined ? null : messageAt(workspace, channel, thread_ts);
      if (parent && parent.thread_ts === undefined) {
        replaceMessage(workspace, channel, { ...parent, thread_ts: parent.ts });
      }
      const message = addMessage(workspace, channel, { ...said, ...(thread_ts === undefined ? {} : { thread_ts }) });
      workspace.onEvent({ ...message, channel, channel_type: 'channel', event_ts: message.ts });
      return { ts: message.ts };
    },
    /** A person clicks a button of a message. */
    click: async (deps, body) => {
      const shape = { channel: z.string(), ts: z.string(), user: z.string(), actionId: z.string(), value: z.string() };
      const { channel, ts, user, actionId, value } = z.strictObject(shape).parse(body);
      const { workspace } = deps;
      const message = messageAt(workspace, channel, ts);
      if (!message) return null;
      const at = workspace.clock.now();
      const status = await deps.events.interact({
        type: 'block_actions',
        api_app_id: workspace.appId,
        token: 'verification',
        team: { id: workspace.teamId, domain: workspace.domain },
        user: { id: user, username: workspace.users.get(user)?.name ?? '', team_id: workspace.teamId },
        trigger_id: `${at}.${workspace.lastMicros}.${actionId}`,
        container: { type: 'message', message_ts: ts, channel_id: channel, is_ephemeral: false },
        channel: { id: channel, name: workspace.channels.get(channel)?.name ?? '' },
        message,
        actions: [{ type: 'button', action_id: actionId, value, action_ts: String(at / 1000) }],
      });
      return { status };
    },
    /** Slack asks the endpoint whether it is the app's. */
    'verify-url': async (deps) => ({ verified: await deps.events.verify() }),
  },
});
