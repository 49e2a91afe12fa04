import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { simulatedPeople } from '../../infra/local/systems/people.ts';
import { systemSchema } from '../../shared/config/schema.ts';
import { restOn } from '../../shared/connectors/rest/calls.ts';
import type { Json } from '../../shared/model/json.ts';
import type { HttpAnswer } from '../../shared/model/operation.ts';
import { type PortalWorld, portalManifest, portalWorld, portalYaml } from '../kit/portal-simulator.ts';

const portal = restOn('supplier-portal');
let world: PortalWorld;
beforeEach(async () => {
  world = await portalWorld();
});
afterEach(() => world.close());

type Page = {
  readonly results: readonly { readonly id: string; readonly properties: Record<string, Json> }[];
  readonly after: string | null;
};

async function pageOf(operation: string, after?: string, sinceMs?: number): Promise<Page> {
  const read = await world.read(portal.call(operation, {}, { after, sinceMs }));
  if (read.kind === 'error') throw new Error(read.error.code);
  return read.data as unknown as Page;
}

async function all(operation: string): Promise<readonly string[]> {
  const ids: string[] = [];
  let after: string | undefined;
  do {
    const page = await pageOf(operation, after);
    ids.push(...page.results.map(({ id }) => id));
    after = page.after ?? undefined;
  } while (after !== undefined);
  return ids;
}

const answer = (body: unknown, status = 200): HttpAnswer => ({ status, headers: {}, bodyText: JSON.stringify(body) });

describe('reads of a described API', () => {
  it('give one record with the fields that are named, times in their zone', async () => {
    const read = await world.read(portal.call('order_get', { order_no: 'P50300' }));
    const kept = world.simulator.portal.orders.get('P50300');
    expect(read).toMatchObject({ kind: 'ok', data: { id: 'P50300', properties: { article_no: kept?.article_no } } });
    const placed = (read as unknown as { data: { properties: { placed_at: string } } }).data.properties.placed_at;
    expect(placed).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000Z$/);
    const wall = new Date(placed).toLocaleString('sv-SE', { timeZone: 'Europe/Amsterdam' });
    expect(wall).toBe(kept?.placed_at);
  });

  it('know a failure that is answered with 200', async () => {
    const read = await world.read(portal.call('order_get', { order_no: 'P99999' }));
    expect(read).toMatchObject({ kind: 'error', error: { class: 'not_found', code: 'E404' } });
  });

  it.each([200, 404, 500])('do not take an HTML page with status %i for an answer, nor for absence', async (status) => {
    world.simulator.addFault({ kind: 'html_error', ...(status === 200 ? {} : { status }) });
    const read = await world.read(portal.call('order_get', { order_no: 'P50300' }));
    expect(read).toMatchObject({ kind: 'error', error: { class: 'transient' } });
  });

  it('tell a renamed field, and never read it as empty', async () => {
    world.simulator.portal.knobs.renamed.set('wanted_date', 'requested_date');
    for (const call of [portal.call('order_get', { order_no: 'P50300' }), portal.call('order_list')]) {
      const read = await world.read(call);
      expect(read).toMatchObject({ kind: 'error', error: { class: 'schema', target: 'wanted_date' } });
    }
  });

  it('show in the shape of an answer that it changed', async () => {
    const shape = async () => {
      const read = await world.read(portal.call('schema_probe'));
      if (read.kind === 'error') throw new Error(read.error.code);
      return read.data as { hash: string; shape: Record<string, string> };
    };
    const before = await shape();
    expect(before.shape['prices[].price']).toBe('string');
    expect((await shape()).hash).toBe(before.hash);
    world.simulator.portal.knobs.renamed.set('price', 'unit_price');
    expect((await shape()).hash).not.toBe(before.hash);
  });

  it('list everything, page by page, each row once', async () => {
    const ids = await all('order_list');
    expect(ids).toHaveLength(320);
    expect(new Set(ids)).toEqual(new Set(world.simulator.portal.orders.keys()));
  });

  it('say that rows moved between two pages, and leave none out silently', async () => {
    const first = await pageOf('order_list');
    await fetch(`${world.simulator.url}/_admin/telephone`, { method: 'POST' });
    const second = await world.read(portal.call('order_list', {}, { after: first.after ?? '' }));
    expect(second).toMatchObject({ kind: 'error', error: { class: 'conflict', code: 'rows_shifted' } });
  });

  it('show a row once that the portal shows twice', async () => {
    const [newest] = [...world.simulator.portal.orders.keys()].slice(-1);
    world.simulator.portal.knobs.shownTwice.add(newest ?? '');
    const { results } = await pageOf('order_list');
    expect(results.filter(({ id }) => id === newest)).toHaveLength(1);
  });

  it('narrow a list to what changed, in the time of the portal', async () => {
    const [, sent] = [
      await pageOf('order_list', undefined, Date.UTC(2026, 6, 1, 12)),
      world.simulator.effects.requests().at(-1),
    ];
    expect(new URLSearchParams(sent?.query).get('changed_after')).toBe('2026-07-01T14:00:00');
  });

  it('refuse an `after` that is none of theirs', async () => {
    await expect(world.read(portal.call('order_list', {}, { after: 'x' }))).rejects.toMatchObject({
      code: 'invalid_input',
    });
    const foreign = Buffer.from(JSON.stringify({ at: 'https://evil.example/' })).toString('base64url');
    await expect(world.read(portal.call('order_list', {}, { after: foreign }))).rejects.toMatchObject({
      code: 'invalid_input',
    });
  });

  it('say what is missing for a request', async () => {
    await expect(world.read(portal.call('order_get'))).rejects.toThrow('The input order_no is missing.');
  });
});

