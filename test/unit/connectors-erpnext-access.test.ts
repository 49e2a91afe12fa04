import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import { type ErpnextOptions, type ErpnextSimulator, localKey } from '../../infra/local/systems/erpnext/start.ts';
import { createCredentialSource } from '../../shared/auth/token-source.ts';
import { erpnext } from '../../shared/connectors/erpnext/calls.ts';
import { manifest } from '../../shared/connectors/erpnext/manifest.ts';
import { operationById } from '../../shared/connectors/erpnext/operations.ts';
import { loadConnector } from '../../shared/connectors/registry.ts';
import { makeSender } from '../../shared/connectors/send.ts';
import { httpClient } from '../../shared/http/client.ts';
import { systemClock } from '../../shared/model/clock.ts';
import type { HttpAnswer, PlannedCall } from '../../shared/model/operation.ts';
import { silentLog } from '../../shared/observe/json-log.ts';
import { breakerGuard } from '../../shared/resilience/breaker-guard.ts';
import { rateLimiter } from '../../shared/resilience/rate-limit.ts';
import { callErpnext, dataOf, erpnextConfig, erpnextWorld, startTestErpnext } from '../kit/erpnext-simulator.ts';
import { memoryResilienceStore } from '../kit/memory-resilience-store.ts';
import { memorySecretStore } from '../kit/memory-secret-store.ts';
import { memoryTokenStore } from '../kit/memory-token-store.ts';

const clock = systemClock;
const http = httpClient({ clock, local: true });
let simulator: ErpnextSimulator;
afterEach(() => simulator.close());

/** The real sender with a key and its secret as they lie in the secret of the system. */
async function house(options: Partial<ErpnextOptions> = {}, secret = `${localKey.key}:${localKey.secret}`) {
  simulator = await startTestErpnext(options);
  const [tokens, secrets] = [memoryTokenStore(), memorySecretStore()];
  secrets.set('s', secret, 'v1');
  const { auth } = erpnextConfig;
  const credentials = createCredentialSource({
    systems: { erpnext: { auth } },
    ...{ secrets, tokens, clock, log: silentLog },
    invoker: { refresh: async () => ({ kind: 'busy' as const }) as never },
  });
  const store = memoryResilienceStore();
  const send = makeSender({
    systems: { erpnext: erpnextConfig },
    ...{ loadConnector, credentials, http, clock, log: silentLog, productionStage: false },
    breakers: breakerGuard({ store, clock, owner: 'test' }),
    rates: rateLimiter({ store, clock }),
    localOrigins: { erpnext: simulator.url },
  });
  const sent = (call: PlannedCall) => {
    const operation = operationById(call.operation);
    if (!operation) throw new Error(call.operation);
    const spec = operation.request({ apiVersion: '15', providerKey: 'act_k_1' }, call.input);
    return send({ system: 'erpnext', spec, purpose: operation.kind, deadlineMs: clock.now() + 5000 });
  };
  return Object.assign(sent, { secrets });
}

const create = erpnext.customers.create({ customer_name: 'Acme' });
const status = (result: Awaited<ReturnType<Awaited<ReturnType<typeof house>>>>) =>
  result.kind === 'answer' ? result.answer.status : result.error.code;
const asked = () => simulator.effects.requests().map(({ method, path, status: said }) => `${method} ${path} ${said}`);
const answer = (body: unknown, headers: Record<string, string> = {}): HttpAnswer => ({
  ...{ status: 200, headers },
  bodyText: JSON.stringify(body),
});

