import { systemRandom } from '../../shared/model/clock.ts';
import type { InboxMessage } from '../../shared/model/event.ts';
import { silentLog } from '../../shared/observe/json-log.ts';
import { type LiveRecord, processEvent } from '../../shared/webhooks/process.ts';
import type { BatchDeps } from '../../shared/webhooks/work-batch.ts';
import { memoryCaseStore } from './memory-case-store.ts';
import { memoryInboxStore } from './memory-inbox-store.ts';
import { memoryLedgerStore } from './memory-ledger-store.ts';
import { memoryPayloadStore } from './memory-payload-store.ts';

/** One queued event. */
export const message: InboxMessage = {
  version: 1,
  identity: 'acme#crm#e1',
  system: 'acme',
  channel: 'crm',
  scheme: 'hubspot-v3',
  type: 'contact.propertyChange',
  bodyHash: 'body-1',
  itemHash: 'item-1',
  occurredAtMs: null,
  receivedAtMs: 500,
  attempt: null,
  secretIndex: 0,
  item: { inline: { objectId: 501, propertyValue: 'a lie' } },
  replay: null,
};

/** Everything the event worker needs, in memory; `handled` are the event ids that its one handler was given. */
export function eventWorld(changes: Partial<BatchDeps> = {}) {
  let nowMs = 1000;
  const handled: string[] = [];
  const seen: unknown[] = [];
  const metrics: string[] = [];
  const delays: number[] = [];
  const told: string[] = [];
  const [inbox, ledger, cases, payloads] = [
    memoryInboxStore(),
    memoryLedgerStore(),
    memoryCaseStore(),
    memoryPayloadStore(),
  ];
  const live: LiveRecord = { kind: 'record', data: { lifecyclestage: 'lead' }, fetchedAtMs: 1 };
  const deps = {
    inbox,
    ledger,
    cases,
    payloads,
    tell: async (opened: { readonly caseId: string }) => void told.push(opened.caseId),
    arrived: async () => {},
    plan: async (planned: InboxMessage) => ({
      kind: 'work' as const,
      message: planned,
      call: { operation: 'hubspot.contacts.get', system: 'acme', input: { id: '501' } },
      record: ['acme', 'contact', '501'] as const,
    }),
    reRead: async () => live,
    handlers: [
      {
        wants: () => true,
        handle: async (event: { readonly eventId: string; readonly live: unknown }) => {
          handled.push(event.eventId);
          seen.push(event.live);
          return [];
        },
      },
    ],
    ownerOf: () => 'revops',
    clock: { now: () => nowMs, sleep: async () => {} },
    random: systemRandom,
    log: { ...silentLog, metric: (name: string) => void metrics.push(name) },
    leaseMs: 65_000,
    delay: { retryIn: async (_receipt: string, delayMs: number) => void delays.push(delayMs) },
    ...changes,
  };
  const run = (one: InboxMessage = message, attempt = 1) =>
    processEvent(deps, { message: one, attempt, deadlineMs: nowMs + 10_000 });
  const later = (ms: number) => {
    nowMs += ms;
  };
  const queued = (one: unknown, id = 'm1') => ({
    messageId: id,
    receiptHandle: `r-${id}`,
    body: JSON.stringify(one),
    attributes: { ApproximateReceiveCount: '1' },
  });
  return { deps, run, later, queued, inbox, ledger, cases, payloads, handled, seen, metrics, delays, told };
}
