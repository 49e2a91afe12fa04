import { describe, expect, it } from 'vitest';
import type { Json } from '../../shared/model/json.ts';
import { bodyShape, shapeDiff } from '../../shared/webhooks/shape.ts';
import { eventWorld } from '../kit/event-world.ts';
import { hubspotHeaders, hubspotItem, testDoor, urlEvent } from '../kit/webhook-door.ts';

const shape = { id: 'text or number', 'user.email': 'text', tags: 'list', open: 'truth value' } as const;

describe('the difference between an item and what its provider sends', () => {
  it('is nothing where every field is there and of its kind', () => {
    expect(shapeDiff(shape, { id: 7, user: { email: 'a@b.example' }, tags: [], open: false, more: 1 })).toEqual([]);
  });

  it('names what is missing, what is of another kind, and what nobody expects', () => {
    expect(shapeDiff(shape, { ident: 7, user: { mail: 'a@b.example' }, tags: null, open: 'yes' })).toEqual([
      'id: expected text or number, is missing',
      'user.email: expected text, is missing',
      'tags: expected list, is null',
      'open: expected truth value, is text',
      'ident: not expected, is number',
    ]);
  });

  it.each<[Json, string]>([
    [null, 'null'],
    ['text', 'text'],
    [[1], 'list'],
  ])('says that %j is no object', (item, kind) => {
    expect(shapeDiff(shape, item)).toEqual([`the item: expected an object, is ${kind}`]);
  });

  it('never holds a value, and not more lines than a person reads', () => {
    const item = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`field${i}`, 'anna@acme.example']));
    const lines = [...shapeDiff(shape, item), ...bodyShape(item)];
    expect(lines.join('\n')).not.toContain('anna@');
    expect(lines.length).toBeLessThanOrEqual(40);
  });
});

describe('a name that nobody expects', () => {
  it('is masked where it is an address or looks like a credential', () => {
    const item = { 'anna@acme.example': 1, '+49 30 1234567': 1, 'Bearer abcdefghijklmnopqrstuvwxyz012345': 1 };
    const text = [...shapeDiff(shape, item), ...bodyShape(item)].join('\n');
    expect(text).not.toMatch(/anna|1234567|abcdefghij/);
    expect(text).toContain('[masked]: not expected, is number');
  });
});

describe('a notification that changed its form', () => {
  const deliver = async (body: Json) => {
    const door = testDoor();
    const text = JSON.stringify(body);
    expect((await door.post(urlEvent('/acme/crm', text, hubspotHeaders(text)))).statusCode).toBe(200);
    return door.sent;
  };

  it('is quarantined with the difference, and does not hold up the others of its batch', async () => {
    const { occurredAt, ...renamed } = hubspotItem(1);
    const sent = await deliver([{ ...renamed, occurred_at: occurredAt }, hubspotItem(2)]);
    expect(sent.map(({ quarantine }) => quarantine)).toEqual(['no_identity', undefined]);
    expect(sent[0]?.diff).toEqual(
      expect.arrayContaining(['occurredAt: expected number, is missing', 'occurred_at: not expected, is number']),
    );
  });

  it('is quarantined also where it can still be told apart', async () => {
    const [sent] = await deliver([hubspotItem(1, { portalId: '4711' })]);
    expect([sent?.quarantine, sent?.diff?.[0]]).toEqual(['drifted', 'portalId: expected number, is text']);
  });

  it('says what came instead where the body is no list of items', async () => {
    const [sent] = await deliver({ events: [hubspotItem(1)] });
    expect([sent?.quarantine, sent?.diff]).toEqual(['unexpected_shape', ['the body: is object', 'events: is list']]);
  });

  it('opens a case that holds the difference', async () => {
    const [sent] = await deliver([hubspotItem(1, { portalId: '4711' })]);
    const w = eventWorld();
    if (sent) await w.run(sent);
    const [opened] = (await w.cases.list({ state: 'OPEN', cursor: null })).cases;
    expect(opened?.facts).toMatchObject({ why: 'drifted', diff: expect.arrayContaining([expect.any(String)]) });
  });
});