describe('a write to ERPNext over the house', () => {
  it('goes to the configured site only after that said which one it is and what it is for', async () => {
    const send = await house();
    expect([status(await send(create)), asked()]).toEqual([
      200,
      ['GET /.well-known/openid-configuration 200', 'GET /api/resource/Company 200', 'POST /api/resource/Customer 200'],
    ]);
  });

  it.each<[string, Partial<ErpnextOptions>]>([
    ['a site that says nothing of itself', { environment: null }],
    ['a site that says that it is production', { environment: 'production' }],
    ['a copy of the test site under another host', { environment: 'sandbox of erp-test.example' }],
    ['a site that nearly says it', { environment: 'Sandbox of 127.0.0.1' }],
  ])('goes nowhere where it is %s', async (_what, options) => {
    const send = await house(options);
    expect([status(await send(create)), simulator.effects.effects()]).toEqual(['account_mismatch', []]);
  });

  it('goes nowhere where one of several companies does not say it', async () => {
    const send = await house();
    await callErpnext(simulator, 'POST', '/api/resource/Company', { company_name: 'Live B.V.' });
    simulator.effects.clear();
    expect([status(await send(create)), simulator.effects.effects()]).toEqual(['account_mismatch', []]);
  });

  it('is refused with a wrong key', async () => {
    const send = await house({}, 'other-key:other-secret');
    expect([status(await send(erpnext.timeZone())), status(await send(create))]).toEqual([401, 'account_unanswered']);
    expect(simulator.effects.effects()).toEqual([]);
  });

  it('goes on with a key that was replaced in its secret, and is sent once', async () => {
    const keys: Record<string, { secret: string; user: string }> = { one: { secret: 'a', user: 'svc@a.example' } };
    const send = await house({ keys }, 'one:a');
    expect(status(await send(create))).toBe(200);
    delete keys.one;
    keys.two = { secret: 'b', user: 'svc@a.example' };
    send.secrets.set('s', 'two:b', 'v2');
    expect(status(await send(erpnext.suppliers.create({ supplier_name: 'Parts' })))).toBe(200);
    expect(simulator.effects.effects()).toHaveLength(2);
  });
});

describe('what a site says of itself', () => {
  const issuer = answer({ issuer: 'https://erp.acme.example' });
  const company = (name: string, environment: string | null) => ({ name, custom_plumbline_environment: environment });
  const judged = (companies: unknown, first = issuer) => manifest.account.judge(first, answer({ data: companies }));

  it('is host and company, and a sandbox where every company says so of this host', () => {
    const label = 'sandbox of erp.acme.example';
    expect(judged([company('A', label)])).toEqual({
      ...{ identity: { site: 'erp.acme.example', company: 'A' }, is: 'sandbox' },
    });
    expect(judged([company('A', label), company('B', label)])).toEqual({
      ...{ identity: { site: 'erp.acme.example' }, is: 'sandbox' },
    });
    expect(judged([company('A', label), company('B', null)])?.is).toBe('production');
  });

  it.each([
    ['no company', issuer, []],
    ['no list', issuer, { a: 1 }],
    ['a company without a name', issuer, [{ name: 1 }]],
    ['no issuer', answer({}), [company('A', null)]],
    ['an issuer that is no address', answer({ issuer: 'x' }), [company('A', null)]],
  ])('cannot be understood with %s', (_what, first, companies) => {
    expect(judged(companies, first)).toBeNull();
  });

  it('names the credential without the address of its user, and a person where it is not named as a service', () => {
    const facts = (user: unknown) =>
      manifest.credential?.judge(answer({ message: { user, user_type: 'System User' } }));
    expect(facts('plumbline@acme.example')).toEqual({
      ...{ actsAs: expect.stringMatching(/^user-[0-9a-f]{16}$/), holder: 'service', scopes: null, expiresAtMs: null },
    });
    expect(
      ['svc-erp@a.example', 'anna@acme.example', 'Administrator', 'botticelli@a.example'].map(
        (user) => facts(user)?.holder,
      ),
    ).toEqual(['service', 'person', 'person', 'person']);
    expect([facts('Guest'), facts(undefined)]).toEqual([null, null]);
  });

  it('tells what is left of the time of work, where the site has a limit', () => {
    const headers = { 'x-ratelimit-limit': '600000000', 'x-ratelimit-remaining': '599000000' };
    expect(manifest.headroom(answer({}, headers))).toEqual([
      { limit: 'processing_microseconds', max: 600_000_000, remaining: 599_000_000 },
    ]);
    expect(manifest.headroom(answer({}))).toEqual([]);
  });

  it('asks the simulated site who the key is', async () => {
    simulator = await startTestErpnext();
    const spec = manifest.credential?.request({ apiVersion: '15', token: 't' });
    const { text } = await callErpnext(simulator, 'GET', spec?.path ?? '');
    expect(manifest.credential?.judge({ status: 200, headers: {}, bodyText: text })?.holder).toBe('service');
  });
});

