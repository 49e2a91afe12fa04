import { afterEach, describe, expect, it } from 'vitest';
import { verifyEventHandle } from '../../shared/action/event-handle.ts';
import { deliver } from '../../shared/webhooks/delivery/deliver.ts';
import { deliveryId } from '../../shared/webhooks/delivery/subscribers.ts';
import { verify } from '../../shared/webhooks/verify.ts';
import { delivery, deliveryWorld, endpointSecret, eventIds, handleKey } from '../kit/delivery-world.ts';
import { type Received, recordingServer } from '../kit/recording-server.ts';

const newer = `whsec_${Buffer.from('a newer endpoint secret of the tests').toString('base64')}`;
const closers: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

/** A subscriber that answers as told, and the worker that delivers to it. */
async function world(
  answer: (n: number, request: Received) => number | null = () => 200,
  endpoint: Record<string, unknown> = {},
  changes: Parameters<typeof deliveryWorld>[1] = {},
) {
  const receiver = await recordingServer(answer);
  const made = deliveryWorld({ url: `${receiver.url}/hooks/plumbline?v=1`, ...endpoint }, changes);
  closers.push(() => receiver.close(), made.close);
  return { ...made, receiver, start: made.clock.now() };
}

const outcomes = (made: Awaited<ReturnType<typeof world>>) =>
  [...made.deliveries.held.values()].map(({ outcome }) => outcome);

describe('an event that a subscriber takes', () => {
  it('is told once, with ids and type and nothing else, signed under Standard Webhooks', async () => {
    const made = await world();
    made.put(delivery(1, made.start));
    await made.round();
    const [request] = made.receiver.got;
    expect(request?.path).toBe('/hooks/plumbline?v=1');
    expect(JSON.parse(request?.body ?? '')).toEqual({
      type: 'contact.propertyChange',
      timestamp: new Date(made.start).toISOString(),
      data: {
        event_id: 'acme#crm#e1',
        event_handle: expect.stringMatching(/^evt\./),
        system: 'acme',
        record: { object: 'contact', id: '501' },
        occurred_at: null,
      },
    });
    const input = { scheme: 'standard-webhooks', secrets: endpointSecret, method: 'POST', url: made.receiver.url };
    const checked = { ...input, headers: request?.headers ?? {}, nowMs: made.start };
    expect(verify({ ...checked, body: Buffer.from(request?.body ?? '') })).toMatchObject({ ok: true });
    expect(verify({ ...checked, body: Buffer.from(`${request?.body} `) })).toMatchObject({ ok: false });
    expect([made.queue.size, outcomes(made)]).toEqual([0, ['delivered']]);
  });

  it('carries a handle that is believed from this agent and from no other', async () => {
    const made = await world();
    made.put(delivery(1, made.start));
    await made.round();
    const { event_handle: handle } = JSON.parse(made.receiver.got[0]?.body ?? '').data;
    const at = { nowMs: made.start, retentionMs: 86_400_000 };
    expect(verifyEventHandle([handleKey], handle, { ...at, principal: 'agent:desk' })).toMatchObject({
      eventId: 'acme#crm#e1',
    });
    expect(verifyEventHandle([handleKey], handle, { ...at, principal: 'agent:other' }).kind).toBe('refused');
  });

  it('is not told again, however often it is queued, and stands on the ledger once', async () => {
    const made = await world();
    for (const id of ['a', 'b', 'c']) made.put(delivery(1, made.start), id);
    await made.runUntil(made.start + 3_600_000);
    made.put(delivery(1, made.start), 'd');
    await made.round();
    const entries = made.ledger.entries.filter(({ kind }) => kind === 'event');
    expect([made.receiver.got.length, entries.length, made.queue.size]).toEqual([1, 1, 0]);
    expect(entries[0]).toMatchObject({
      identity: 'acme#crm#e1',
      principal: 'agent:desk',
      outcome: 'delivered',
      record: 'acme/contact/501',
    });
  });

  it('is signed under both secrets during a rotation', async () => {
    const made = await world(() => 204, {}, { secretsOf: async () => [newer, endpointSecret] });
    made.put(delivery(1, made.start));
    await made.round();
    const headers = made.receiver.got[0]?.headers ?? {};
    const body = Buffer.from(made.receiver.got[0]?.body ?? '');
    for (const secrets of [newer, endpointSecret]) {
      const input = { scheme: 'standard-webhooks', secrets, method: 'POST', url: '', headers, body, nowMs: made.start };
      expect(verify(input)).toMatchObject({ ok: true });
    }
  });
});

