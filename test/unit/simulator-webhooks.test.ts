import { createHmac } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { HubSpotSimulator } from '../../infra/local/systems/hubspot/start.ts';
import { listenLoopback, type SimListener, type SimRequest } from '../../infra/local/systems/loopback-server.ts';
import { callHubSpot, startTestHubSpot } from '../kit/simulator.ts';

describe('webhooks of the simulated HubSpot account', () => {
  const secret = 'test-app-secret';
  let hubspot: HubSpotSimulator;
  let receiver: SimListener;
  let received: SimRequest[];
  let statuses: number[];
  let arrivals: (() => void)[];

  const arrived = async (count: number) => {
    while (received.length < count) await new Promise<void>((resolve) => arrivals.push(resolve));
    return received.map((request) => JSON.parse(request.bodyText) as Record<string, unknown>[]);
  };
  const touch = (amount: string, id = '501') =>
    callHubSpot(hubspot, 'POST', '/_admin/touch', { type: 'deals', id, properties: { amount } });

  beforeEach(async () => {
    [received, statuses, arrivals] = [[], [], []];
    receiver = await listenLoopback({
      port: 0,
      handle: async (request) => {
        received.push(request);
        for (const wake of arrivals.splice(0)) wake();
        return { status: statuses.shift() ?? 204, headers: {}, bodyText: '' };
      },
    });
    const webhooks = { url: `${receiver.url}/hubspot/crm`, secret };
    hubspot = await startTestHubSpot({ seeded: true, webhooks, retryDelaysMs: [1, 1, 1] });
  });
  afterEach(async () => {
    await hubspot.close();
    await receiver.close();
  });

  it('tells a change with the fields of the real thing', async () => {
    await touch('77');
    const [batch] = await arrived(1);
    expect(batch).toMatchObject([
      {
        subscriptionType: 'deal.propertyChange',
        objectId: 501,
        propertyName: 'amount',
        propertyValue: '77',
        portalId: 4711,
        attemptNumber: 0,
        changeSource: 'CRM_UI',
      },
    ]);
    expect(Object.keys(batch?.[0] ?? {})).toEqual(
      expect.arrayContaining(['eventId', 'appId', 'subscriptionId', 'occurredAt']),
    );
  });

  it('signs method, address, body and time', async () => {
    await touch('78');
    await arrived(1);
    const { headers, bodyText } = received[0] as SimRequest;
    const signed = `POST${receiver.url}/hubspot/crm${bodyText}${headers['x-hubspot-request-timestamp']}`;
    const expected = createHmac('sha256', secret).update(signed).digest('base64');
    expect(headers['x-hubspot-signature-v3']).toBe(expected);
  });

  it('tells of writes through the API too, all changes of one request in one batch', async () => {
    await callHubSpot(hubspot, 'POST', '/crm/objects/2026-09/contacts', {
      properties: { email: 'w@example.com', city: 'Gent' },
    });
    const [batch] = await arrived(1);
    expect(batch?.map((item) => item.subscriptionType)).toEqual([
      'contact.creation',
      'contact.propertyChange',
      'contact.propertyChange',
    ]);
  });

  it('sends the same events again with a higher attempt number until they are acknowledged', async () => {
    statuses = [500, 503, 204];
    await touch('79');
    const batches = await arrived(3);
    expect(batches.map((batch) => batch[0]?.attemptNumber)).toEqual([0, 1, 2]);
    expect(new Set(batches.map((batch) => batch[0]?.eventId)).size).toBe(1);
  });

  it('sends a delivery twice on request', async () => {
    await callHubSpot(hubspot, 'POST', '/_admin/duplicate-webhook');
    await touch('80');
    const [first, second] = await arrived(2);
    expect(second).toEqual(first);
  });

  it('drops a delivery on request and sends the next', async () => {
    await callHubSpot(hubspot, 'POST', '/_admin/drop-webhook');
    await touch('81', '502');
    await touch('82', '503');
    const [batch] = await arrived(1);
    expect(batch?.map((item) => item.objectId)).toEqual([503]);
  });
});
