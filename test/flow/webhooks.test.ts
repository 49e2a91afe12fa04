import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { sortedJson } from '../../shared/action/canonical.ts';
import { hubspotOn } from '../../shared/connectors/hubspot/calls.ts';
import { loadOperation } from '../../shared/connectors/registry.ts';
import { sha256Hex } from '../../shared/model/ids.ts';
import type { Json } from '../../shared/model/json.ts';
import { identityOf, startWebhookDeployment, type WebhookDeployment } from '../kit/webhook-deployment.ts';

let w: WebhookDeployment;
let contacts: readonly string[];
let events = 0;

beforeAll(async () => {
  w = await startWebhookDeployment();
  contacts = [...w.local.hubspot.portal.objects.contacts.keys()];
});
afterAll(() => w?.close());

/** A notification of the configured account that no test has sent yet. */
function notification(contact: string, changes: object = {}): object {
  events += 1;
  return {
    eventId: events,
    subscriptionId: 12,
    portalId: 4711,
    appId: 99,
    occurredAt: Date.now(),
    subscriptionType: 'contact.propertyChange',
    attemptNumber: 0,
    objectId: Number(contact),
    propertyName: 'lifecyclestage',
    propertyValue: 'what the payload claims',
    ...changes,
  };
}

/** One that is about no record that can be read. */
const message = () => notification('1', { subscriptionType: 'conversation.newMessage' });
const contact = (n: number) => contacts[n] ?? '';
const eventually = (check: () => Promise<void> | void) => vi.waitFor(check, { timeout: 40_000, interval: 50 });
const doneAll = (items: readonly object[]) =>
  eventually(async () => {
    const claims = await Promise.all(items.map((item) => w.claim(identityOf(item))));
    expect(claims.filter((claim) => claim?.state !== 'DONE')).toEqual([]);
    expect(w.queued()).toBe(0);
  });
const entriesOf = async (item: object) =>
  (await w.ledger('event')).filter((entry) => entry.kind === 'event' && entry.identity === identityOf(item));

/** What HubSpot says of a contact now, asked for as the worker asks for it. */
async function liveHash(id: string): Promise<string> {
  const call = hubspotOn('hubspot').contacts.get(id);
  const operation = await loadOperation(call.operation);
  if (operation.kind !== 'read') throw new Error('not a read');
  const spec = operation.request({ apiVersion: '2026-09', providerKey: '' }, call.input);
  const url = new URL(spec.path, w.local.urls.hubspot);
  for (const [name, value] of spec.query ?? []) url.searchParams.append(name, value);
  const [token] = w.local.standIns.secrets.versions('plumbline/dev/hubspot');
  const answer = await fetch(url, { headers: { authorization: `Bearer ${token?.value}` } });
  const verdict = operation.judge({ status: answer.status, headers: {}, bodyText: await answer.text() }, call.input);
  if (verdict.kind !== 'ok') throw new Error(JSON.stringify(verdict));
  return sha256Hex(sortedJson(verdict.data as Json));
}

describe('webhooks of the running product', () => {
  it('are processed with the live record, whatever the payload claims, and are on the ledger', async () => {
    const item = notification(contact(0));
    expect(await w.deliver([item])).toBe(200);
    await doneAll([item]);
    const claim = await w.claim(identityOf(item));
    const live = { hash: await liveHash(contact(0)), fetchedAtMs: expect.any(Number) };
    expect(claim?.outcome).toEqual({
      kind: 'processed',
      actions: [],
      record: ['hubspot', 'contact', contact(0)],
      live,
    });
    expect(await entriesOf(item)).toMatchObject([{ outcome: 'processed', record: `hubspot/contact/${contact(0)}` }]);
    expect(w.local.hubspot.effects.effects()).toEqual([]);
  });

  it('are refused without a single AWS call where they are forged', async () => {
    const flood = () => Promise.all(Array.from({ length: 20 }, () => w.deliver([message()], 'Zm9yZ2Vk')));
    // every process of the door is up after the first; a process reads its secrets when it starts
    await flood();
    const before = w.local.awsCalls()['webhook-door'];
    const statuses = await flood();
    expect([new Set(statuses), w.local.awsCalls()['webhook-door']]).toEqual([new Set([401]), before]);
  });

  it('are processed once and counted once where the same delivery comes twice', async () => {
    const item = notification(contact(1));
    await w.deliver([item]);
    await w.deliver([{ ...item, attemptNumber: 1 }]);
    await doneAll([item]);
    expect([(await w.claim(identityOf(item)))?.duplicates, (await entriesOf(item)).length]).toEqual([1, 1]);
  });

  it('end in one claim where fifty identical deliveries come at once', async () => {
    const item = notification(contact(2));
    const statuses = await Promise.all(Array.from({ length: 50 }, () => w.deliver([item])));
    await doneAll([item]);
    expect(new Set(statuses)).toEqual(new Set([200]));
    expect([(await w.claim(identityOf(item)))?.duplicates, (await entriesOf(item)).length]).toEqual([49, 1]);
  });

  it('are told apart in a batch of a hundred: 89 processed, 10 counted, 1 in a case', async () => {
    const good = Array.from({ length: 89 }, (_, i) => (i < 15 ? notification(contact(10 + i)) : message()));
    const poison = { subscriptionType: 'contact.creation', portalId: 4711, sent: 'by mistake' };
    expect(await w.deliver([...good.slice(0, 40), poison, ...good.slice(40), ...good.slice(0, 10)])).toBe(200);
    await doneAll(good);
    const claims = await Promise.all(good.map((item) => w.claim(identityOf(item))));
    expect(claims.filter((claim) => claim?.outcome?.kind === 'processed')).toHaveLength(89);
    expect(claims.reduce((sum, claim) => sum + (claim?.duplicates ?? 0), 0)).toBe(10);
    const cases = await w.openCases();
    expect(cases.map(({ reason, owner, facts }) => [reason, owner, facts.why])).toEqual([
      ['quarantined', 'revops', 'no_identity'],
    ]);
  });

  it('are quarantined, unread, where they are of another account', async () => {
    const item = notification(contact(3), { portalId: 815 });
    const before = w.local.hubspot.effects.requests().length;
    expect(await w.deliver([item])).toBe(200);
    await doneAll([item]);
    expect((await w.claim(identityOf(item)))?.outcome).toEqual({ kind: 'quarantined', why: 'account_mismatch' });
    expect(w.local.hubspot.effects.requests()).toHaveLength(before);
    expect((await w.openCases()).filter(({ facts }) => facts.account === 'portalId 815')).toHaveLength(1);
  });

  it('arrive through a channel of Standard Webhooks', async () => {
    const statuses: number[] = [];
    for (let i = 0; i < 2; i += 1) {
      statuses.push(await w.deliverStandard('msg_1', '{"type":"order.paid","timestamp":"2026-01-01T00:00:00Z"}'));
    }
    await eventually(async () => {
      const claim = await w.claim('hubspot#partner#id:msg_1');
      expect([statuses, claim?.state, claim?.duplicates]).toEqual([[200, 200], 'DONE', 1]);
    });
  });

  it('are not acknowledged while the queue is down, and are processed once it is back', async () => {
    const items = [message(), message()];
    const send = vi.spyOn(w.local.standIns.queues, 'send').mockImplementation(() => {
      throw new Error('the queue is down');
    });
    const down = await w.deliver(items);
    send.mockRestore();
    expect([down, await w.deliver(items)]).toEqual([503, 200]);
    await doneAll(items);
  });

  it('note when a channel was last heard of', async () => {
    const source = await w.state('source#hubspot#crm');
    const [outcome] = await w.local.pollers.fire('tick');
    expect([typeof source?.['seenMs'], outcome?.kind]).toEqual(['number', 'returned']);
  });
});

