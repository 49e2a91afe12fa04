import { createServer, type Server } from 'node:http';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { systemSchema } from '../../shared/config/schema.ts';
import type { EndpointDeps } from '../../shared/webhooks/keep-endpoints.ts';
import { turn } from '../kit/answers.ts';
import { endpointWatch, minuteMs } from '../kit/endpoint-watch.ts';
import { apiVersion, callStripe, type StripeWorld, senderTo, stripeWorld } from '../kit/stripe-simulator.ts';

const publicUrl = 'https://hooks.example.com/stripe/events';

let world: StripeWorld;
let door: Server;
let answers: number[];
let received: number;

beforeEach(async () => {
  [answers, received] = [[], 0];
  door = createServer((request, response) => {
    received += 1;
    request.resume().on('end', () => response.writeHead(answers.shift() ?? 200).end());
  });
  await new Promise<void>((resolve) => door.listen(0, '127.0.0.1', resolve));
  const address = door.address();
  const url = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}/`;
  world = await stripeWorld({ retryDelaysMs: [], webhooks: { url, publicUrl, secret: 'whsec_simulated' } });
});
afterEach(async () => {
  await world.close();
  door.closeAllConnections();
  await new Promise((resolve) => door.close(resolve));
});

function watching(changes: Partial<EndpointDeps> = {}, channel: object = {}) {
  const system = systemSchema.parse({
    ...{ connector: 'stripe', owner: 'platform', account: { is: 'sandbox' }, apiVersion },
    ...{ auth: { grant: 'bearer', secret: 's' }, limits: [{ calls: 25, per: 'second' }] },
    webhooks: { events: { scheme: 'stripe', secret: 's', ...channel } },
  });
  const { clock, simulator } = world;
  return endpointWatch({ clock, name: 'stripe', system, send: senderTo(simulator) }, changes);
}

const customer = (name: string) => callStripe(world.simulator, 'POST', '/v1/customers', { name });
const requests = () => world.simulator.effects.requests().filter(({ path }) => path === '/v1/webhook_endpoints').length;

describe('the endpoint of a channel', () => {
  it('that its provider has switched off opens one case, which closes once it is on again', async () => {
    const w = watching();
    await w.watch();
    expect(w.open()).toEqual([]);
    await turn(world.simulator, '/_admin/disable-after', { attempts: 3 });
    answers = [500, 500, 500];
    for (const name of ['a', 'b', 'c']) await customer(name);
    await vi.waitFor(() => expect(received).toBe(3));
    await vi.waitFor(async () =>
      expect((await callStripe(world.simulator, 'GET', '/v1/webhook_endpoints')).body.data[0].status).toBe('disabled'),
    );
    await customer('missed');
    await w.minutes(40);
    expect([w.open(), received]).toEqual([[['endpoint_disabled', 'disabled']], 3]);
    expect(w.cases.cases).toMatchObject([{ owner: 'platform', system: 'stripe', facts: { channel: 'events' } }]);
    expect(w.cases.cases[0]?.detail).toMatch(/enable the endpoint.*events feed/);
    await turn(world.simulator, '/_admin/endpoint', { status: 'enabled' });
    await w.minutes(11);
    expect([w.open(), w.cases.cases.length]).toEqual([[], 1]);
  });

  it('that is not there opens the case too: an address must be the same to the letter', async () => {
    const w = watching({ publicOrigin: 'https://other.example.com' });
    await w.minutes(25);
    expect([w.open(), w.cases.cases.length]).toEqual([[['endpoint_disabled', 'missing']], 1]);
  });

  it('is found on whatever page it stands, and where another of the same address is switched off', async () => {
    const { webhooks } = world.simulator;
    for (let n = 0; n < 120; n += 1) {
      webhooks.target({ url: 'http://127.0.0.1:9/', publicUrl: `https://other.example.com/${n}`, secret: 's' });
    }
    const w = watching();
    await w.watch();
    expect([w.open(), requests()]).toEqual([[], 2]);
  });

  it('is looked at every ten minutes, and by one keeper at a time', async () => {
    const w = watching();
    await Promise.all([w.watch(), w.watch(), w.watch()]);
    expect(requests()).toBe(1);
    await w.minutes(30);
    expect(requests()).toBe(4);
  });

  it('is left alone where no provider could reach it, where nobody wants it, and of a scheme that is not its product`s', async () => {
    const each = [
      watching({ publicOrigin: 'http://127.0.0.1:4101' }),
      watching({ publicOrigin: null }),
      watching({}, { watched: false }),
      watching({}, { scheme: 'standard-webhooks' }),
    ];
    for (const w of each) await w.minutes(30);
    expect([requests(), each.map((w) => w.cases.cases.length)]).toEqual([0, [0, 0, 0, 0]]);
  });

  it('is asked for again within the hour, whatever its provider said, and its owner is told', async () => {
    const error = { class: 'rate', code: 'rate_limit', message: '', retryAfterMs: 999_999_999_000 } as const;
    const w = watching({ send: async () => ({ kind: 'not_sent', error }) });
    for (let n = 0; n < 3; n += 1) await w.minutes(61);
    expect(w.open()).toHaveLength(1);
  });

  it('that cannot be looked at opens one case, which says why and closes by itself', async () => {
    let refuse = true;
    const inner = senderTo(world.simulator);
    const message = 'The provided key does not have the required permissions for this endpoint.';
    const bodyText = JSON.stringify({ error: { type: 'invalid_request_error', message } });
    const w = watching({
      send: async (input) =>
        refuse ? { kind: 'answer', answer: { status: 403, headers: {}, bodyText }, fetchedAtMs: 0 } : inner(input),
    });
    await w.minutes(2);
    expect(w.open()).toEqual([]);
    await w.minutes(60);
    expect([w.open(), w.cases.cases.length]).toEqual([[['endpoint_unwatched', null]], 1]);
    refuse = false;
    world.clock.advance(60 * minuteMs);
    await w.watch();
    expect(w.open()).toEqual([]);
  });

  it('whose look died in between is looked at again, and its case opened once', async () => {
    const w = watching({ publicOrigin: 'https://other.example.com' });
    const { write } = w.deps.endpoints;
    let dies = true;
    const dying = {
      ...w.deps.endpoints,
      write: async (...given: Parameters<typeof write>) => {
        if (dies && given[0].leaseUntilMs === 0) throw new Error('died');
        return write(...given);
      },
    };
    const dead = watching({ publicOrigin: 'https://other.example.com', endpoints: dying, cases: w.cases });
    await dead.watch();
    dies = false;
    await w.watch();
    expect(requests()).toBe(1);
    await w.minutes(2);
    expect([requests(), w.cases.cases.length]).toEqual([2, 1]);
  });
});

describe('the simulated endpoint', () => {
  it('is listed without its secret, to a key that may read it', async () => {
    const listed = await callStripe(world.simulator, 'GET', '/v1/webhook_endpoints');
    expect(listed.body).toMatchObject({ object: 'list', has_more: false });
    expect(listed.body.data).toMatchObject([{ object: 'webhook_endpoint', status: 'enabled', url: publicUrl }]);
    expect(listed.text).not.toContain('whsec_');
    const restricted = await stripeWorld({ keys: { 'local-static-token': ['rak_event_read'] } });
    const refused = await callStripe(restricted.simulator, 'GET', '/v1/webhook_endpoints');
    await restricted.close();
    expect([refused.status, refused.text]).toEqual([403, expect.stringContaining('rak_webhook_read')]);
  });
});
