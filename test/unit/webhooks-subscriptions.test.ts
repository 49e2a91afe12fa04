import { createServer, type Server } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemSchema } from '../../shared/config/schema.ts';
import { loadKeeper, loadOperation } from '../../shared/connectors/registry.ts';
import type { Sender } from '../../shared/connectors/sender.ts';
import { systemRandom } from '../../shared/model/clock.ts';
import { silentLog } from '../../shared/observe/json-log.ts';
import {
  type KeepDeps,
  keepSubscriptions,
  lifecycleHandler,
  type SubscriptionState,
  type SubscriptionStore,
} from '../../shared/webhooks/keep-subscriptions.ts';
import { message } from '../kit/event-world.ts';
import { annaId, callGraph, clientState, type GraphWorld, graphWorld } from '../kit/graph-simulator.ts';
import { memoryCaseStore } from '../kit/memory-case-store.ts';
import { memoryLedgerStore } from '../kit/memory-ledger-store.ts';

const minuteMs = 60_000;
const resource = `users/${annaId}/messages`;
const url = 'https://hooks.example/graph/changes';

let world: GraphWorld;
let door: Server;

beforeEach(async () => {
  world = await graphWorld();
  // An address that answers as ours does: with the token that it was asked with.
  door = createServer((request, response) => {
    const token = new URL(request.url ?? '', 'http://door.example').searchParams.get('validationToken');
    response.writeHead(200, { 'content-type': 'text/plain' }).end(token ?? '');
  });
  await new Promise<void>((resolve) => door.listen(0, '127.0.0.1', resolve));
  const address = door.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  world.simulator.webhooks.target({ url, deliverTo: `http://127.0.0.1:${port}/`, secret: clientState });
  for (const { id } of await standing()) await callGraph(world.simulator, 'DELETE', `subscriptions/${id}`);
});
afterEach(async () => {
  await world.close();
  await new Promise((resolve) => door.close(resolve));
});

type Standing = { readonly id: string; readonly resource: string; readonly expirationDateTime: string };
const standing = async (): Promise<readonly Standing[]> =>
  (await callGraph(world.simulator, 'GET', 'subscriptions')).body.value;

function memoryStates(): SubscriptionStore & { readonly states: Map<string, SubscriptionState> } {
  const states = new Map<string, SubscriptionState>();
  return {
    states,
    get: async (id) => states.get(id) ?? null,
    write: async (next, expected) => {
      if ((states.get(next.id)?.epoch ?? 0) !== expected) return 'lost';
      states.set(next.id, next);
      return 'written';
    },
  };
}

function keeping(changes: Partial<KeepDeps> = {}) {
  const [subscriptions, cases, ledger] = [memoryStates(), memoryCaseStore(), memoryLedgerStore()];
  const system = systemSchema.parse({
    ...{ connector: 'graph', owner: 'platform', account: { is: 'sandbox' }, apiVersion: 'v1.0' },
    ...{ auth: { grant: 'bearer', secret: 'plumbline/test/graph' }, limits: [{ calls: 100, per: '10s' }] },
    webhooks: {
      changes: { scheme: 'graph', secret: 's', subscriptions: [{ resource, changes: ['created', 'updated'] }] },
    },
  });
  const owners = { teams: { platform: { notify: [] } }, people: {} };
  const deps: KeepDeps = {
    ...{ config: { owners, systems: { graph: system } }, subscriptions, cases, ledger, clock: world.clock },
    ...{ loadKeeper, loadOperation, random: systemRandom, log: silentLog, send: world.system.send },
    ...{ secretOf: async () => clientState, publicOrigin: 'https://hooks.example' },
    ...changes,
  };
  const keep = () => keepSubscriptions(deps, world.clock.now() + minuteMs);
  const later = async (ms: number) => {
    world.clock.advance(ms);
    await keep();
  };
  const open = async () => (await cases.list({ state: 'OPEN', cursor: null })).cases.map(({ reason }) => reason);
  const operations = () => ledger.entries.flatMap((entry) => (entry.kind === 'operation' ? [entry.what] : []));
  return { deps, subscriptions, cases, keep, later, open, operations };
}