describe('the account question of a described API', () => {
  const facts = async (body: unknown, status = 200) => (await portalManifest()).account.judge(answer(body, status));
  const customer = { number: 'C-4711' };

  it('names the account and tells test from production', async () => {
    expect(await facts({ result: 'OK', customer, environment: 'TEST' })).toEqual({
      identity: { customerNumber: 'C-4711' },
      is: 'sandbox',
    });
  });

  it('counts whatever does not say that it is a test as production', async () => {
    for (const environment of ['LIVE', '', undefined, 7]) {
      expect((await facts({ result: 'OK', customer, environment }))?.is).toBe('production');
    }
  });

  it('is not answered by a failure, by half an answer, or by no JSON', async () => {
    expect(await facts({ result: 'ERROR', customer, environment: 'TEST' })).toBeNull();
    expect(await facts({ result: 'OK', environment: 'TEST' })).toBeNull();
    expect(await facts({ result: 'OK', customer, environment: 'TEST' }, 500)).toBeNull();
    const html = { status: 200, headers: {}, bodyText: '<html>' };
    expect((await portalManifest()).account.judge(html)).toBeNull();
  });

  it('without one, nothing is written: no answer counts', async () => {
    const { whoAmI: _none, ...rest } = portalYaml().rest as Record<string, unknown>;
    const manifest = await portalManifest(systemSchema.parse({ ...portalYaml(), rest }));
    expect(manifest.account.judge(answer({ result: 'OK', customer, environment: 'TEST' }))).toBeNull();
  });
});

describe('operations of a described API', () => {
  it('are found by system and name, and only there', () => {
    const { operations } = world.system;
    expect(operations('rest.supplier-portal.order_place')).toMatchObject({ kind: 'write', effect: 'create' });
    for (const id of [
      'rest.other.order_place',
      'rest.supplier-portal.explode',
      'rest.constructor.x',
      'rest.supplier-portal',
    ]) {
      expect(operations(id)).toBeNull();
    }
  });

  it('know their way back', async () => {
    const { undo } = await portalManifest();
    expect(undo).toEqual({
      'rest.supplier-portal.order_place': 'rest.supplier-portal.order_cancel',
      'rest.supplier-portal.order_set_date': 'rest.supplier-portal.order_set_date',
      'rest.supplier-portal.order_cancel': null,
    });
  });
});

describe('the simulated portal', () => {
  it('knows the customers of the other simulators under numbers and spellings of its own', () => {
    const { companies } = simulatedPeople({ clock: world.clock, seed: 1 });
    const { shipTos } = world.simulator.portal;
    expect(shipTos).toHaveLength(companies.length);
    const names = companies.map(([, { name }]) => name);
    expect(shipTos.filter(({ name }) => names.includes(name))).toEqual([]);
    const plain = (name: string | null | undefined) =>
      (name ?? '')
        .normalize('NFD')
        .replace(/[^A-Za-z0-9]/g, '')
        .toUpperCase();
    const known = shipTos.filter(({ name }, i) => plain(names[i]).startsWith(plain(name)));
    expect(known.length).toBeGreaterThan(companies.length * 0.9);
    expect(new Set(shipTos.map(({ code }) => code)).size).toBe(shipTos.length);
  });

  it('knows no repeat: the same request twice is two orders', async () => {
    const body = JSON.stringify({ article_no: '100007', quantity: 1, your_ref: 'PO-1' });
    const url = `${world.simulator.url}/api/orders?api_key=local-static-token`;
    for (let n = 0; n < 2; n += 1) await fetch(url, { method: 'POST', body });
    expect(world.simulator.effects.effects().map(({ key }) => key)).toEqual(['PO-1', 'PO-1']);
  });

  it('answers 200 to everything, also to a wrong key', async () => {
    const answered = await fetch(`${world.simulator.url}/api/orders?api_key=wrong`);
    expect([answered.status, await answered.json()]).toEqual([
      200,
      { result: 'ERROR', error: { code: 'E401', text: 'KEY IS NOT KNOWN' } },
    ]);
  });
});
