import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { listenLoopback, type SimListener, type SimRequest } from '../../infra/local/systems/loopback-server.ts';
import type { SalesforceOptions, SalesforceSimulator } from '../../infra/local/systems/salesforce/start.ts';
import { webhookAdapter } from '../../shared/connectors/salesforce/webhook.ts';
import type { JsonObject } from '../../shared/model/json.ts';
import { parseBody } from '../../shared/webhooks/body-parse.ts';
import { verify } from '../../shared/webhooks/verify.ts';
import { callSalesforce, startTestSalesforce } from '../kit/salesforce-simulator.ts';

const secret = 'an-unguessable-token-of-the-test';
const ack = (value: string) =>
  `<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body><notificationsResponse xmlns="http://soap.sforce.com/2005/09/outbound"><Ack>${value}</Ack></notificationsResponse></soapenv:Body></soapenv:Envelope>`;
type Said = { readonly status: number; readonly bodyText: string };
const yes: Said = { status: 200, bodyText: ack('true') };

let org: SalesforceSimulator;
let receiver: SimListener;
let received: SimRequest[];
let answers: Said[];
let arrivals: (() => void)[];
/** No answer is given before this. */
let gate: Promise<void>;

const start = async (options: Partial<SalesforceOptions> = {}) => {
  org = await startTestSalesforce({ retryDelaysMs: [1, 1, 1], ...options });
  org.webhooks.target({ url: `${receiver.url}/salesforce/outbound`, secret });
};
beforeEach(async () => {
  [received, answers, arrivals, gate] = [[], [], [], Promise.resolve()];
  receiver = await listenLoopback({
    port: 0,
    handle: async (request) => {
      received.push(request);
      for (const wake of arrivals.splice(0)) wake();
      await gate;
      return { headers: { 'content-type': 'text/xml' }, ...(answers.shift() ?? yes) };
    },
  });
});
afterEach(async () => {
  await org.close();
  await receiver.close();
});

const itemsOf = ({ bodyText }: SimRequest): readonly JsonObject[] => {
  const body = parseBody('soap', Buffer.from(bodyText), 'text/xml');
  if (!body.ok) throw new Error(body.reason);
  return body.value as unknown as readonly JsonObject[];
};
const arrived = async (count: number) => {
  while (received.length < count) await new Promise<void>((resolve) => arrivals.push(resolve));
  return received.map(itemsOf);
};
const knob = (name: string, body: object = {}) => callSalesforce(org, 'POST', `/_admin/${name}`, body);
const create = async (Name: string) =>
  (await callSalesforce(org, 'POST', 'sobjects/Account', { Name })).body.id as string;
/** Many records in one request, so that they are told in as few messages as may be. */
const createMany = (count: number) => {
  const records = Array.from({ length: count }, (_, n) => ({ attributes: { type: 'Account' }, Name: `<A&"${n}">` }));
  return callSalesforce(org, 'POST', 'composite/sobjects', { records });
};

describe('outbound messages of the simulated Salesforce organization', () => {
  it('are what our door verifies, reads, tells apart and reads again', async () => {
    await start();
    const id = await create('A');
    const [items = []] = await arrived(1);
    const [request] = received;
    const proof = verify({
      ...{
        scheme: 'salesforce-outbound',
        secrets: [secret],
        method: 'POST',
        url: `https://hooks.example${request?.path}`,
      },
      ...{ headers: request?.headers ?? {}, body: Buffer.from(request?.bodyText ?? ''), nowMs: Date.now() },
      params: { organizationId: org.org.organizationId },
    });
    expect([proof.ok, items.length]).toEqual([true, 1]);
    const [item = {}] = items;
    expect(webhookAdapter.record?.(item, 'salesforce')).toEqual(['salesforce', 'account', id]);
    expect(webhookAdapter.reRead?.(item, 'salesforce')).toMatchObject({ operation: 'salesforce.accounts.get' });
  });

  it('hold at most 100 notifications, each with an id of its own', async () => {
    await start();
    await createMany(150);
    const messages = await arrived(2);
    expect(messages.map((items) => items.length).sort()).toEqual([100, 50].sort());
    expect(new Set(messages.flat().map(({ Id }) => Id)).size).toBe(150);
    expect(messages.flat()[0]).toMatchObject({ sObject: { Name: '<A&"0">' } });
  });

  it.each<[string, Said]>([
    ['false', { status: 200, bodyText: ack('false') }],
    ['nothing', { status: 200, bodyText: '' }],
    ['a plain yes', { status: 200, bodyText: 'true' }],
    ['a failure', { status: 503, bodyText: ack('true') }],
    ['a redirect', { status: 302, bodyText: ack('true') }],
  ])('that are answered with %s come again under the same ids and with the values of then', async (_name, said) => {
    await start();
    answers.push(said, said);
    const { promise, resolve } = Promise.withResolvers<void>();
    gate = promise;
    const id = await create('before');
    await arrived(1);
    await knob('drop-webhook');
    await callSalesforce(org, 'PATCH', `sobjects/Account/${id}`, { Name: 'after' });
    resolve();
    const messages = await arrived(3);
    expect(new Set(messages.flat().map(({ Id }) => Id)).size).toBe(1);
    expect(messages.at(-1)?.[0]).toMatchObject({ sObject: { Name: 'after' } });
    await expect.poll(() => org.webhooks.log().map(({ acknowledged }) => acknowledged)).toEqual([false, false, true]);
  });

  it('can be lost, doubled and late', async () => {
    await start();
    await knob('drop-webhook');
    await create('lost');
    await knob('duplicate-webhook');
    await create('doubled');
    await arrived(2);
    await knob('delay-webhook');
    await create('late');
    await create('early');
    const names = (await arrived(4)).flat().map(({ sObject }) => (sObject as JsonObject).Name);
    expect([names.slice(0, 2), names.slice(2)]).toEqual([
      ['doubled', 'doubled'],
      ['early', 'late'],
    ]);
  });

  it('that were not acknowledged come again after a restart', async () => {
    const stateDir = mkdtempSync(join(tmpdir(), 'salesforce-'));
    try {
      answers.push({ status: 503, bodyText: '' });
      await start({ stateDir, retryDelaysMs: [3_600_000] });
      await create('A');
      const [first = []] = await arrived(1);
      await expect.poll(() => org.webhooks.log().length).toBe(1);
      await org.close();
      await start({ stateDir });
      expect((await arrived(2))[1]?.[0]?.Id).toBe(first[0]?.Id);
      await expect.poll(() => org.webhooks.log().length).toBe(1);
    } finally {
      rmSync(stateDir, { recursive: true, force: true });
    }
  });

  it('tell of no deletion, and of nothing that was rolled back', async () => {
    await start();
    const id = await create('A');
    await arrived(1);
    await callSalesforce(org, 'DELETE', `sobjects/Account/${id}`);
    const records = [{ attributes: { type: 'Account' }, Name: 'B' }, { attributes: { type: 'Account' } }];
    await callSalesforce(org, 'POST', 'composite/sobjects', { allOrNone: true, records });
    await create('C');
    expect((await arrived(2)).flat().map(({ sObject }) => (sObject as JsonObject).Name)).toEqual(['A', 'C']);
  });
});