describe('an event that a subscriber does not take', () => {
  it('is told again under the same id and body until it is, and after that never', async () => {
    const made = await world((n) => (n < 4 ? ([500, null, 302][n - 1] ?? null) : 200));
    made.put(delivery(1, made.start));
    await made.runUntil(made.start + 3_600_000);
    const ids = new Set(made.receiver.got.map(({ headers }) => headers['webhook-id']));
    const bodies = new Set(made.receiver.got.map(({ body }) => body));
    expect([made.receiver.got.length, [...ids], bodies.size]).toEqual([4, [deliveryId(delivery(1, 0))], 1]);
    expect(outcomes(made)).toEqual(['delivered']);
  });

  it('waits longer after each attempt, and at least as long as it is asked to', async () => {
    const made = await world(() => 503);
    made.put(delivery(1, made.start));
    await made.runUntil(made.start + 600_000);
    expect(made.receiver.got.length).toBeGreaterThan(3);
    expect(made.receiver.got.length).toBeLessThan(40);
    expect(made.delays.every((delayMs) => delayMs >= 1_000)).toBe(true);
  });

  it('never follows where it is sent', async () => {
    const other = await recordingServer();
    closers.push(other.close);
    const made = await world(() => 307);
    made.put(delivery(1, made.start));
    await made.runUntil(made.start + 60_000);
    expect([other.got.length, outcomes(made)]).toEqual([0, [null]]);
  });

  it('is not sent while its secret is missing, and is a case in time', async () => {
    const made = await world(() => 200, { whileDown: 'case', deadline: '10m' }, { secretsOf: async () => [] });
    made.put(delivery(1, made.start));
    await made.runUntil(made.start + 3_600_000);
    expect([made.receiver.got.length, made.cases.cases.length, outcomes(made)]).toEqual([0, 1, ['case']]);
  });

  it.each(['whsec_', 'whsec_!not base64!', `whsec_${Buffer.from('short').toString('base64')}`, 'x', ''])(
    'is not sent under the secret %j, which is no key: anybody could sign as we do',
    async (secret) => {
      const secretsOf = async () => [secret, endpointSecret];
      const made = await world(() => 200, { whileDown: 'case', deadline: '10m' }, { secretsOf });
      made.put(delivery(1, made.start));
      await made.runUntil(made.start + 3_600_000);
      expect([made.receiver.got.length, outcomes(made)]).toEqual([0, ['case']]);
      expect(made.cases.cases[0]?.detail).toContain('It may have got it all the same');
    },
  );

  it('whose agent does not want it any more is dropped, and the ledger says so', async () => {
    const made = await world();
    made.put({ ...delivery(1, made.start), type: 'deal.creation' });
    await made.round();
    expect([made.receiver.got.length, outcomes(made)]).toEqual([0, ['not_subscribed']]);
    expect(made.ledger.entries[0]).toMatchObject({ outcome: 'not_subscribed' });
  });
});