describe('an event as operators see and replay it', () => {
  const ask = async (method: string, identity: string, rest = '', body?: object) => {
    const answer = await fetch(`${w.local.urls.operators}/v1/events/${encodeURIComponent(identity)}${rest}`, {
      method,
      headers: {
        authorization: `Bearer ${w.local.issuer.tokenFor('anna@acme.example')}`,
        'content-type': 'application/json',
      },
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
    return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
  };

  it('is counted by a plain replay, and processed again by a forced one', async () => {
    const item = notification(contact(4));
    const identity = identityOf(item);
    await w.deliver([item]);
    await doneAll([item]);
    const reason = 'the mapping was wrong';
    const dry = await ask('POST', identity, '/replay', { reason });
    const plain = await ask('POST', identity, '/replay', { reason, dry_run: false });
    await eventually(async () => expect((await w.claim(identity))?.duplicates).toBe(1));
    const forced = await ask('POST', identity, '/replay', { reason, dry_run: false, force: true });
    await eventually(async () => expect((await w.claim(String(forced.body['claim'])))?.state).toBe('DONE'));
    expect([dry, plain, forced].map(({ status, body }) => [status, body['sent'], body['expect']])).toEqual([
      [200, false, 'counted_as_duplicate'],
      [202, true, 'counted_as_duplicate'],
      [202, true, 'processed_again'],
    ]);
    const shown = await ask('GET', String(forced.body['claim']));
    expect(shown.body).toMatchObject({ event_id: identity, state: 'DONE', outcome: { kind: 'processed' } });
  });
});

describe('an event worker that is killed with SIGKILL', () => {
  it('loses no acknowledged event and finishes each exactly once', async () => {
    const items = Array.from({ length: 5 }, (_, i) => notification(contact(5 + i)));
    const { hubspot, pollers, standIns } = w.local;
    standIns.queues.setAttributes(w.inboxQueue, { VisibilityTimeout: '1' });
    const slow = () => hubspot.effects.requests().filter(({ fault }) => fault === 'slow');
    const path = '^/crm/objects/2026-09/contacts/';
    hubspot.addFault({ kind: 'slow', ms: 3_000, times: 1_000, match: { path } });
    expect(await w.deliver(items)).toBe(200);
    for (let kills = 0, asked = 0; kills < 3; kills += 1) {
      // claimed, and on the way to the system
      await eventually(() => expect(slow().length).toBeGreaterThan(asked));
      pollers.pause('queue');
      await w.local.pool('event-worker').kill('SIGKILL');
      asked = slow().length;
      const states = await Promise.all(items.map(async (item) => (await w.claim(identityOf(item)))?.state));
      expect(states).not.toContain('DONE');
      await w.endLeases();
      if (kills === 2) hubspot.clearFaults();
      pollers.resume('queue');
    }
    await doneAll(items);
    const claims = await Promise.all(items.map((item) => w.claim(identityOf(item))));
    const entries = await Promise.all(items.map(entriesOf));
    expect(claims.map((claim) => claim?.outcome?.kind)).toEqual(items.map(() => 'processed'));
    expect(entries.map(({ length }) => length)).toEqual(items.map(() => 1));
    await eventually(() => expect(slow().filter(({ status }) => status === null)).toEqual([]));
  });
});
