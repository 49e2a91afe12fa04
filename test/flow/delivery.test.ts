import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { verify } from '../../shared/webhooks/verify.ts';
import { turn } from '../kit/answers.ts';
import { type Received, recordingServer } from '../kit/recording-server.ts';
import { identityOf, startWebhookDeployment, type WebhookDeployment } from '../kit/webhook-deployment.ts';

let w: WebhookDeployment;
let receiver: Awaited<ReturnType<typeof recordingServer>>;
let answer: (request: Received) => number | null = () => 200;
let contacts: readonly string[];
let events = 0;

beforeAll(async () => {
  receiver = await recordingServer((_n, request) => answer(request));
  w = await startWebhookDeployment((configDir) => {
    const file = join(configDir, 'agents.yaml');
    const endpoint = `{ url: "${receiver.url}/events", secret: plumbline/dev/sales-endpoint, whileDown: rule, rule: changes_are_read_later, deadline: 1m }`;
    const text = readFileSync(file, 'utf8').replace(
      /^ {2}events: \[deal\.propertyChange, contact\.creation\]$/m,
      `  events: [hubspot/contact.*]\n  endpoint: ${endpoint}`,
    );
    const desk = `  events: [slack/message]\n  endpoint: { url: "${receiver.url}/desk", secret: plumbline/dev/desk-endpoint }`;
    const both = text.replace(/^ {2}events: \[app_mention\]$/m, desk);
    expect(both).toMatch(/sales-endpoint[\s\S]*desk-endpoint/);
    writeFileSync(file, both);
  });
  contacts = [...w.local.hubspot.portal.objects.contacts.keys()];
});
afterAll(async () => {
  await w?.close();
  await receiver?.close();
});

function notification(contact: string): object {
  events += 1;
  const change = { propertyName: 'lifecyclestage', propertyValue: 'what the payload claims' };
  return {
    ...{ eventId: events, subscriptionId: 12, portalId: 4711, appId: 99, occurredAt: Date.now(), attemptNumber: 0 },
    ...{ subscriptionType: 'contact.propertyChange', objectId: Number(contact), ...change },
  };
}

const contact = (n: number) => contacts[n] ?? '';
const eventually = (check: () => Promise<void> | void) => vi.waitFor(check, { timeout: 30_000, interval: 50 });
type Told = { readonly type: string; readonly data: { readonly event_id: string; readonly event_handle: string } };
const told = ({ body }: Received) => JSON.parse(body) as Told;
const toldOf = (item: object) => receiver.got.filter((request) => told(request).data.event_id === identityOf(item));
const ended = async (item: object) =>
  (await w.ledger('event')).filter(
    (entry) => entry.kind === 'event' && entry.identity === identityOf(item) && entry.principal.startsWith('agent:'),
  );

const environment = () => w.local.plan.functions.find(({ name }) => name === 'event-delivery')?.environment ?? {};
const deliveriesQueue = () => (environment().QUEUE_DELIVERIES_URL ?? '').split('/').at(-1) ?? '';

/** What becomes of the lease of a delivery when its time is over; one that ended meanwhile is left alone. */
async function endLease(id: string): Promise<void> {
  const command = new UpdateItemCommand({
    TableName: environment().TABLE_STATE,
    Key: { pk: { S: `delivery#${id}` } },
    UpdateExpression: 'SET lu = :past',
    ConditionExpression: 'st = :open',
    ExpressionAttributeValues: { ':past': { N: '0' }, ':open': { S: 'OPEN' } },
  });
  await w.local.standIns.client.send(command);
}

async function callTool(agent: string, handle: string, tool: string, args: object) {
  const answered = await fetch(`${w.local.urls.agents}/v1/tools/${tool}/calls`, {
    method: 'POST',
    headers: { authorization: `Bearer ${w.local.agentKeys[agent]}`, 'content-type': 'application/json' },
    body: JSON.stringify({
      arguments: args,
      context: { event_handle: handle, run_id: 'r1' },
    }),
  });
  return { status: answered.status, text: await answered.text() };
}

