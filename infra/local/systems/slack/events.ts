import { createHmac } from 'node:crypto';
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

/** One attempt that was made. */
export type Delivery = { atMs: number; event: string; type: string; attempt: number; status: number | null };

/** The sender of events and interactions. */
export type EventSender = {
  target(target: EventTarget | null): void;
  onEvent(event: Happened): void;
  /** The next `count` events are never delivered. */
  drop(count: number): void;
  /** The next `count` events are delivered twice, under one id. */
  duplicate(count: number): void;
  /** Sends a click as a form, as Slack does; the status of the answer, or null where there was none. */
  interact(payload: Readonly<Record<string, unknown>>): Promise<number | null>;
  /** Asks the endpoint whether it is the app's. */
  verify(): Promise<boolean>;
  log(): readonly Delivery[];
  close(): void;
};

type Waiting = { readonly id: string; readonly body: string; readonly type: string; readonly attempt: number };
type State = {
  readonly workspace: Workspace;
  readonly file: StateFile;
  readonly retriesMs: readonly number[];
  readonly closed: AbortController;
  readonly log: Delivery[];
  readonly queue: Waiting[];
  target: EventTarget | null;
  dropping: number;
  doubling: number;
  running: boolean;
  made: number;
};

/** Slack's signature of a body. @see https://docs.slack.dev/authentication/verifying-requests-from-slack */
export function signatureHeaders(secret: string, body: string, atS: number): Record<string, string> {
  const mac = createHmac('sha256', secret).update(`v0:${atS}:${body}`).digest('hex');
  return { 'x-slack-request-timestamp': String(atS), 'x-slack-signature': `v0=${mac}` };
}

/** Sends each event by itself, signed, up to four times; a restart sends again what was not acknowledged. */
export function createEventSender(input: Pick<State, 'workspace' | 'file' | 'retriesMs'>): EventSender {
  const held = input.file.load<Waiting>('event');
  const state: State = {
    ...input,
    ...{ closed: new AbortController(), log: [], queue: [], running: false },
    ...{ target: null, dropping: 0, doubling: 0, made: held.length },
  };
  return {
    target(target) {
      const first = state.target === null;
      state.target = target;
      if (first && target !== null) for (const waiting of held.splice(0)) enqueue(state, waiting);
    },
    onEvent: (event) => take(state, event),
    drop(count) {
      state.dropping += count;
    },
    duplicate(count) {
      state.doubling += count;
    },
    interact: async (payload) =>
      (await post(state, new URLSearchParams({ payload: JSON.stringify(payload) }).toString(), true)).status,
    async verify() {
      const challenge = `ask${state.workspace.clock.now().toString(36)}`;
      const body = JSON.stringify({ type: 'url_verification', token: 'verification', challenge });
      const { status, text } = await post(state, body, false);
      return status === 200 && text.includes(challenge);
    },
    log: () => state.log,
    close: () => state.closed.abort(),
  };
}

function take(state: State, event: Happened): void {
  const { target, workspace } = state;
  if (target === null || (target.types && !target.types.includes(event.type))) return;
  if (state.dropping > 0) {
    state.dropping -= 1;
    return;
  }
  state.made += 1;
  const id = `Ev${workspace.clock.now().toString(36)}${String(state.made).padStart(5, '0')}`
    .toUpperCase()
    .replace(/^EV/, 'Ev');
  const waiting = { id, body: envelope(workspace, id, event), type: event.type, attempt: 0 };
  state.file.save('event', id, waiting);
  enqueue(state, waiting);
  if (state.doubling === 0) return;
  state.doubling -= 1;
  enqueue(state, waiting);
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

function enqueue(state: State, waiting: Waiting): void {
  state.queue.push(waiting);
  if (state.running) return;
  state.running = true;
  // After the request that made the change was answered.
  setImmediate(() => {
    pump(state).catch(() => undefined);
  });
}

async function pump(state: State): Promise<void> {
  try {
    for (;;) {
      const waiting = state.closed.signal.aborted ? undefined : state.queue.shift();
      if (waiting === undefined) return;
      await deliver(state, waiting);
    }
  } finally {
    state.running = false;
  }
}

async function deliver(state: State, waiting: Waiting): Promise<void> {
  const { id, type, attempt, body } = waiting;
  const { status, noRetry, reason } = await post(state, body, false, attempt === 0 ? null : waiting);
  state.log.push({ atMs: state.workspace.clock.now(), event: id, type, attempt, status });
  if (state.closed.signal.aborted) return;
  const delayMs = state.retriesMs[attempt];
  if ((status !== null && status >= 200 && status < 300) || noRetry || delayMs === undefined) {
    state.file.remove('event', id);
    return;
  }
  const next = { ...waiting, attempt: attempt + 1, reason };
  // The wait must not hold up the other events.
  waitUntil(state, state.workspace.clock.now() + delayMs).then(
    () => enqueue(state, next),
    () => undefined,
  );
}

// In short steps, so that closing the simulator does not wait for an attempt minutes away.
async function waitUntil(state: State, atMs: number): Promise<void> {
  const { clock } = state.workspace;
  while (clock.now() < atMs && !state.closed.signal.aborted) await clock.sleep(Math.min(250, atMs - clock.now()));
}

type Posted = { status: number | null; text: string; noRetry: boolean; reason: string };

async function post(
  state: State,
  body: string,
  form: boolean,
  retry: (Waiting & { reason?: string }) | null = null,
): Promise<Posted> {
  const nothing = { status: null, text: '', noRetry: false };
  if (state.target === null) return { ...nothing, reason: 'connection_failed' };
  const { url, secret } = state.target;
  const again = retry
    ? { 'x-slack-retry-num': String(retry.attempt), 'x-slack-retry-reason': retry.reason ?? 'http_error' }
    : {};
  const headers = {
    'content-type': form ? 'application/x-www-form-urlencoded' : 'application/json',
    'user-agent': 'Slackbot 1.0 (+https://api.slack.com/robots)',
    ...signatureHeaders(secret, body, Math.floor(state.workspace.clock.now() / 1000)),
    ...again,
  };
  const signal = AbortSignal.any([state.closed.signal, AbortSignal.timeout(3_000)]);
  try {
    const answer = await fetch(url, { method: 'POST', headers, body, signal, redirect: 'manual' });
    const noRetry = answer.headers.get('x-slack-no-retry') === '1';
    return { status: answer.status, text: await answer.text(), noRetry, reason: 'http_error' };
  } catch (error) {
    return { ...nothing, reason: (error as Error).name === 'TimeoutError' ? 'http_timeout' : 'connection_failed' };
  }
}
