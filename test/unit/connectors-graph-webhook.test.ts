import { createServer } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { webhookAdapter } from '../../shared/connectors/graph/webhook.ts';
import type { InboxMessage } from '../../shared/model/event.ts';
import type { Json, JsonObject } from '../../shared/model/json.ts';
import { channelsOf } from '../../shared/webhooks/channels.ts';
import { annaId, callGraph, type GraphWorld, graphWorld } from '../kit/graph-simulator.ts';
import { closeAll, listening } from '../kit/http-servers.ts';
import { read } from '../kit/system-world.ts';
import { doorSecret, testDoor, urlEvent } from '../kit/webhook-door.ts';

const tenantId = '11111111-2222-4333-8444-555555555555';
const subscriptionId = 'bbbbbbbb-0000-4000-8000-000000000001';
const delivery = {
  system: 'graph',
  channel: 'mail',
  scheme: 'graph',
  bodyHash: 'h',
  signedId: null,
  receivedAtMs: 1_000_000,
};
const item = (over: JsonObject = {}): JsonObject => ({
  ...{ subscriptionId, tenantId, changeType: 'created', clientState: 'redacted' },
  subscriptionExpirationDateTime: '2026-11-20T11:00:00Z',
  resource: `Users/${annaId}/Messages/AAkALg1=`,
  resourceData: { '@odata.type': '#Microsoft.Graph.Message', '@odata.etag': 'W/"1"', id: 'AAkALg1=' },
  ...over,
});
const identity = (one: Json, receivedAtMs = 1_000_000) => webhookAdapter.identity(one, { ...delivery, receivedAtMs });

describe('a notification', () => {
  it('is one change of one version of one record, whenever and through whatever renewal it comes', () => {
    const first = identity(item());
    expect(first).toMatch(/^[0-9a-f]{40}$/);
    const later = item({ subscriptionExpirationDateTime: '2026-11-25T11:00:00Z', clientState: 'another' });
    expect(identity(later, 9_000_000)).toBe(first);
    expect(webhookAdapter.stable(later)).toEqual(webhookAdapter.stable(item()));
    const others = [
      item({ changeType: 'updated' }),
      item({ resourceData: { '@odata.etag': 'W/"2"', id: 'AAkALg1=' } }),
      item({ resource: `Users/${annaId}/Messages/AAkALg2=` }),
      item({ subscriptionId: 'bbbbbbbb-0000-4000-8000-000000000002' }),
      item({ tenantId: '99999999-2222-4333-8444-555555555555' }),
    ].map((one) => identity(one));
    expect(new Set([first, ...others]).size).toBe(6);
  });

  it('of the directory is told apart by its number, where it has no version', () => {
    const one = (sequenceNumber: number) =>
      item({ changeType: 'updated', resource: `Users/${annaId}`, resourceData: { id: annaId, sequenceNumber } });
    expect([identity(one(1), 0) === identity(one(2), 0), identity(one(1), 0) === identity(one(1), 9_000_000)]).toEqual([
      false,
      true,
    ]);
  });

  it('without a version is the same for ten minutes', () => {
    const gone = item({ changeType: 'deleted', resourceData: { id: 'AAkALg1=' } });
    expect([identity(gone, 0) === identity(gone, 599_999), identity(gone, 0) === identity(gone, 600_000)]).toEqual([
      true,
      false,
    ]);
  });

  it.each([
    [`Users/${annaId}/Messages/AAkALg1=`, 'message.created', ['graph', 'message', 'AAkALg1='], 'graph.messages.get'],
    [`users('${annaId}')/events('AAkALg2=')`, 'event.created', ['graph', 'event', 'AAkALg2='], 'graph.events.get'],
    [
      `Users/${annaId}/mailFolders('inbox')/messages/AAkALg3=`,
      'message.created',
      ['graph', 'message', 'AAkALg3='],
      'graph.messages.get',
    ],
    [`Users/${annaId}`, 'user.created', ['graph', 'user', annaId], 'graph.users.get'],
  ])('of %s is a %s and is read again', (resource, type, record, operation) => {
    const one = item({ resource });
    expect(webhookAdapter.type(one, delivery)).toBe(type);
    expect(webhookAdapter.record?.(one, 'graph')).toEqual(record);
    expect(webhookAdapter.reRead(one, 'graph')?.operation).toBe(operation);
    expect(webhookAdapter.account?.(one)).toEqual({ tenantId });
  });

  it.each(['reauthorizationRequired', 'subscriptionRemoved', 'missed'])(
    'of the life cycle is passed on as lifecycle.%s',
    (event) => {
      const one: JsonObject = {
        subscriptionId,
        tenantId,
        lifecycleEvent: event,
        subscriptionExpirationDateTime: '2026-11-20T11:00:00Z',
      };
      expect(webhookAdapter.type(one, delivery)).toBe(`lifecycle.${event}`);
      expect(webhookAdapter.record?.(one, 'graph')).toEqual(['graph', 'subscription', subscriptionId]);
      expect(webhookAdapter.reRead(one, 'graph')).toBeNull();
      expect([identity(one, 0) === identity(one, 599_999), identity(one, 0) === identity(one, 900_000)]).toEqual([
        true,
        false,
      ]);
    },
  );

  it.each([
    ['no tenant', item({ tenantId: 'x' })],
    ['no subscription', item({ subscriptionId: null })],
    ['no resource', item({ resource: 'x' })],
    ['a resource that climbs', item({ resource: 'Users/../Messages/1a' })],
    ['a resource of another kind', item({ resource: 'communications/callRecords/1a' })],
    ['a change that is none', item({ changeType: 'exploded' })],
    ['no object', 'text'],
  ])('with %s has no identity and is read by nobody', (_what, one) => {
    expect(identity(one)).toBeNull();
  });

  it('comes in a body of its own shape only', () => {
    expect(webhookAdapter.split({ value: [item(), item()] })).toHaveLength(2);
    for (const body of [{ value: [] }, { value: 'x' }, [], null, 'x']) expect(webhookAdapter.split(body)).toBeNull();
  });
});