describe('an event of the running product', () => {
  it('is told to the agent that wants it, signed, with ids and nothing of its content', async () => {
    const item = notification(contact(0));
    expect(await w.deliver([item])).toBe(200);
    await eventually(() => expect(toldOf(item)).toHaveLength(1));
    const [request] = toldOf(item);
    const secret = w.local.standIns.secrets.versions('plumbline/dev/sales-endpoint')[0]?.value ?? '';
    const input = {
      scheme: 'standard-webhooks',
      secrets: secret,
      method: 'POST',
      url: receiver.url,
      nowMs: Date.now(),
    };
    const { headers = {}, body = '' } = request ?? {};
    expect(verify({ ...input, headers, body: Buffer.from(body) })).toMatchObject({ ok: true });
    expect(JSON.parse(body)).toMatchObject({
      type: 'contact.propertyChange',
      data: { system: 'hubspot', record: { object: 'contact', id: contact(0) } },
    });
    expect(body).not.toContain('claims');
    await eventually(async () => expect(await ended(item)).toMatchObject([{ outcome: 'delivered' }]));
  });

  it('is told once, however often its provider sends it', async () => {
    const item = notification(contact(1));
    for (let n = 0; n < 3; n += 1) await w.deliver([{ ...item, attemptNumber: n }]);
    await eventually(async () => expect(await ended(item)).toHaveLength(1));
    expect(toldOf(item)).toHaveLength(1);
  });

  it('comes with a handle that the door believes from that agent and from no other', async () => {
    const item = notification(contact(2));
    await w.deliver([item]);
    await eventually(() => expect(toldOf(item)).toHaveLength(1));
    const [request] = toldOf(item);
    const handle = request ? told(request).data.event_handle : '';
    const note = (agent: string, with_: string) =>
      callTool(agent, with_, 'contact_append_note', { contact_id: contact(3), text: `Note of ${agent}` });
    const [own, other, changed] = [
      await note('sales-assistant', handle),
      await note('support-assistant', handle),
      await note('sales-assistant', `${handle.slice(0, -1)}${handle.endsWith('A') ? 'B' : 'A'}`),
    ];
    expect([own.status, other.status, changed.status], own.text).toEqual([200, 422, 422]);
    expect(other.text).toContain('event_handle_invalid');
  });

  it('is told again under its id until it is taken, also by a worker that was killed', async () => {
    const item = notification(contact(4));
    let refusals = 0;
    answer = (request) => {
      if (told(request).data.event_id !== identityOf(item) || refusals >= 2) return 200;
      refusals += 1;
      return 500;
    };
    // What becomes of a message when its worker died, without the wait.
    w.local.standIns.queues.setAttributes(deliveriesQueue(), { VisibilityTimeout: '1' });
    await w.deliver([item]);
    await eventually(() => expect(refusals).toBeGreaterThan(0));
    await w.local.pool('event-delivery').kill('SIGKILL');
    await endLease(toldOf(item)[0]?.headers['webhook-id'] ?? '');
    await eventually(async () => expect(await ended(item)).toMatchObject([{ outcome: 'delivered' }]));
    expect(new Set(toldOf(item).map(({ headers }) => headers['webhook-id'])).size).toBe(1);
  }, 60_000);

  it('of Slack is answered once in its thread, and the answer is told to nobody', async () => {
    const slack = w.local.simulators.get('slack')?.url ?? '';
    const said = { channel: 'C0SUPPORT', user: 'U0ANNA', text: 'Where is the refund of Northwind?' };
    const { ts } = (await turn({ url: slack }, '/_admin/say', said)).body;
    const mine = () => receiver.got.filter(({ path }) => path === '/desk').map(told);
    await eventually(() => expect(mine()).toHaveLength(1));
    const [event] = mine();
    expect(event).toMatchObject({ type: 'message', data: { record: { object: 'message', id: `C0SUPPORT/${ts}` } } });
    const reply = { message_id: `C0SUPPORT/${ts}`, text: 'On its way <!channel>.' };
    const handle = event?.data.event_handle ?? '';
    const answers = [
      await callTool('desk-assistant', handle, 'slack_thread_reply', reply),
      await callTool('desk-assistant', handle, 'slack_thread_reply', reply),
    ];
    expect(answers.map(({ text }) => JSON.parse(text).status)).toEqual(['applied', 'replayed']);
    const log = (await (await fetch(`${slack}/_effects`)).json()) as { effects: { properties: object }[] };
    expect(log.effects.map(({ properties }) => properties)).toEqual([
      { text: 'On its way &lt;!channel&gt;.', thread_ts: ts },
    ]);
    await eventually(async () => {
      const own = (await w.ledger('event')).filter((entry) => entry.kind === 'event' && entry.type === 'message.own');
      expect(own).toMatchObject([{ outcome: 'processed' }]);
    });
    expect(mine()).toHaveLength(1);
  });
});
