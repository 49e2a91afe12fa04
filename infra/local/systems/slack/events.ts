import { createHmac } from 'node:crypto';
import type { Clock } from '../../../../shared/model/clock.ts';
import { createDeliveries, type Deliveries, post } from '../deliveries.ts';
import type { StateFile } from '../state-file.ts';
import type { Happened, Workspace } from './workspace.ts';

/** Where the app is told what happens, and what people click. */
export type EventTarget = {
  readonly url: string;
  /** The app's signing secret. */
  readonly secret: string;
  /** Only these event types; absent: all. */
  readonly types?: readonly string[];
};

/** Waits before each further attempt, milliseconds: at once, after a minute, after five. @see https://docs.slack.dev/apis/events-api#retries */
export const documentedRetriesMs: readonly number[] = [0, 60_000, 300_000];

type Waiting = {
  readonly id: string;
  readonly body: string;
  readonly type: string;
  readonly attempt: number;
  /** Why the attempt before failed, as Slack words it. */
  readonly reason?: string;
};

/** The sender of events and interactions. */
export type EventSender = Deliveries<EventTarget, Waiting, { readonly event: string; readonly type: string }> & {
  onEvent(event: Happened): void;
  /** Sends a click as a form, as Slack does; the status of the answer, or null where there was none. */
  interact(payload: Readonly<Record<string, unknown>>): Promise<number | null>;
  /** Asks the endpoint whether it is the app's. */
  verify(): Promise<boolean>;
};

/** Slack's signature of a body. @see https://docs.slack.dev/authentication/verifying-requests-from-slack */
export function signatureHeaders(secret: string, body: string, atS: number): Record<string, string> {
  const mac = createHmac('sha256', secret).update(`v0:${atS}:${body}`).digest('hex');
  return { 'x-slack-request-timestamp': String(atS), 'x-slack-signature': `v0=${mac}` };
}

type Deps = { readonly workspace: Workspace; readonly file: StateFile; readonly retriesMs: readonly number[] };

/** Sends each event by itself, signed, up to four times; a restart sends again what was not acknowledged. */
export function createEventSender({ workspace, file, retriesMs }: Deps): EventSender {
  const { clock } = workspace;
  let made = file.load('event').length;
  const deliveries: Deliveries<EventTarget, Waiting, { event: string; type: string }> = createDeliveries({
    ...{ clock, file, kind: 'event', retryDelaysMs: retriesMs, atOnce: 1 },
    send: (target: EventTarget, waiting: Waiting) => deliver(deliveries, clock, target, waiting),
    says: ({ id, type }) => ({ event: id, type }),
  });
  const ask = async (body: string, form: boolean) => {
    const target = deliveries.aimedAt();
    return target === null ? nothing : tell(deliveries, clock, target, body, form ? asForm : asJson);
  };
  return {
    ...deliveries,
    onEvent(event) {
      const target = deliveries.aimedAt();
      if (target === null || (target.types && !target.types.includes(event.type))) return;
      deliveries.offer(() => {
        made += 1;
        const id = `Ev${`${clock.now().toString(36)}${String(made).padStart(5, '0')}`.toUpperCase()}`;
        return { id, body: envelope(workspace, id, event), type: event.type, attempt: 0 };
      });
    },
    interact: async (payload) =>
      (await ask(new URLSearchParams({ payload: JSON.stringify(payload) }).toString(), true)).status,
    async verify() {
      const challenge = `ask${clock.now().toString(36)}`;
      const body = JSON.stringify({ type: 'url_verification', token: 'verification', challenge });
      const { status, text } = await ask(body, false);
      return status === 200 && text.includes(challenge);
    },
  };
}

function envelope(workspace: Workspace, id: string, event: Happened): string {
  const { teamId, enterpriseId, appId, botUser } = workspace;
  return JSON.stringify({
    token: 'verification',
    team_id: teamId,
    ...(enterpriseId === null ? {} : { enterprise_id: enterpriseId }),
    api_app_id: appId,
    event,
    type: 'event_callback',
    event_id: id,
    event_time: Math.floor(workspace.clock.now() / 1000),
    authorizations: [
      { enterprise_id: enterpriseId, team_id: teamId, user_id: botUser, is_bot: true, is_enterprise_install: false },
    ],
    is_ext_shared_channel: false,
    event_context: `4-${id}`,
  });
}

type Told = {
  readonly status: number | null;
  readonly text: string;
  readonly noRetry: boolean;
  readonly reason: string;
};
const nothing: Told = { status: null, text: '', noRetry: false, reason: 'connection_failed' };
const asJson = { 'content-type': 'application/json' };
const asForm = { 'content-type': 'application/x-www-form-urlencoded' };

async function deliver(
  { closed }: { readonly closed: AbortSignal },
  clock: Clock,
  target: EventTarget,
  { attempt, body, reason: before = 'http_error' }: Waiting,
) {
  const again = { 'x-slack-retry-num': String(attempt), 'x-slack-retry-reason': before };
  const headers = { ...asJson, ...(attempt === 0 ? {} : again) };
  const { status, noRetry, reason } = await tell({ closed }, clock, target, body, headers);
  return { status, last: noRetry, note: { reason } };
}

async function tell(
  { closed }: { readonly closed: AbortSignal },
  clock: Clock,
  { url, secret }: EventTarget,
  body: string,
  more: Readonly<Record<string, string>>,
): Promise<Told> {
  const headers = {
    'user-agent': 'Slackbot 1.0 (+https://api.slack.com/robots)',
    ...signatureHeaders(secret, body, Math.floor(clock.now() / 1000)),
    ...more,
  };
  try {
    const { status, text, headers: told } = await post(url, { headers, body, withinMs: 3000, closed });
    return { status, text, noRetry: told.get('x-slack-no-retry') === '1', reason: 'http_error' };
  } catch (error) {
    return { ...nothing, reason: (error as Error).name === 'TimeoutError' ? 'http_timeout' : 'connection_failed' };
  }
}
