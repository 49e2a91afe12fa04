import { createServer } from 'node:http';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { graph } from '../../shared/connectors/graph/calls.ts';
import { operationById } from '../../shared/connectors/graph/operations.ts';
import type { Json } from '../../shared/model/json.ts';
import type { PlannedCall, WriteOperation } from '../../shared/model/operation.ts';
import { annaId, apiVersion, callGraph, clientState, type GraphWorld, graphWorld } from '../kit/graph-simulator.ts';
import { closeAll, listening } from '../kit/http-servers.ts';
import { exchange, read, write } from '../kit/system-world.ts';

let world: GraphWorld;
const url = 'https://hooks.example/graph/changes';
beforeEach(async () => {
  world = await graphWorld();
  const door = createServer((request, response) => {
    const token = new URL(request.url ?? '', 'http://door.example').searchParams.get('validationToken') ?? '';
    response.writeHead(200, { 'content-type': 'text/plain' }).end(token);
  });
  world.simulator.webhooks.target({ url, deliverTo: `${await listening(door)}/`, secret: clientState });
  world.simulator.tenant.subscriptions.clear();
});
afterEach(async () => {
  await world.close();
  closeAll();
});

const at = (hours: number) => new Date(world.clock.now() + hours * 3_600_000).toISOString();
const wanted = () => ({
  ...{ resource: `users/${annaId}/messages`, changeType: 'updated,created' },
  ...{ notificationUrl: url, lifecycleNotificationUrl: url, expiresAt: at(24) },
});
const writeOf = (call: PlannedCall) => operationById(call.operation) as WriteOperation;
const context = { apiVersion, providerKey: 'act_k_1', clientState };

async function subscribe() {
  const call = graph.subscriptions.create(wanted());
  const operation = writeOf(call);
  return operation.judge(await exchange(world, operation.request(context, call.input)), call.input);
}
async function proven(call: PlannedCall, before: Json | null = null) {
  const { probe } = writeOf(call);
  if (!probe) throw new Error('no probe');
  const answer = await exchange(world, probe.request(context, call.input), 'read');
  return probe.judge(answer, call.input, before, 'act_k_1').kind;
}

it('a subscription is made, found again by what it is of, listed without its secret, renewed and ended', async () => {
  expect(await proven(graph.subscriptions.create(wanted()))).toBe('absent');
  const made = await subscribe();
  if (made.kind !== 'applied') throw new Error(made.kind);
  const { id } = made.data as { id: string };
  expect(await proven(graph.subscriptions.create({ ...wanted(), changeType: 'created,updated' }))).toBe('equal');
  expect(await proven(graph.subscriptions.create({ ...wanted(), resource: `users/${annaId}/events` }))).toBe('absent');
  const list = await read(world, graph.subscriptions.list());
  expect(list).toMatchObject({ kind: 'ok', data: { results: [{ id, lifecycleNotificationUrl: url }], after: null } });
  expect(JSON.stringify([made, list])).not.toContain(clientState);

  const renewal = graph.subscriptions.renew(id, at(48));
  expect(await proven(renewal)).toBe('before');
  expect(await write(world, renewal, 'act_k_2')).toMatchObject({ kind: 'applied', data: { expiresAt: at(48) } });
  expect(await proven(renewal)).toBe('equal');

  const end = graph.subscriptions.delete(id);
  expect(await proven(end)).toBe('before');
  expect(await write(world, end, 'act_k_3')).toMatchObject({ kind: 'applied' });
  expect([await proven(end), await proven(renewal)]).toEqual(['equal', 'different']);
});

it('a subscription for longer than Graph keeps one is refused, and so is one of a stranger', async () => {
  const call = graph.subscriptions.create({ ...wanted(), expiresAt: at(24 * 30) });
  const operation = writeOf(call);
  const long = operation.judge(await exchange(world, operation.request(context, call.input)), call.input);
  expect(long).toMatchObject({ kind: 'not_applied', error: { class: 'business', code: 'ExtensionError' } });
  const of = graph.subscriptions.create({ ...wanted(), resource: 'users/nobody@acme.example/messages' });
  const stranger = operation.judge(await exchange(world, operation.request(context, of.input)), of.input);
  expect(stranger).toMatchObject({ kind: 'not_applied', error: { class: 'not_found' } });
});

it('a list of subscriptions that goes on proves no absence', async () => {
  for (let n = 0; n < 101; n += 1) {
    world.simulator.tenant.subscriptions.set(`s${n}`, {
      ...{ id: `s${n}`, resource: 'users', changeType: 'updated', notificationUrl: 'https://other.example' },
      ...{
        lifecycleNotificationUrl: null,
        clientState: null,
        expiresAtMs: world.clock.now() + 1e9,
        immutableIds: true,
      },
    });
  }
  expect(await proven(graph.subscriptions.create(wanted()))).toBe('inconclusive');
  const first = await read(world, graph.subscriptions.list());
  const after = first.kind === 'ok' ? (first.data as { after: string }).after : '';
  expect(await read(world, graph.subscriptions.list(after))).toMatchObject({
    data: { results: [{ id: 's100' }], after: null },
  });
});

it('an ended subscription is gone by itself', async () => {
  await subscribe();
  world.clock.advance(25 * 3_600_000);
  expect((await callGraph(world.simulator, 'GET', 'subscriptions')).body.value).toEqual([]);
});
