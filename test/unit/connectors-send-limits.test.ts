import { describe, expect, it } from 'vitest';
import type { HttpResult } from '../../shared/http/result.ts';
import { silentLog } from '../../shared/observe/json-log.ts';
import { house } from '../kit/sender-house.ts';
import { vendorErrors } from '../kit/vendor-errors.ts';

const ofVendor = (connector: string, kind: 'rate' | 'auth' | 'permission' | 'unknown_outcome'): HttpResult => {
  const row = vendorErrors[connector]?.[kind];
  if (!row || !('answer' in row)) throw new Error(`${connector} has no ${kind}`);
  return { kind: 'answer', answer: row.answer, fetchedAtMs: 0 };
};

const systems = {
  hubspot: {},
  salesforce: {
    connector: 'salesforce',
    origin: 'https://acme.my.salesforce.com',
    account: { organizationId: '00D000000000001EAA', is: 'sandbox' },
    apiVersion: 'v62.0',
  },
  stripe: { connector: 'stripe', account: { accountId: 'acct_1Abc', is: 'sandbox' }, apiVersion: '2026-06-30.basil' },
};

describe('the question which account it is', () => {
  const cases = Object.entries(systems).flatMap(([name, system]) =>
    (
      [
        ['rate', 'rate'],
        ['auth', 'auth'],
        ['unknown_outcome', 'transient'],
      ] as const
    ).map(([said, kind]) => [name, said, kind, system] as const),
  );

  it.each(cases)('to %s, answered with %s, leaves the write unsent as %s', async (name, said, kind, system) => {
    const { call, sent } = house({
      answers: () => ofVendor(name, said),
      system,
      credentials: { rejected: async () => 'broken' },
    });
    expect(await call('write')).toMatchObject({ kind: 'not_sent', error: { class: kind, code: 'account_unanswered' } });
    expect(sent.filter(({ method }) => method !== 'GET')).toEqual([]);
  });

  it('waits where Salesforce answers 403 because its calls are used up, and takes that for no other account', async () => {
    const { call, advance } = house({ answers: () => ofVendor('salesforce', 'rate'), system: systems.salesforce });
    expect(await call('write')).toMatchObject({ error: { class: 'rate', retryAfterMs: 900_000 } });
    advance(60_000);
    expect(await call('write')).toMatchObject({ error: { class: 'rate', retryAfterMs: expect.any(Number) } });
  });

  it('refuses where the system does not let our credential ask', async () => {
    const { call } = house({ answers: () => ofVendor('salesforce', 'permission'), system: systems.salesforce });
    expect(await call('write')).toMatchObject({ error: { class: 'permission', code: 'account_mismatch' } });
  });
});

describe('what an answer tells of limits', () => {
  const told = async (headers: Record<string, string>, system: Record<string, unknown>, answer?: HttpResult) => {
    const metrics: (readonly unknown[])[] = [];
    const log = { ...silentLog, metric: (...all: readonly unknown[]) => void metrics.push(all) };
    const plain: HttpResult = { kind: 'answer', answer: { status: 200, headers, bodyText: '{}' }, fetchedAtMs: 0 };
    await house({ answers: () => answer ?? plain, system, log }).call('read');
    return metrics.filter(([name]) => name !== 'SystemCall');
  };

  it('is a metric by limit: the window of HubSpot, the day of Salesforce', async () => {
    const window = { 'x-hubspot-ratelimit-max': '100', 'x-hubspot-ratelimit-remaining': '87' };
    expect(await told(window, systems.hubspot)).toEqual([
      ['SystemHeadroom', 87, 'Count', { system: 'hubspot', limit: 'window' }],
    ]);
    expect(await told({ 'sforce-limit-info': 'api-usage=4018/5000' }, systems.salesforce)).toEqual([
      ['SystemHeadroom', 982, 'Count', { system: 'hubspot', limit: 'day' }],
    ]);
  });

  it('is nothing where the system tells nothing', async () => {
    expect(await told({}, systems.stripe)).toEqual([]);
  });

  it.each(Object.entries(systems))('counts the refusals of %s', async (name, system) => {
    expect(await told({}, system, ofVendor(name, 'rate'))).toEqual([
      ['SystemRateLimited', 1, 'Count', { system: 'hubspot' }],
    ]);
  });
});

describe('what counts as failing', () => {
  const erpnext = {
    connector: 'erpnext',
    origin: 'https://erp.acme.example',
    account: { site: 'erp.acme.example', is: 'sandbox' },
    apiVersion: 'v1',
  };

  it('is what the connector says, not the status: values refused with 500 open nothing', async () => {
    const refused: HttpResult = {
      kind: 'answer',
      answer: {
        status: 500,
        headers: {},
        bodyText: JSON.stringify({ exc_type: 'OperationalError', exception: 'x: (1054, "Unknown column \'y\'")' }),
      },
      fetchedAtMs: 0,
    };
    const { call, sent } = house({ answers: () => refused, system: erpnext });
    for (let i = 0; i < 5; i += 1) await call('read');
    expect(sent).toHaveLength(5);
  });

  it('is also a failure inside a 200', async () => {
    const slack = { connector: 'slack', account: { teamId: 'T0ACME', is: 'sandbox' }, apiVersion: 'none' };
    const { call, sent } = house({ answers: () => ofVendor('slack', 'unknown_outcome'), system: slack });
    for (let i = 0; i < 5; i += 1) await call('read');
    expect(sent).toHaveLength(3);
    expect(await call('read')).toMatchObject({ error: { code: 'circuit_open' } });
  });
});