describe('15 minutes down with 500 events', () => {
  const count = 500;
  const downMs = 15 * 60_000;

  /** 500 events over the first minutes of an outage; what the subscriber took, and when each ended. */
  async function outage(endpoint: Record<string, unknown>, changes: Parameters<typeof deliveryWorld>[1] = {}) {
    const taken: string[] = [];
    let clockNow = () => 0;
    let start = 0;
    const made = await world(
      (_n, { body }) => {
        if (clockNow() < start + downMs) return 503;
        taken.push(JSON.parse(body).data.event_id);
        return 200;
      },
      endpoint,
      changes,
    );
    clockNow = made.clock.now;
    start = made.start;
    for (let n = 0; n < count; n += 1) {
      made.put(delivery(n, made.clock.now()));
      if (n % 50 === 49) {
        await made.round();
        made.clock.advance(30_000);
      }
    }
    await made.runUntil(start + 4 * 3_600_000);
    const down = made.receiver.got.length - taken.length;
    const handledAfter = made.ledger.entries.flatMap((entry) => {
      const n = entry.kind === 'event' ? Number(entry.identity.split('#e')[1]) : Number.NaN;
      return Number.isNaN(n) ? [] : [entry.atMs - start - Math.floor(n / 50) * 30_000];
    });
    return { ...made, taken, down, handledAfter };
  }

  it('are all told when it is back, each once, within the deadline, and few attempts met it while it was down', async () => {
    const { taken, queue, cases, down, handledAfter } = await outage({ whileDown: 'queue', deadline: '1h' });
    expect([taken.length, new Set(taken).size, queue.size, cases.cases.length]).toEqual([count, count, 0, 0]);
    expect(Math.max(...handledAfter)).toBeLessThan(3_600_000);
    expect(down).toBeLessThan(40);
  });

  it('are all decided by the rule before the deadline, and none is told afterwards', async () => {
    const ruled: string[] = [];
    const decide: NonNullable<Parameters<typeof deliveryWorld>[1]>['decide'] = async (rule, { eventId }) => {
      ruled.push(`${rule} ${eventId}`);
      return { kind: 'ignore', why: 'a later event says the same' };
    };
    const made = await outage({ whileDown: 'rule', rule: 'later_is_enough', deadline: '5m' }, { decide });
    expect([made.taken.length, ruled.length, new Set(ruled).size, made.queue.size]).toEqual([0, count, count, 0]);
    expect([made.handledAfter.length, Math.max(...made.handledAfter) <= 300_000]).toEqual([count, true]);
    expect(ruled[0]).toMatch(/^later_is_enough acme#crm#e/);
  });

  it('are a case each before the deadline, and none is told afterwards', async () => {
    const made = await outage({ whileDown: 'case', deadline: '5m' });
    expect([made.taken.length, made.cases.cases.length, made.queue.size]).toEqual([0, count, 0]);
    expect(new Set(made.cases.cases.map(({ owner }) => owner))).toEqual(new Set(['support']));
    expect(Math.max(...made.handledAfter)).toBeLessThanOrEqual(300_000);
  });

  it('that only wait go on waiting after the deadline, with one case for the subscriber', async () => {
    const { taken, cases, queue } = await outage({ whileDown: 'queue', deadline: '5m' });
    expect([taken.length, new Set(taken).size, queue.size]).toEqual([count, count, 0]);
    expect(cases.cases.map(({ reason, state, resolution }) => [reason, state, resolution?.decision])).toEqual([
      ['subscriber_down', 'RESOLVED', 'answered_again'],
    ]);
  });

  it('that come out of the rule as cases are cases, and a rule that throws is one too', async () => {
    const decide: NonNullable<Parameters<typeof deliveryWorld>[1]>['decide'] = async (_rule, { eventId }) => {
      if (eventId.endsWith('7')) throw new Error('broken rule');
      return { kind: 'case', title: 'Look at this one', detail: 'The desk was down.' };
    };
    const made = await outage({ whileDown: 'rule', rule: 'ask', deadline: '5m' }, { decide });
    const titles = made.cases.cases.map(({ title }) => title);
    expect([titles.length, titles.filter((title) => title === 'Look at this one').length]).toEqual([500, 450]);
    expect(new Set(outcomes(made))).toEqual(new Set(['rule', 'case']));
  });
});

it('an event that waits is a case before the queue forgets it, after fewer attempts than the queue counts', async () => {
  const made = await world(() => 503, { whileDown: 'queue', deadline: '1h' });
  made.put(delivery(1, made.start));
  const message = [...made.queue.values()][0];
  await made.runUntil(made.start + 14 * 86_400_000);
  expect([outcomes(made), made.queue.size, made.clock.now() - made.start < 14 * 86_400_000]).toEqual([
    ['case'],
    0,
    true,
  ]);
  expect(message?.received).toBeLessThan(1000);
});

it('an event that waited while nobody worked is tried once before the rule decides', async () => {
  const made = await world(() => 200, { whileDown: 'rule', rule: 'any', deadline: '5m' });
  made.put(delivery(1, made.start - 3_600_000));
  await made.round();
  expect([made.receiver.got.length, outcomes(made)]).toEqual([1, ['delivered']]);
});

it('an event whose worker died after the answer comes again under its id, once the lease ends', async () => {
  const made = await world();
  const broken = {
    ...made.deps,
    deliveries: { ...made.deliveries, finish: async () => Promise.reject(new Error('died')), release: async () => {} },
  };
  await expect(deliver(broken, delivery(1, made.start))).rejects.toThrow('died');
  made.put(delivery(1, made.start));
  await made.runUntil(made.start + 3_600_000);
  const ids = made.receiver.got.map(({ headers }) => headers['webhook-id']);
  expect([ids.length, new Set(ids).size, eventIds(made.receiver.got).length]).toEqual([2, 1, 2]);
});

it('twenty workers with one event tell it once', async () => {
  const made = await world();
  const answers = await Promise.all(Array.from({ length: 20 }, () => deliver(made.deps, delivery(1, made.start))));
  expect([made.receiver.got.length, answers.filter(({ kind }) => kind === 'done').length]).toEqual([1, 1]);
});

it('a message that is no delivery is a case and leaves the queue', async () => {
  const made = await world();
  made.put({ ...delivery(1, made.start), version: 2 } as never);
  await made.round();
  expect([made.queue.size, made.cases.cases.map(({ reason }) => reason)]).toEqual([0, ['dead_letter']]);
});

it('an address inside the network is never called', async () => {
  const made = deliveryWorld({ url: 'https://169.254.169.254/latest/meta-data', whileDown: 'case', deadline: '1m' });
  closers.push(made.close);
  made.put(delivery(1, made.clock.now()));
  await made.runUntil(made.clock.now() + 3_600_000);
  expect(made.cases.cases).toHaveLength(1);
});
