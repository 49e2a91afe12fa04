import { describe, expect, it } from 'vitest';
import type { PlumblineConfig } from '../../shared/config/schema.ts';
import { webhookAdapter } from '../../shared/connectors/hubspot/webhook.ts';
import { systemRandom } from '../../shared/model/clock.ts';
import type { InboxMessage } from '../../shared/model/event.ts';
import type { Json } from '../../shared/model/json.ts';
import { type EventWorkerDeps, eventWorker } from '../../shared/webhooks/event-worker.ts';
import { fixedClock } from '../kit/fixed-clock.ts';
import { memoryCaseStore } from '../kit/memory-case-store.ts';
import { memoryInboxStore } from '../kit/memory-inbox-store.ts';
import { memoryLedgerStore } from '../kit/memory-ledger-store.ts';
import { memoryPayloadStore } from '../kit/memory-payload-store.ts';
import { operatorConfig } from '../kit/operator-world.ts';
import { hubspotItem } from '../kit/webhook-door.ts';

const hubspot = { ...operatorConfig.systems.hubspot, account: { portalId: 4711, is: 'sandbox' } };
const config = { ...operatorConfig, systems: { hubspot } } as PlumblineConfig;

/** The event worker of a system whose account is portal 4711. `asked`: requests to the system; `handled`: what handlers got. */
function worker(changes: Partial<EventWorkerDeps> = {}) {
  const [inbox, ledger, cases] = [memoryInboxStore(), memoryLedgerStore(), memoryCaseStore()];
  const asked: string[] = [];
  const handled: InboxMessage[] = [];
  const metrics: string[] = [];
  const clock = fixedClock(1_000);
  const note = () => {};
  const work = eventWorker({
    ...{ config, inbox, ledger, cases, payloads: memoryPayloadStore(), clock, random: systemRandom },
    sources: { seen: async () => {} },
    send: async ({ spec }) => {
      asked.push(spec.path);
      const names = (spec.query ?? []).filter(([name]) => name === 'properties').flatMap(([, list]) => list.split(','));
      const properties = Object.fromEntries(names.map((name) => [name, null]));
      const answer = { status: 200, headers: {}, bodyText: JSON.stringify({ id: '501', properties }) };
      return { kind: 'answer', answer, fetchedAtMs: 1 };
    },
    loadAdapter: async () => webhookAdapter,
    loadFeeds: async () => ({}),
    loadOperation: async (id) => (await import('../../shared/connectors/registry.ts')).loadOperation(id),
    handlers: [{ wants: () => true, handle: async ({ message }) => [handled.push(message)].map(String) }],
    delay: { retryIn: async () => {} },
    log: {
      ...{ info: note, warn: note, error: note },
      metric: (name, _v, _u, d) => void metrics.push(`${name} ${d.reason ?? ''}`),
    },
    ...changes,
  });
  const run = (...messages: readonly InboxMessage[]) =>
    work(
      messages.map((message, index) => ({
        messageId: `m${index}`,
        receiptHandle: `r${index}`,
        body: JSON.stringify(message),
        attributes: { ApproximateReceiveCount: '1' },
      })),
      60_000,
    );
  return { run, inbox, ledger, cases, asked, handled, metrics };
}

function message(eventId: number, changes: object = {}, more: Partial<InboxMessage> = {}): InboxMessage {
  return {
    version: 1,
    identity: `hubspot#crm#${eventId}`,
    system: 'hubspot',
    channel: 'crm',
    scheme: 'hubspot-v3',
    type: 'contact.propertyChange',
    bodyHash: 'b',
    itemHash: `i${eventId}`,
    occurredAtMs: null,
    receivedAtMs: 500,
    attempt: 0,
    secretIndex: 0,
    item: { inline: hubspotItem(eventId, changes) as Json },
    replay: null,
    ...more,
  };
}

const outcomes = (w: ReturnType<typeof worker>) => [...w.inbox.claims.values()].map(({ outcome }) => outcome?.kind);

describe('an event of another account than the configured one', () => {
  it('is neither read nor processed, but quarantined, on the ledger and counted', async () => {
    const w = worker();
    const answer = await w.run(message(1, { portalId: 4712 }));
    expect([w.asked, w.handled, answer.batchItemFailures]).toEqual([[], [], []]);
    expect([outcomes(w), w.ledger.entries.filter(({ kind }) => kind === 'event')]).toMatchObject([
      ['quarantined'],
      [{ outcome: 'quarantined' }],
    ]);
    expect(w.metrics).toContain('webhook_quarantined account_mismatch');
  });

  it('opens one case an account with the owner of the system, who is told', async () => {
    const w = worker();
    await w.run(message(1, { portalId: 4712 }), message(2, { portalId: 4712 }), message(3, { portalId: 4713 }));
    expect(w.cases.cases.map(({ owner, facts }) => [owner, facts.account])).toEqual([
      ['revops', 'portalId 4712'],
      ['revops', 'portalId 4713'],
    ]);
    expect(w.ledger.entries.filter((entry) => entry.kind === 'operation')).toHaveLength(2);
  });

  it('is processed by a forced replay once the configuration names its account', async () => {
    const w = worker();
    await w.run(message(1, { portalId: 4712 }));
    const replay = { id: 'evt_1', by: 'person:olga', reason: 'moved', force: true };
    const systems = { hubspot: { ...hubspot, account: { portalId: 4712, is: 'sandbox' } } };
    const later = worker({ inbox: w.inbox, config: { ...config, systems } as PlumblineConfig });
    await later.run(message(1, { portalId: 4712 }, { replay }));
    expect([outcomes(w), later.handled.length]).toEqual([['quarantined', 'processed'], 1]);
  });

  it('is told apart from the configured account, whose events are processed', async () => {
    const w = worker();
    await w.run(message(1));
    expect([outcomes(w), w.asked.length, w.cases.cases]).toEqual([['processed'], 1, []]);
  });
});

describe('an event that no configuration covers', () => {
  it('is quarantined where its system is not configured any more', async () => {
    const w = worker();
    await w.run(message(1, {}, { system: 'gone' }));
    expect([outcomes(w), w.cases.cases.map(({ facts }) => facts.why)]).toEqual([
      ['quarantined'],
      ['system_not_configured'],
    ]);
  });
});

describe('a forced replay of an item that was not readable', () => {
  const replay = { id: 'evt_1', by: 'person:olga', reason: 'the mapping is repaired', force: true };

  it('is processed under the identity that it has now', async () => {
    const w = worker();
    await w.run(message(1, {}, { quarantine: 'no_identity', type: 'unreadable', replay }));
    const delivery = {
      ...{ system: 'hubspot', channel: 'crm', scheme: 'hubspot-v3' },
      ...{ bodyHash: 'b', signedId: null, receivedAtMs: 500 },
    };
    const own = webhookAdapter.identity(hubspotItem(1) as Json, delivery);
    expect(w.handled).toMatchObject([{ identity: `hubspot#crm#${own}`, type: 'contact.propertyChange' }]);
  });

  it('is quarantined again where it is still not readable', async () => {
    const w = worker();
    await w.run(message(1, { objectId: null }, { quarantine: 'no_identity', replay }));
    expect([outcomes(w), w.handled]).toEqual([['quarantined'], []]);
  });
});
