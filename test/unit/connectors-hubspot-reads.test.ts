import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { hubspot } from '../../shared/connectors/hubspot/calls.ts';
import { hubspotObjectNames } from '../../shared/connectors/hubspot/client.ts';
import { manifest } from '../../shared/connectors/hubspot/manifest.ts';
import {
  account,
  closeAccount,
  contact,
  exchange,
  key,
  next,
  openAccount,
  read,
  write,
} from '../kit/hubspot-account.ts';

beforeAll(openAccount);
afterAll(closeAccount);
beforeEach(() => account.clearFaults());

describe('reads', () => {
  it('get a record with the ids of its associated records in one request', async () => {
    const [one, two] = [await contact(), await contact()];
    await write(
      hubspot.deals.create({ dealname: 'D', dealstage: 'appointmentscheduled' }, [
        { object: 'contact', id: one.id },
        { object: 'contact', id: two.id },
      ]),
      key(next()),
    );
    const deals = await read(hubspot.contacts.get(one.id, { associations: ['deal'] }));
    const dealId =
      deals.kind === 'ok' ? (deals.data as { associations: { deal: { ids: string[] } } }).associations.deal.ids[0] : '';
    const deal = await read(hubspot.deals.get(dealId ?? '', { associations: ['contact'] }));
    expect(deal).toMatchObject({
      kind: 'ok',
      data: { associations: { contact: { ids: [one.id, two.id], more: false } } },
    });
  });

  it('find nobody, one and several in the same shape', async () => {
    const { email, id } = await contact();
    await contact();
    expect(await read(hubspot.contacts.find({ email: 'nobody@example.test' }))).toEqual({
      kind: 'ok',
      data: { results: [], total: 0, after: null },
    });
    expect(await read(hubspot.contacts.find({ email }))).toMatchObject({
      kind: 'ok',
      data: { total: 1, results: [{ id }] },
    });
    const several = await read(hubspot.contacts.find({ phone: '1' }));
    expect(several.kind === 'ok' && (several.data as { results: unknown[] }).results.length).toBeGreaterThan(1);
  });

  it('page through a list to its end', async () => {
    for (let i = 0; i < 3; i += 1) await contact();
    const ids: string[] = [];
    let after: string | null = null;
    do {
      const page = await read(hubspot.contacts.list({ limit: 2, ...(after ? { after } : {}) }));
      if (page.kind !== 'ok') throw new Error(page.error.code);
      const data = page.data as { results: { id: string }[]; after: string | null };
      ids.push(...data.results.map(({ id }) => id));
      after = data.after;
    } while (after);
    expect(new Set(ids).size).toBe(account.portal.objects.contacts.size);
  });

  it('say not found for an id that is none of theirs', async () => {
    expect(await read(hubspot.deals.get('999999'))).toMatchObject({ kind: 'error', error: { class: 'not_found' } });
  });

  it('report a property that does not exist instead of reading it as empty', async () => {
    const { id } = await contact();
    const call = hubspot.contacts.get(id, { properties: ['email', 'was_renamed'] });
    expect(await read(call)).toMatchObject({ kind: 'error', error: { class: 'schema', target: 'was_renamed' } });
  });

  it('read the schema with a fingerprint', async () => {
    const schema = await read(hubspot.contacts.properties());
    expect(schema).toMatchObject({ kind: 'ok', data: { fingerprint: expect.stringMatching(/^[0-9a-f]{64}$/) } });
  });

  it('work on the numbered API version too', async () => {
    const { id } = await contact();
    expect(await read(hubspot.contacts.get(id), 'v3')).toMatchObject({ kind: 'ok' });
    expect(await read(hubspot.contacts.properties(), 'v3')).toMatchObject({ kind: 'ok' });
  });

  it.each(hubspotObjectNames)('read every default property of a %s', async (object) => {
    const plural = {
      contact: 'contacts',
      company: 'companies',
      deal: 'deals',
      ticket: 'tickets',
      note: 'notes',
    } as const;
    const made = {
      contact: { email: `d${next()}@example.test` },
      company: { name: 'A' },
      deal: { dealname: 'A', dealstage: 'appointmentscheduled' },
      ticket: { subject: 'A', hs_pipeline_stage: '1' },
      note: { hs_note_body: 'A', hs_timestamp: '2026-11-02T00:00:00Z' },
    }[object];
    const calls = hubspot[plural[object]];
    const created = await write(calls.create(made as Record<string, string>), key(next()));
    const id = created.kind === 'applied' ? (created.records[0]?.[2] ?? '') : JSON.stringify(created);
    expect(await read(calls.get(id))).toMatchObject({ kind: 'ok', data: { id } });
  });

  it('call a failing system transient, in JSON and in HTML', async () => {
    account.addFault({ kind: 'server_error' });
    expect(await read(hubspot.contacts.list())).toMatchObject({ kind: 'error', error: { class: 'transient' } });
    account.addFault({ kind: 'html_error' });
    expect(await read(hubspot.contacts.list())).toMatchObject({
      kind: 'error',
      error: { class: 'transient', code: 'http_502' },
    });
  });

  it.each([
    ['DAILY', 3_600_000],
    ['TEN_SECONDLY_ROLLING', 10_000],
    ['SECONDLY', 1000],
  ] as const)('wait as the policy %s asks', async (policyName, retryAfterMs) => {
    account.addFault({ kind: 'rate_limited', policyName });
    expect(await read(hubspot.contacts.list())).toMatchObject({
      error: { class: 'rate', code: policyName, retryAfterMs },
    });
  });
});

describe('the account', () => {
  it('says which portal it is and that it is a sandbox', async () => {
    const answer = await exchange(manifest.account.request('2026-09'));
    expect(manifest.account.judge(answer)).toEqual({ identity: { portalId: 4711 }, is: 'sandbox' });
  });
});
