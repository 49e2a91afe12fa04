import { describe, expect, it } from 'vitest';
import { webhookAdapter } from '../../shared/connectors/hubspot/webhook.ts';
import type { Json } from '../../shared/model/json.ts';

describe('notifications', () => {
  const item = {
    eventId: 1,
    subscriptionId: 2,
    portalId: 4711,
    appId: 3,
    occurredAt: 1_761_955_200_000,
    subscriptionType: 'deal.propertyChange',
    attemptNumber: 0,
    objectId: 501,
    propertyName: 'dealstage',
    propertyValue: 'contract',
    changeSource: 'CRM',
  };
  const facts = {
    system: 'hubspot',
    channel: 'crm',
    scheme: 'hubspot-v3',
    bodyHash: 'h',
    signedId: null,
    receivedAtMs: 1_761_955_200_000,
  };
  const identity = (change: object = {}) => webhookAdapter.identity({ ...item, ...change } as Json, facts);

  it('are a list, and anything else is not one', () => {
    expect(webhookAdapter.split([item, item])).toHaveLength(2);
    expect([webhookAdapter.split(item), webhookAdapter.split('x'), webhookAdapter.split(null)]).toEqual([
      null,
      null,
      null,
    ]);
  });

  it('keep their identity over attempts', () => {
    expect(identity({ attemptNumber: 4 })).toBe(identity());
    expect(webhookAdapter.stable({ ...item, attemptNumber: 4 })).toEqual(webhookAdapter.stable(item));
  });

  it.each(['portalId', 'appId', 'subscriptionId', 'objectId', 'eventId', 'occurredAt'])(
    'are told apart by %s',
    (name) => {
      expect(identity({ [name]: 99 })).not.toBe(identity());
    },
  );

  it('are told apart by property, value and type, and their identity shows none of it', () => {
    const others = [{ propertyName: 'x' }, { propertyValue: 'x' }, { subscriptionType: 'deal.creation' }].map(identity);
    expect(new Set([identity(), ...others]).size).toBe(4);
    expect(identity()).toMatch(/^4711-[0-9a-f]{40}$/);
  });

  it.each([
    { portalId: undefined },
    { objectId: 'x/y' },
    { objectId: undefined },
    { subscriptionType: 7 },
    { occurredAt: 'now' },
  ])('without what identifies them have no identity: %j', (change) => {
    expect(identity(change)).toBeNull();
  });

  it('say type, time, attempt and which record to read again', () => {
    expect(webhookAdapter.type(item)).toBe('deal.propertyChange');
    expect(webhookAdapter.occurredAtMs(item)).toBe(1_761_955_200_000);
    expect(webhookAdapter.attempt(item)).toBe(0);
    expect(webhookAdapter.reRead(item, 'hubspot-emea')).toMatchObject({
      operation: 'hubspot.deals.get',
      system: 'hubspot-emea',
      input: { id: '501' },
    });
  });

  it('of the generic kind name the object by its type id', () => {
    const generic = { ...item, subscriptionType: 'object.creation', objectTypeId: '0-5' };
    expect(webhookAdapter.type(generic)).toBe('ticket.creation');
    expect(webhookAdapter.reRead(generic, 'hubspot')).toMatchObject({ operation: 'hubspot.tickets.get' });
  });

  it('of an association change are about the record it starts from', () => {
    const { objectId: _id, ...rest } = item;
    const change = {
      ...rest,
      subscriptionType: 'contact.associationChange',
      fromObjectId: 7,
      toObjectId: 8,
      associationType: 'CONTACT_TO_DEAL',
    };
    expect(webhookAdapter.reRead(change, 'hubspot')).toMatchObject({
      operation: 'hubspot.contacts.get',
      input: { id: '7' },
    });
    expect(webhookAdapter.identity(change, facts)).not.toBe(
      webhookAdapter.identity({ ...change, toObjectId: 9 }, facts),
    );
  });

  it('of an object that is not known here are read again by nobody', () => {
    expect(webhookAdapter.reRead({ ...item, subscriptionType: 'product.creation' }, 'hubspot')).toBeNull();
    expect(webhookAdapter.type({ ...item, subscriptionType: '../x' })).toBe('unknown');
  });
});
