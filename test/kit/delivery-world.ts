import type { AgentConfig } from '../../shared/config/schema.ts';
import { agentSchema, ownersSchema } from '../../shared/config/schema.ts';
import { type HttpClient, httpClient } from '../../shared/http/client.ts';
import { systemClock } from '../../shared/model/clock.ts';
import { silentLog } from '../../shared/observe/json-log.ts';
import { breakerGuard } from '../../shared/resilience/breaker-guard.ts';
import type { DeliverDeps } from '../../shared/webhooks/delivery/deliver.ts';
import type { DeliveryMessage } from '../../shared/webhooks/delivery/ports.ts';
import { deliveryWorker } from '../../shared/webhooks/delivery/worker.ts';
import { testClock, testRandom } from './kernel.ts';
import { memoryCaseStore } from './memory-case-store.ts';
import { memoryDeliveryStore } from './memory-delivery-store.ts';
import { memoryLedgerStore } from './memory-ledger-store.ts';
import { memoryResilienceStore } from './memory-resilience-store.ts';
import type { Received } from './recording-server.ts';

/** The secret of the test's endpoint and the key of its event handles. */
export const endpointSecret = `whsec_${Buffer.from('an endpoint secret of the tests').toString('base64')}`;
export const handleKey = Buffer.from('a key of event handles, 32 bytes!');

/** One queued delivery. */
export const delivery = (n: number, queuedAtMs: number): DeliveryMessage => ({
  version: 1,
  eventId: `acme#crm#e${n}`,
  agent: 'desk',
  system: 'acme',
  channel: 'crm',
  type: 'contact.propertyChange',
  record: `contact/${500 + n}`,
  itemHash: `item-${n}`,
  occurredAtMs: null,
  queuedAtMs,
});

/**
 * The worker of deliveries over memory stores and real HTTP, with a queue of its own: messages become visible when the virtual
 * clock reaches their time, and stay where the worker reports them.
 */
export function deliveryWorld(endpoint: Record<string, unknown>, changes: Partial<DeliverDeps> = {}) {
  const clock = testClock();
  const agent: AgentConfig = agentSchema.parse({
    owner: 'support',
    tools: ['contact_get'],
    events: ['contact.*'],
    endpoint: { secret: 'plumbline/dev/desk-endpoint', ...endpoint },
  });
  const owners = ownersSchema.parse({ teams: { support: {} }, people: {} });
  const [deliveries, ledger, cases] = [memoryDeliveryStore(), memoryLedgerStore(), memoryCaseStore()];
  const resilience = memoryResilienceStore();
  const real = httpClient({ clock: systemClock, local: true });
  // The virtual clock decides when things are due; what goes over a real connection takes real time.
  const http: Pick<HttpClient, 'send'> = {
    send: (request) => real.send({ ...request, deadlineMs: systemClock.now() + 5_000 }),
  };
  const queue = new Map<string, { body: string; visibleAtMs: number; received: number }>();
  const delays: number[] = [];
  const deps: DeliverDeps = {
    ...{ config: { agents: { desk: agent }, owners }, deliveries, http, ledger, cases, clock },
    breakers: breakerGuard({ store: resilience, clock, owner: 'test' }),
    secretsOf: async () => [endpointSecret],
    handleKeys: async () => [handleKey],
    decide: async () => ({ kind: 'ignore', why: 'not needed' }),
    tell: async () => {},
    random: testRandom(),
    log: silentLog,
    ...changes,
  };
  const work = deliveryWorker({
    ...deps,
    delay: {
      retryIn: async (receipt, delayMs) => {
        const message = queue.get(receipt);
        if (message) message.visibleAtMs = clock.now() + delayMs;
        delays.push(delayMs);
      },
    },
  });
  const put = (message: DeliveryMessage, id = message.eventId) =>
    void queue.set(id, { body: JSON.stringify(message), visibleAtMs: clock.now(), received: 0 });
  /** Works on everything that is visible now, ten at a time. */
  const round = async () => {
    const due = [...queue].filter(([, { visibleAtMs }]) => visibleAtMs <= clock.now());
    for (let from = 0; from < due.length; from += 10) {
      const records = due.slice(from, from + 10).map(([id, message]) => {
        message.received += 1;
        // Lambda hides a message while it is worked on.
        message.visibleAtMs = clock.now() + 360_000;
        const attributes = { ApproximateReceiveCount: String(message.received) };
        return { messageId: id, receiptHandle: id, body: message.body, attributes };
      });
      const { batchItemFailures } = await work(records);
      const kept = new Set(batchItemFailures.map(({ itemIdentifier }) => itemIdentifier));
      for (const { messageId } of records) if (!kept.has(messageId)) queue.delete(messageId);
    }
  };
  /** Lets the clock go to each time something is due, up to `untilMs` from the start, or until the queue is empty. */
  const runUntil = async (untilMs: number) => {
    for (;;) {
      await round();
      const next = Math.min(...[...queue.values()].map(({ visibleAtMs }) => visibleAtMs));
      if (queue.size === 0 || next > untilMs) return;
      clock.advance(Math.max(0, next - clock.now()));
    }
  };
  return { clock, deps, deliveries, ledger, cases, queue, delays, put, round, runUntil, close: () => real.close() };
}

/** The event ids that a receiver got, in order. */
export const eventIds = (got: readonly Received[]) =>
  got.map(({ body }) => (JSON.parse(body) as { data: { event_id: string } }).data.event_id);