describe('paging of ERPNext', () => {
  type Page = { results: { id: string; version: string }[]; after: string | null };

  it('reads every record once where many changed in one microsecond', async () => {
    const world = await erpnextWorld();
    ({ simulator } = world);
    const { docs } = simulator.site;
    for (let n = 0; n < 300; n += 1) {
      await callErpnext(simulator, 'POST', '/api/resource/Customer', { customer_name: `C ${n % 7}` });
    }
    let n = 0;
    for (const doc of docs.Customer.values()) doc.modifiedMicros = 1_700_000_000_000_000 + Math.floor((n++ * 2) / 300);
    simulator.site.sorted.clear();
    for (const direction of ['asc', 'desc'] as const) {
      const ids: string[] = [];
      let after: string | null = null;
      do {
        const call = erpnext.customers.list({ fields: [], direction, limit: 7, ...(after ? { after } : {}) });
        const page: Page = await dataOf<Page>(world, call);
        ids.push(...page.results.map(({ id }) => id));
        ({ after } = page);
      } while (after !== null);
      expect([ids.length, new Set(ids).size]).toEqual([300, 300]);
    }
  });

  it('misses nothing where records change while it reads, unlike reading by offset', async () => {
    const world = await erpnextWorld();
    ({ simulator } = world);
    for (let n = 0; n < 40; n += 1) {
      await callErpnext(simulator, 'POST', '/api/resource/Customer', { customer_name: `C ${n}` });
    }
    const [touched] = simulator.site.docs.Customer.values();
    const touch = () =>
      callErpnext(simulator, 'POST', '/_admin/touch', {
        docType: 'Customer',
        name: touched?.name,
        values: { tax_id: 'x' },
      });
    const seen = new Set<string>();
    let after: string | null = null;
    do {
      const page: Page = await dataOf<Page>(
        world,
        erpnext.customers.list({ fields: [], limit: 10, ...(after ? { after } : {}) }),
      );
      for (const { id } of page.results) seen.add(id);
      ({ after } = page);
      if (seen.size === 10) await touch();
    } while (after !== null);
    expect(seen.size).toBe(40);
    const byOffset = new Set<string>();
    for (let start = 0; start < 40; start += 10) {
      const query = `order_by=modified asc&limit_start=${start}&limit_page_length=10`;
      const { body } = await callErpnext(simulator, 'GET', `/api/resource/Customer?${query}`);
      for (const { name } of body.data) byOffset.add(name);
      const [first] = simulator.site.sorted.get('Customer') ?? [];
      if (start === 0)
        await callErpnext(simulator, 'POST', '/_admin/touch', { docType: 'Customer', name: first?.name, values: {} });
    }
    expect(byOffset.size).toBeLessThan(40);
  });

  it('of 100,000 records holds one page: its peak stays within 60 MB of the idle process', async () => {
    simulator = await startTestErpnext();
    const { site } = simulator;
    for (let n = 0; n < 100_000; n += 1) {
      const name = `C-${n}`;
      const micros = 1_700_000_000_000_000 + Math.floor(n / 3);
      const values = { customer_name: `Customer ${n}`, disabled: 0 };
      site.docs.Customer.set(name.toLowerCase(), {
        ...{
          docType: 'Customer',
          name,
          docstatus: 0,
          owner: 'x',
          creationMicros: micros,
          modifiedMicros: micros,
          values,
        },
      });
    }
    const pager = new URL('../kit/erpnext-pager.ts', import.meta.url).pathname;
    const { stdout } = await promisify(execFile)(process.execPath, [pager, simulator.url]);
    const { count, distinct, idleMb, peakMb } = JSON.parse(stdout) as Record<string, number>;
    expect([count, distinct]).toEqual([100_000, 100_000]);
    expect(Number(peakMb) - Number(idleMb)).toBeLessThan(60);
  }, 60_000);
});