describe('subscriptions of a channel', () => {
  it('are made once, and left alone while they live', async () => {
    const k = keeping();
    await k.keep();
    await k.later(11 * minuteMs);
    await k.later(11 * minuteMs);
    expect(await standing()).toMatchObject([{ resource, notificationUrl: url }]);
    expect([k.operations(), await k.open()]).toEqual([['subscription_made'], []]);
  });

  it('are renewed at half of their life, so that they never end', async () => {
    const k = keeping();
    await k.keep();
    const [first] = await standing();
    for (let day = 0; day < 20; day += 1) await k.later(12 * 60 * minuteMs);
    const [last, ...others] = await standing();
    expect([last?.id, others]).toEqual([first?.id, []]);
    expect(Date.parse(last?.expirationDateTime ?? '')).toBeGreaterThan(world.clock.now());
    expect(k.operations().filter((what) => what === 'subscription_renewed').length).toBeGreaterThan(3);
  });

  it('are made again where the provider took one away, and the owner is told what may be missing', async () => {
    const k = keeping();
    await k.keep();
    for (const { id } of await standing()) await callGraph(world.simulator, 'DELETE', `subscriptions/${id}`);
    await k.later(11 * minuteMs);
    expect((await standing()).map((one) => one.resource)).toEqual([resource]);
    expect(await k.open()).toEqual(['subscription_removed']);
  });

  it('are not asked for twice where the answer got lost', async () => {
    let lose = true;
    const inner = world.system.send;
    const send: Sender = async (input) => {
      const result = await inner(input);
      if (!lose || input.purpose !== 'write') return result;
      lose = false;
      return { kind: 'lost', error: { class: 'unknown_outcome', code: 'reset', message: '' } };
    };
    const k = keeping({ send });
    await k.keep();
    for (let i = 0; i < 6; i += 1) await k.later(2 * minuteMs);
    expect(await standing()).toHaveLength(1);
  });

  it('are not asked for twice where the process died after it had asked, and the list shows them late', async () => {
    const inner = world.system.send;
    let dies = true;
    const send: Sender = async (input) => {
      const result = await inner(input);
      if (input.purpose === 'write' && dies) throw new Error('killed');
      if (input.purpose === 'write' || result.kind !== 'answer') return result;
      return { ...result, answer: { ...result.answer, bodyText: JSON.stringify({ value: [] }) } };
    };
    const k = keeping({ send });
    await k.keep();
    dies = false;
    await k.later(2 * minuteMs);
    expect(await standing()).toHaveLength(1);
  });

  it('stay asked about where the state changes too often to note what the provider said', async () => {
    const k = keeping();
    await k.keep();
    const write = async () => 'lost' as const;
    const handler = lifecycleHandler({ subscriptions: { ...k.subscriptions, write } });
    const told = { ...message, system: 'graph', channel: 'changes', type: 'lifecycle.reauthorizationRequired' };
    const event = { eventId: 'e', message: told, item: null, record: null, live: null };
    await expect(handler.handle({ ...event, deadlineMs: world.clock.now() + minuteMs })).rejects.toMatchObject({
      code: 'store_unavailable',
    });
  });

  it('are looked at at once when the provider says that they want it', async () => {
    const k = keeping();
    await k.keep();
    const before = (await standing())[0]?.expirationDateTime ?? '';
    world.clock.advance(minuteMs);
    const handler = lifecycleHandler(k.deps);
    const told = { ...message, system: 'graph', channel: 'changes', type: 'lifecycle.reauthorizationRequired' };
    expect([handler.wants(told), handler.wants(message)]).toEqual([true, false]);
    await handler.handle({
      ...{ eventId: 'e', message: told, item: null, record: null, live: null },
      deadlineMs: world.clock.now() + minuteMs,
    });
    await k.keep();
    expect(Date.parse((await standing())[0]?.expirationDateTime ?? '')).toBeGreaterThan(Date.parse(before));
  });

  it('that cannot be kept open one case, which closes by itself', async () => {
    let secret: string | null = null;
    const k = keeping({ secretOf: async () => secret });
    for (let i = 0; i < 5; i += 1) await k.later(20 * minuteMs);
    expect(await k.open()).toEqual(['subscription_failing']);
    secret = clientState;
    await k.later(70 * minuteMs);
    expect([await k.open(), (await standing()).length]).toEqual([[], 1]);
  });

  it('are left to another keeper that is at it', async () => {
    const k = keeping();
    await Promise.all([k.keep(), k.keep(), k.keep()]);
    expect(await standing()).toHaveLength(1);
  });

  it('are not asked for at an address that no provider could reach', async () => {
    const k = keeping({ publicOrigin: 'http://127.0.0.1:4101' });
    for (let i = 0; i < 4; i += 1) await k.later(20 * minuteMs);
    expect([await standing(), await k.open()]).toEqual([[], []]);
  });
});