describe('a subscription of the simulated tenant', () => {
  let world: GraphWorld;
  let door: ReturnType<typeof testDoor>;
  let notificationUrl: string;

  beforeEach(async () => {
    world = await graphWorld();
    const channel = { scheme: 'graph', secret: 's', tolerance: 300_000, maxBodyBytes: 1_048_576 };
    const config = { systems: { graph: { connector: 'graph', owner: 'revops', webhooks: { mail: channel } } } };
    door = testDoor({ channels: channelsOf(config as never, () => webhookAdapter) });
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', async () => {
        const { pathname, search } = new URL(request.url ?? '', 'http://door.example');
        const event = urlEvent(
          pathname,
          Buffer.concat(chunks),
          { 'content-type': 'application/json' },
          { rawQueryString: search.slice(1) },
        );
        const answer = await door.post(event);
        response.writeHead(answer.statusCode, { ...answer.headers }).end(answer.body);
      });
    });
    notificationUrl = `${await listening(server)}/graph/mail`;
  });
  afterEach(async () => {
    await world.close();
    closeAll();
  });

  const subscribe = (clientState: string, resource = `users/${annaId}/messages`) =>
    callGraph(
      world.simulator,
      'POST',
      'subscriptions',
      {
        ...{ resource, changeType: 'created,updated,deleted', notificationUrl, clientState },
        lifecycleNotificationUrl: notificationUrl,
        expirationDateTime: new Date(world.clock.now() + 3_600_000).toISOString(),
      },
      { prefer: 'IdType="ImmutableId"' },
    );
  const admin = (name: string, body: unknown = {}) => callGraph(world.simulator, 'POST', `/_admin/${name}`, body);
  const arrive = async () =>
    (await admin('receive', { to: annaId, from: 'm@example.com', subject: 'S', text: 'T' })).body.id as string;
  const received = async (count: number): Promise<readonly InboxMessage[]> => {
    await expect.poll(() => door.sent.length).toBeGreaterThanOrEqual(count);
    return door.sent;
  };

  it('begins after the door said whose it is, and tells of a mail that can be read again', async () => {
    expect((await subscribe(doorSecret)).status).toBe(201);
    const id = await arrive();
    const [message] = await received(1);
    expect(message).toMatchObject({ system: 'graph', channel: 'mail', scheme: 'graph', type: 'message.created' });
    const held = message && 'inline' in message.item ? message.item.inline : null;
    const call = webhookAdapter.reRead(held as Json, 'graph');
    if (!call) throw new Error('nothing to read');
    expect(await read(world, call)).toMatchObject({ kind: 'ok', data: { id, properties: { subject: 'S' } } });
    expect(JSON.stringify(message)).not.toContain(doorSecret);
  });

  it('does not begin where nobody answers the question', async () => {
    notificationUrl = notificationUrl.replace('/graph/mail', '/graph/unknown');
    const answer = await subscribe(doorSecret);
    expect([answer.status, answer.body.error.code]).toEqual([400, 'ValidationError']);
  });

  it('delivers twice what is one event', async () => {
    await subscribe(doorSecret);
    await admin('duplicate-notifications');
    await arrive();
    const messages = await received(2);
    expect(new Set(messages.map((one) => one.identity)).size).toBe(1);
    expect(new Set(messages.map((one) => one.itemHash)).size).toBe(1);
  });

  it('is not believed with another client state', async () => {
    await subscribe('another-client-state');
    await arrive();
    await expect.poll(() => world.simulator.webhooks.log().length).toBeGreaterThan(0);
    expect([world.simulator.webhooks.log()[0]?.status, door.sent]).toEqual([401, []]);
  });

  it('tells of its life cycle, and of nothing after its end', async () => {
    await subscribe(doorSecret);
    await admin('lifecycle', { event: 'reauthorizationRequired' });
    expect((await received(1))[0]?.type).toBe('lifecycle.reauthorizationRequired');
    world.clock.advance(3_600_001);
    await arrive();
    expect((await callGraph(world.simulator, 'GET', 'subscriptions')).body.value).toEqual([]);
    expect(door.sent).toHaveLength(1);
  });
});
