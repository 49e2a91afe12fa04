import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { graph } from '../../shared/connectors/graph/calls.ts';
import { operationById } from '../../shared/connectors/graph/operations.ts';
import { requestDigest } from '../../shared/http/digest.ts';
import type { Json } from '../../shared/model/json.ts';
import type { BatchItem, PlannedCall, WriteOperation } from '../../shared/model/operation.ts';
import { annaId, apiVersion, callGraph, type GraphWorld, graphWorld } from '../kit/graph-simulator.ts';
import { exchange } from '../kit/system-world.ts';

let world: GraphWorld;
beforeEach(async () => {
  world = await graphWorld();
});
afterEach(() => world.close());

const context = { apiVersion, providerKey: 'request-1' };
const span = { start: '2030-01-01T10:00:00Z', end: '2030-01-01T11:00:00Z' };

/** The operation of planned calls with its form of a batch, and the items. */
function batchOf(calls: readonly PlannedCall[]) {
  const operation = operationById(calls[0]?.operation ?? '') as WriteOperation | null;
  const batch = operation?.batch;
  if (!operation || !batch) throw new Error('no batch');
  const items: readonly BatchItem<Json>[] = calls.map(({ input }, at) => ({ providerKey: `act_${at}_1`, input }));
  return { operation, batch, items };
}
async function carryOut(calls: readonly PlannedCall[]) {
  const { batch, items } = batchOf(calls);
  return batch.judge(await exchange(world, batch.request(context, items)), items);
}
const event = (n: number) => graph.events.create(annaId, { subject: `E${n}`, ...span });
const found = (n: number) =>
  [...world.simulator.tenant.items.values()].filter(({ values }) => values.subject === `E${n}`);

describe('a batch', () => {
  it('makes 20 events in one request, each with a key of its own, answered in any order', async () => {
    const verdict = await carryOut(Array.from({ length: 20 }, (_, n) => event(n)));
    if (verdict.kind !== 'items') throw new Error(verdict.kind);
    expect(verdict.verdicts.map(({ kind }) => kind)).toEqual(Array(20).fill('applied'));
    const [seven] = found(7);
    expect(verdict.verdicts[7]).toMatchObject({ kind: 'applied', records: [['graph', 'event', seven?.id]] });
    expect(world.simulator.effects.effects().map(({ key }) => key)).toEqual(
      Array.from({ length: 20 }, (_, n) => `act_${n}_1`),
    );
    expect(world.simulator.effects.requests()).toHaveLength(1);
  });

  it('leaves a bad item, a throttled one and a missing permission to themselves', async () => {
    world.simulator.tenant.knobs.throttledInBatch.add(3);
    const bad = graph.events.create('nobody@acme.example', { subject: 'E1', ...span });
    const verdict = await carryOut([event(0), bad, event(2), event(3)]);
    expect(verdict).toMatchObject({
      kind: 'items',
      verdicts: [
        { kind: 'applied' },
        { kind: 'not_applied', error: { class: 'not_found' } },
        { kind: 'not_applied', error: { class: 'rate', retryAfterMs: 2000 } },
        { kind: 'applied' },
      ],
    });
  });

  it('is judged as a whole where Graph refused it, and nothing of it is known where it failed', async () => {
    const { batch, items } = batchOf([event(0), event(1)]);
    const judge = (status: number, body: unknown) =>
      batch.judge({ status, headers: {}, bodyText: JSON.stringify(body) }, items);
    const error = (code: string) => ({ error: { code, message: 'x' } });
    expect(judge(429, error('TooManyRequests'))).toMatchObject({ kind: 'whole', verdict: { kind: 'not_applied' } });
    expect(judge(401, error('InvalidAuthenticationToken'))).toMatchObject({ verdict: { error: { class: 'auth' } } });
    expect(judge(503, error('serviceNotAvailable'))).toMatchObject({ kind: 'whole', verdict: { kind: 'unknown' } });
  });

  it('leaves unknown what is not answered, answered twice, or answered to nobody', () => {
    const { batch, items } = batchOf([event(0), event(1), event(2)]);
    const done = (id: string) => ({ id, status: 201, headers: {}, body: { id: `event-${id}` } });
    const responses = [done('1'), done('2'), done('2'), done('9')];
    const verdict = batch.judge({ status: 200, headers: {}, bodyText: JSON.stringify({ responses }) }, items);
    expect(verdict.kind === 'items' && verdict.verdicts.map(({ kind }) => kind)).toEqual([
      'applied',
      'unknown',
      'unknown',
    ]);
    const nothing = batch.judge({ status: 200, headers: {}, bodyText: '<html>' }, items);
    expect(nothing.kind === 'items' && nothing.verdicts.map(({ kind }) => kind)).toEqual([
      'unknown',
      'unknown',
      'unknown',
    ]);
  });

  it('asks of each item for what the single operation asks, its version and its key', async () => {
    const made = await callGraph(world.simulator, 'POST', `users/${annaId}/events`, {
      ...{
        subject: 'E',
        start: { dateTime: span.start, timeZone: 'UTC' },
        end: { dateTime: span.end, timeZone: 'UTC' },
      },
    });
    const { id, '@odata.etag': etag } = made.body;
    const calls = [
      graph.events.update(annaId, id, { subject: 'X' }, { etag }),
      graph.events.update(annaId, `${id}2`, { subject: 'Y' }),
    ];
    const { operation, batch, items } = batchOf(calls);
    const spec = batch.request(context, items);
    const single = operation.request({ apiVersion, providerKey: 'act_0_1' }, items[0]?.input ?? null);
    const part = ((spec.body as { json: { requests: Record<string, unknown>[] } }).json.requests[0] ?? {}) as Record<
      string,
      never
    >;
    expect(part).toMatchObject({
      ...{ id: '1', method: 'PATCH', url: single.path.replace('/v1.0', '') },
      headers: { ...single.headers, 'content-type': 'application/json' },
      body: (single.body as { json: Json }).json,
    });
    expect(requestDigest(spec)).not.toBe(requestDigest(batch.request(context, items.slice(0, 1))));
    await callGraph(world.simulator, 'POST', '/_admin/touch', {
      id: world.simulator.tenant.items.keys().next().value,
      values: { showAs: 'free' },
    });
    expect(batch.judge(await exchange(world, spec), items)).toMatchObject({
      verdicts: [{ error: { class: 'conflict' } }, { error: { class: 'not_found' } }],
    });
  });

  it('never meets one record twice, and takes no more than 20', () => {
    const { batch } = batchOf([graph.events.update(annaId, 'e1', { subject: 'X' })]);
    const input = (id: string) => ({ userId: annaId, id, properties: { subject: 'X' } });
    expect(batch.same?.(input('e1'))).toBe(batch.same?.(input('e1')));
    expect(batch.same?.(input('e1'))).not.toBe(batch.same?.(input('e2')));
    expect(batchOf([event(0)]).batch.same).toBeUndefined();
    const many = batchOf(Array.from({ length: 21 }, (_, n) => event(n)));
    expect(() => many.batch.request(context, many.items)).toThrow('refused before it was built');
  });
});
