import { createHmac } from 'node:crypto';
import type { Clock } from '../../../../shared/model/clock.ts';
import type { StateFile } from '../state-file.ts';
import type { Body } from './account.ts';

/** Where the account's one event destination delivers. */
export type WebhookTarget = {
  readonly url: string;
  /** The destination's signing secret, `whsec_…`, used as text. */
  readonly secret: string;
  /** Thin events name the record and nothing of it. */
  readonly thin?: boolean;
  /** Only these event types; absent: all. */
  readonly types?: readonly string[];
};

/** Delays between attempts of a sandbox, milliseconds; one more attempt than delays. */
export const defaultRetryDelaysMs: readonly number[] = [60_000, 900_000, 3_600_000];

/** One attempt that was made. */
export type Delivery = { atMs: number; event: string; type: string; attempt: number; status: number | null };

/** The sender of webhooks. */
export type WebhookSender = {
  target(target: WebhookTarget | null): void;
  onEvent(event: Body): void;
  /** The next `count` deliveries are never made. */
  drop(count: number): void;
  /** The next `count` deliveries are made twice. */
  duplicate(count: number): void;
  log(): readonly Delivery[];
  close(): void;
};

type Waiting = { id: string; event: Body; attempt: number };
type Deps = { clock: Clock; file: StateFile; retryDelaysMs: readonly number[] };
type State = {
  deps: Deps;
  target: WebhookTarget | null;
  dropping: number;
  doubling: number;
  closed: AbortController;
  log: Delivery[];
  queue: Waiting[];
  running: boolean;
};

/** The signature header. @see https://docs.stripe.com/webhooks/signature */
export function signatureHeader(secret: string, body: string, atS: number): string {
  return `t=${atS},v1=${createHmac('sha256', secret).update(`${atS}.${body}`).digest('hex')}`;
}

/** Sends each event by itself, signed, at least once; a restart sends again what was not acknowledged. */
export function createWebhookSender(deps: Deps): WebhookSender {
  const state: State = {
    deps,
    target: null,
    dropping: 0,
    doubling: 0,
    closed: new AbortController(),
    log: [],
    queue: [],
    running: false,
  };
  return {
    target(target) {
      const first = state.target === null;
      state.target = target;
      if (first && target !== null) for (const waiting of deps.file.load<Waiting>('webhook')) enqueue(state, waiting);
    },
    onEvent: (event) => take(state, event),
    drop(count) {
      state.dropping += count;
    },
    duplicate(count) {
      state.doubling += count;
    },
    log: () => state.log,
    close: () => state.closed.abort(),
  };
}

function take(state: State, event: Body): void {
  const { target } = state;
  if (target === null || (target.types && !target.types.includes(String(event.type)))) return;
  if (state.dropping > 0) {
    state.dropping -= 1;
    return;
  }
  const waiting = { id: event.id, event, attempt: 0 };
  state.deps.file.save('webhook', waiting.id, waiting);
  enqueue(state, waiting);
  if (state.doubling === 0) return;
  state.doubling -= 1;
  enqueue(state, waiting);
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
  const { deps, target } = state;
  if (target === null) return;
  const status = await post(state, target, waiting.event);
  const { event, attempt } = waiting;
  state.log.push({ atMs: deps.clock.now(), event: event.id, type: String(event.type), attempt, status });
  if (state.closed.signal.aborted) return;
  const delayMs = deps.retryDelaysMs[attempt];
  if ((status !== null && status >= 200 && status < 300) || delayMs === undefined) {
    deps.file.remove('webhook', waiting.id);
    return;
  }
  const next = { ...waiting, attempt: attempt + 1 };
  // The wait must not hold up the other events.
  waitUntil(state, deps.clock.now() + delayMs).then(
    () => enqueue(state, next),
    () => undefined,
  );
}

// In short steps, so that closing the simulator does not wait for an attempt hours away.
async function waitUntil(state: State, atMs: number): Promise<void> {
  const { clock } = state.deps;
  while (clock.now() < atMs && !state.closed.signal.aborted) await clock.sleep(Math.min(250, atMs - clock.now()));
}

/** The thin form of an event: what happened to which record, and where to read the rest. */
export function thinEvent(event: Body): Record<string, unknown> {
  const record = (event.data as { object: Body }).object;
  const related = { id: record.id, type: record.object, url: `/v1/${record.object}s/${record.id}` };
  const created = new Date(Number(event.created) * 1000).toISOString();
  const { id, livemode, type } = event;
  return {
    id,
    object: 'v2.core.event',
    context: null,
    created,
    livemode,
    reason: null,
    related_object: related,
    type: `v1.${String(type)}`,
  };
}

async function post(state: State, target: WebhookTarget, event: Body): Promise<number | null> {
  const body = JSON.stringify(target.thin ? thinEvent(event) : event, null, 2);
  const headers = {
    'content-type': 'application/json; charset=utf-8',
    'user-agent': 'Stripe/1.0 (+https://stripe.com/docs/webhooks)',
    'stripe-signature': signatureHeader(target.secret, body, Math.floor(state.deps.clock.now() / 1000)),
  };
  const signal = AbortSignal.any([state.closed.signal, AbortSignal.timeout(10_000)]);
  try {
    const answer = await fetch(target.url, { method: 'POST', headers, body, signal, redirect: 'manual' });
    await answer.arrayBuffer();
    return answer.status;
  } catch {
    return null;
  }
}
