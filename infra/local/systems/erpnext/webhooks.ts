import { createHmac } from 'node:crypto';
import type { Clock } from '../../../../shared/model/clock.ts';
import { type Doc, type DocEvent, type Site, stamp } from './site.ts';

/** Where the site's webhooks deliver. */
export type WebhookTarget = {
  readonly url: string;
  readonly secret: string;
  /** What the template of the webhooks says the site is called. */
  readonly site?: string;
};

/** One attempt that was made. */
export type Delivery = { atMs: number; name: string; event: string; attempt: number; status: number | null };

/** The sender of webhooks. A worker that dies loses what it had not sent: nothing of it is kept. */
export type WebhookSender = {
  target(target: WebhookTarget | null): void;
  onChange(site: Site, doc: Doc, event: DocEvent): void;
  /** The next `count` deliveries are never made. */
  drop(count: number): void;
  /** The next `count` deliveries are made twice. */
  duplicate(count: number): void;
  log(): readonly Delivery[];
  close(): void;
};

type State = {
  readonly clock: Clock;
  readonly retryDelaysMs: readonly number[];
  target: WebhookTarget | null;
  dropping: number;
  doubling: number;
  readonly closed: AbortController;
  readonly log: Delivery[];
};

/** Waits of Frappe between its three attempts, milliseconds. */
export const defaultRetryDelaysMs: readonly number[] = [1000, 4000];

/** JSON as Python writes it: blanks after comma and colon, and everything beyond ASCII escaped. */
export function pythonJson(values: Readonly<Record<string, string | number | null>>): string {
  const text = (value: string | number | null) =>
    JSON.stringify(value).replaceAll(
      /[\u007f-\uffff]/g,
      (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
    );
  return `{${Object.entries(values)
    .map(([name, value]) => `${text(name)}: ${text(value)}`)
    .join(', ')}}`;
}

/** The signature over a body. @see https://github.com/frappe/frappe/blob/develop/frappe/integrations/doctype/webhook/webhook.py */
export function signatureOf(secret: string, body: string): string {
  return createHmac('sha256', secret).update(body).digest('base64');
}

/** Sends what happened to documents, signed, in up to three attempts; after them it is lost. */
export function createWebhookSender(deps: Pick<State, 'clock' | 'retryDelaysMs'>): WebhookSender {
  const state: State = { ...deps, target: null, dropping: 0, doubling: 0, closed: new AbortController(), log: [] };
  return {
    target(target) {
      state.target = target;
    },
    onChange(site, doc, event) {
      const { target } = state;
      if (target === null || ['Comment', 'Deleted Document', 'Company', 'Warehouse'].includes(doc.docType)) return;
      const modified = stamp(site, doc.modifiedMicros);
      const body = pythonJson({
        site: target.site ?? '127.0.0.1',
        event,
        doctype: doc.docType,
        name: doc.name,
        modified,
      });
      if (state.dropping > 0) {
        state.dropping -= 1;
        return;
      }
      const times = state.doubling > 0 ? 2 : 1;
      state.doubling = Math.max(0, state.doubling - 1);
      // After the request that made the change was answered.
      for (let n = 0; n < times; n += 1)
        setImmediate(() => void deliver(state, target, { body, name: doc.name, event }));
    },
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

async function deliver(
  state: State,
  target: WebhookTarget,
  { body, name, event }: { body: string; name: string; event: string },
) {
  const { clock, closed, retryDelaysMs } = state;
  for (let attempt = 0; !closed.signal.aborted; attempt += 1) {
    const status = await post(state, target, body);
    state.log.push({ atMs: clock.now(), name, event, attempt, status });
    const delayMs = retryDelaysMs[attempt];
    if ((status !== null && status >= 200 && status < 300) || delayMs === undefined) return;
    const dueMs = clock.now() + delayMs;
    // In short steps, so that closing the simulator does not wait for an attempt.
    while (clock.now() < dueMs && !closed.signal.aborted) await clock.sleep(Math.min(250, dueMs - clock.now()));
  }
}

async function post({ closed }: State, target: WebhookTarget, body: string): Promise<number | null> {
  // Frappe names no content type of its own; the webhook's headers do.
  const headers = {
    'content-type': 'application/json',
    'x-frappe-webhook-signature': signatureOf(target.secret, body),
  };
  const signal = AbortSignal.any([closed.signal, AbortSignal.timeout(5000)]);
  try {
    const answer = await fetch(target.url, { method: 'POST', headers, body, signal, redirect: 'manual' });
    await answer.arrayBuffer();
    return answer.status;
  } catch {
    return null;
  }
}
