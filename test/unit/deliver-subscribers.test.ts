import { describe, expect, it } from 'vitest';
import { type AgentConfig, agentSchema } from '../../shared/config/schema.ts';
import type { DeliveryMessage } from '../../shared/webhooks/delivery/ports.ts';
import { deliveryHandler, deliveryId, deliveryOf, wantsType } from '../../shared/webhooks/delivery/subscribers.ts';
import { delivery } from '../kit/delivery-world.ts';
import { eventWorld, message } from '../kit/event-world.ts';

const endpoint = { url: 'https://desk.acme.example/hooks', secret: 'plumbline/dev/desk-endpoint' };
const agent = (given: object): AgentConfig => agentSchema.parse({ owner: 'support', tools: ['contact_get'], ...given });
const agents = {
  desk: agent({ events: ['contact.*'], endpoint }),
  sales: agent({ events: ['acme/contact.propertyChange'], endpoint }),
  deaf: agent({ events: ['contact.propertyChange'] }),
  other: agent({ events: ['deal.creation'], endpoint }),
};

describe('an agent is told of', () => {
  const event = { system: 'slack', type: 'app_mention' };
  it.each([
    [['app_mention'], true],
    [['slack/app_mention'], true],
    [['app_*'], true],
    [['slack/*'], true],
    [['*'], true],
    [['other/app_mention'], false],
    [['app_mentions'], false],
    [['mention'], false],
    [[], false],
  ])('%j: %s', (events, told) => {
    expect(wantsType(events, event)).toBe(told);
  });
});

describe('an event', () => {
  const world = (send: (messages: readonly DeliveryMessage[]) => Promise<void>) =>
    eventWorld({ handlers: [deliveryHandler({ agents, queue: { send }, clock: { now: () => 1234 } })] });

  it('is queued for every agent that has an endpoint and wants it, before it is done', async () => {
    const queued: DeliveryMessage[] = [];
    const made = world(async (messages) => {
      expect([...made.inbox.claims.values()].map(({ state }) => state)).toEqual(['PROCESSING']);
      queued.push(...messages);
    });
    expect(await made.run()).toEqual({ kind: 'done', as: 'processed' });
    expect(queued).toEqual(
      ['desk', 'sales'].map((name) => ({
        version: 1,
        eventId: 'acme#crm#e1',
        agent: name,
        system: 'acme',
        channel: 'crm',
        type: 'contact.propertyChange',
        itemHash: 'item-1',
        occurredAtMs: null,
        record: 'contact/501',
        queuedAtMs: 1234,
      })),
    );
  });

  it('is not done where it could not be queued, and is queued again', async () => {
    const queued: DeliveryMessage[] = [];
    let broken = true;
    const made = world(async (messages) => {
      if (broken) throw new Error('the queue is away');
      queued.push(...messages);
    });
    await expect(made.run()).rejects.toThrow('the queue is away');
    broken = false;
    expect(await made.run()).toEqual({ kind: 'done', as: 'processed' });
    expect(queued).toHaveLength(2);
  });

  it('holds nothing of what was in it', async () => {
    const queued: DeliveryMessage[] = [];
    await world(async (messages) => void queued.push(...messages)).run();
    expect(JSON.stringify(queued)).not.toContain('lie');
  });

  it('that nobody wants is queued for nobody', async () => {
    const made = world(async () => expect.unreachable());
    expect(await made.run({ ...message, type: 'ticket.creation' })).toEqual({ kind: 'done', as: 'processed' });
  });
});

describe('the id of a delivery', () => {
  it('is one for each event and agent, and the same for ever', () => {
    expect(deliveryId(delivery(1, 0))).toBe('msg_18f2khgqxyf4fr8k6x1qrgph8v612e9k');
    expect(deliveryId({ ...delivery(1, 0), agent: 'other' })).not.toBe(deliveryId(delivery(1, 0)));
    expect(deliveryId(delivery(2, 0))).not.toBe(deliveryId(delivery(1, 0)));
  });
});

it.each(['', '{', 'null', '[]', '{"version":1}', '{"version":2}'])('%j is no delivery', (text) => {
  expect(deliveryOf(text)).toBeNull();
});

describe('an endpoint', () => {
  const parse = (given: object) =>
    agentSchema.safeParse({ owner: 'support', tools: ['contact_get'], endpoint: { ...endpoint, ...given } });

  it('waits by default, for an hour', () => {
    expect(parse({}).data?.endpoint).toMatchObject({ whileDown: 'queue', deadline: 3_600_000 });
  });

  it.each([
    { url: 'http://desk.acme.example/hooks' },
    { url: 'https://user:password@desk.acme.example/' },
    { url: 'ftp://desk.acme.example/' },
    { url: 'http://127.0.0.1.evil.example/' },
    { secret: 'whsec_ a literal value' },
    { whileDown: 'rule' },
    { rule: 'any' },
    { deadline: '10s' },
    { deadline: '30d' },
  ])('is refused: %j', (given) => {
    expect(parse(given).success).toBe(false);
  });

  it.each([
    { url: 'http://127.0.0.1:3000/hooks' },
    { whileDown: 'rule', rule: 'later_is_enough' },
    { deadline: '15m' },
  ])('is taken: %j', (given) => {
    expect(parse(given).success).toBe(true);
  });
});
