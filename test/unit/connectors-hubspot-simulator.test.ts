import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type HubSpotSimulator, startHubSpot } from '../../infra/local/systems/hubspot/start.ts';
import { hubspotObjectNames } from '../../shared/connectors/hubspot/client.ts';
import { manifest } from '../../shared/connectors/hubspot/manifest.ts';
import { hubspot, operationById } from '../../shared/connectors/hubspot/operations.ts';
import { httpClient } from '../../shared/http/client.ts';
import { encodeBody } from '../../shared/http/digest.ts';
import { encodeQuery } from '../../shared/http/path.ts';
import { systemClock } from '../../shared/model/clock.ts';
import type { Json } from '../../shared/model/json.ts';
import type {
  HttpAnswer,
  PlannedCall,
  ReadVerdict,
  RequestSpec,
  WriteOperation,
} from '../../shared/model/operation.ts';

const key = (n: number) => `act_${'0'.repeat(38)}${String(n).padStart(2, '0')}_1`;
let serial = 10;

let simulator: HubSpotSimulator;
const http = httpClient({ clock: systemClock, local: true });

beforeAll(async () => {
  simulator = await startHubSpot({
    port: 0,
    seed: 1,
    clock: systemClock,
    seeded: false,
    limits: { tenSecondly: 10_000, searchPerSecond: 1000 },
    searchLagMs: 0,
  });
});
afterAll(async () => {
  http.close();
  await simulator.close();
});
beforeEach(() => simulator.clearFaults());

async function exchange(spec: RequestSpec): Promise<HttpAnswer> {
  const body = encodeBody(spec);
  const result = await http.send({
    origin: simulator.url,
    method: spec.method,
    path: spec.path + encodeQuery(spec.query),
    headers: { authorization: 'Bearer local-static-token', ...(body ? { 'content-type': body.contentType } : {}) },
    body: body?.bytes ?? null,
    deadlineMs: Date.now() + 5000,
  });
  if (result.kind !== 'answer') throw new Error(`${result.kind} ${result.fault.code}`);
  return result.answer;
}

function writeOf(call: PlannedCall): WriteOperation {
  const operation = operationById(call.operation);
  if (operation?.kind !== 'write') throw new Error(`${call.operation} is no write`);
  return operation;
}

async function read(call: PlannedCall, apiVersion = '2026-09'): Promise<ReadVerdict> {
  const operation = operationById(call.operation);
  if (operation?.kind !== 'read') throw new Error(`${call.operation} is no read`);
  return operation.judge(await exchange(operation.request({ apiVersion, providerKey: '' }, call.input)), call.input);
}

async function write(call: PlannedCall, providerKey = key(0), apiVersion = '2026-09') {
  const operation = writeOf(call);
  return operation.judge(await exchange(operation.request({ apiVersion, providerKey }, call.input)), call.input);
}

async function imageOf(call: PlannedCall): Promise<Json> {
  const operation = writeOf(call);
  const spec = operation.before?.request({ apiVersion: '2026-09', providerKey: '' }, call.input);
  if (!spec || !operation.before) throw new Error('no before');
  const verdict = operation.before.judge(await exchange(spec), call.input);
  if (verdict.kind === 'error') throw new Error(verdict.error.code);
  return verdict.data;
}

async function probe(call: PlannedCall, image: Json | null = null, providerKey = key(0)) {
  const operation = writeOf(call);
  const spec = operation.probe?.request({ apiVersion: '2026-09', providerKey }, call.input);
  if (!spec || !operation.probe) throw new Error('no probe');
  return operation.probe.judge(await exchange(spec), call.input, image, providerKey);
}

async function contact(email = `c${++serial}@example.test`): Promise<{ id: string; email: string }> {
  const made = await write(hubspot.contacts.create({ email, firstname: 'Ada', phone: '1' }), key(++serial));
  if (made.kind !== 'applied') throw new Error(JSON.stringify(made));
  return { id: made.records[0]?.[2] ?? '', email };
}

describe('reads', () => {
  it('get a record with the ids of its associated records in one request', async () => {
    const [one, two] = [await contact(), await contact()];
    await write(
      hubspot.deals.create({ dealname: 'D', dealstage: 'appointmentscheduled' }, [
        { object: 'contact', id: one.id },
        { object: 'contact', id: two.id },
      ]),
      key(++serial),
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
    expect(new Set(ids).size).toBe(simulator.portal.objects.contacts.size);
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
      contact: { email: `d${++serial}@example.test` },
      company: { name: 'A' },
      deal: { dealname: 'A', dealstage: 'appointmentscheduled' },
      ticket: { subject: 'A', hs_pipeline_stage: '1' },
      note: { hs_note_body: 'A', hs_timestamp: '2026-11-02T00:00:00Z' },
    }[object];
    const calls = hubspot[plural[object]];
    const created = await write(calls.create(made as Record<string, string>), key(++serial));
    const id = created.kind === 'applied' ? (created.records[0]?.[2] ?? '') : JSON.stringify(created);
    expect(await read(calls.get(id))).toMatchObject({ kind: 'ok', data: { id } });
  });

  it('call a failing system transient, in JSON and in HTML', async () => {
    simulator.addFault({ kind: 'server_error' });
    expect(await read(hubspot.contacts.list())).toMatchObject({ kind: 'error', error: { class: 'transient' } });
    simulator.addFault({ kind: 'html_error' });
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
    simulator.addFault({ kind: 'rate_limited', policyName });
    expect(await read(hubspot.contacts.list())).toMatchObject({
      error: { class: 'rate', code: policyName, retryAfterMs },
    });
  });
});

describe('a create', () => {
  it('is found again by the key it wrote, and only by that', async () => {
    const providerKey = key(++serial);
    const call = hubspot.contacts.create({ email: `p${serial}@example.test` });
    expect(await probe(call, null, providerKey)).toEqual({ kind: 'absent' });
    expect(await write(call, providerKey)).toMatchObject({ kind: 'applied', created: true });
    expect(await probe(call, null, providerKey)).toMatchObject({
      kind: 'equal',
      records: [['hubspot', 'contact', expect.any(String)]],
    });
    expect(await probe(call, null, `${providerKey}:r1`)).toEqual({ kind: 'absent' });
  });

  it('names the record that exists where HubSpot calls it a duplicate', async () => {
    const { id, email } = await contact();
    expect(await write(hubspot.contacts.create({ email }), key(++serial))).toMatchObject({
      kind: 'not_applied',
      error: { class: 'duplicate', target: id },
    });
  });

  it('is unknown after a 5xx, whether or not it was carried out', async () => {
    const call = hubspot.tickets.create({ subject: 'x', hs_pipeline_stage: '1' });
    const providerKey = key(++serial);
    simulator.addFault({ kind: 'server_error', afterCommit: true });
    expect(await write(call, providerKey)).toMatchObject({ kind: 'unknown', error: { class: 'unknown_outcome' } });
    expect(await probe(call, null, providerKey)).toMatchObject({ kind: 'equal' });
  });

  it.each(['server_error', 'html_error'] as const)('is not settled by a read-back that meets a %s', async (kind) => {
    simulator.addFault({ kind });
    expect(await probe(hubspot.contacts.create({ email: 'x@example.test' }))).toMatchObject({ kind: 'inconclusive' });
  });

  it('is proven not applied where HubSpot refuses the values, or does not know a field', async () => {
    expect(await write(hubspot.deals.create({ dealname: 'x', dealstage: 'nope' }))).toMatchObject({
      kind: 'not_applied',
      error: { class: 'business', code: 'INVALID_OPTION' },
    });
    expect(await write(hubspot.contacts.create({ email: 'n@example.test', nope: '1' }))).toMatchObject({
      kind: 'not_applied',
      error: { class: 'schema', target: 'nope' },
    });
  });
});

describe('a note', () => {
  it.each(['contact', 'company', 'deal', 'ticket'] as const)(
    'hangs on a %s, shows the text as it was said, and is found again',
    async (object) => {
      const providerKey = key(++serial);
      const made = {
        contact: () => hubspot.contacts.create({ email: `n${serial}@example.test` }),
        company: () => hubspot.companies.create({ name: 'A' }),
        deal: () => hubspot.deals.create({ dealname: 'A', dealstage: 'appointmentscheduled' }),
        ticket: () => hubspot.tickets.create({ subject: 'A', hs_pipeline_stage: '1' }),
      }[object]();
      const owner = await write(made, key(++serial));
      const id = owner.kind === 'applied' ? (owner.records[0]?.[2] ?? '') : JSON.stringify(owner);
      const call = hubspot.notes.append({ text: 'a <b>\nc & d', on: { object, id }, atMs: 1_761_000_000_000 });
      expect(await write(call, providerKey)).toMatchObject({ kind: 'applied' });
      const found = await probe(call, null, providerKey);
      expect(found).toMatchObject({
        kind: 'equal',
        data: { properties: { hs_note_body: 'a &lt;b&gt;<br>c &amp; d' } },
      });
      const noteId = found.kind === 'equal' ? (found.records[0]?.[2] ?? '') : '';
      expect(await read(hubspot.notes.get(noteId, { associations: [object] }))).toMatchObject({
        data: { associations: { [object]: { ids: [id] } } },
      });
    },
  );
});

describe('an update', () => {
  it('is told apart by read-back: not yet, done, and overwritten by somebody else', async () => {
    const { id } = await contact();
    const call = hubspot.contacts.update(id, { firstname: 'Grace' });
    const image = await imageOf(call);
    expect(image).toMatchObject({ id, written: { firstname: 'Ada' }, live: { phone: '1' } });
    expect(await probe(call, image)).toEqual({ kind: 'before' });
    expect(await write(call)).toMatchObject({ kind: 'applied', records: [['hubspot', 'contact', id]] });
    expect(await probe(call, image)).toMatchObject({ kind: 'equal' });
    await write(hubspot.contacts.update(id, { firstname: 'Someone' }));
    expect(await probe(call, image)).toMatchObject({ kind: 'different' });
  });

  it('reads as done although HubSpot keeps values in its own form', async () => {
    const made = await write(hubspot.deals.create({ dealname: 'A', dealstage: 'appointmentscheduled' }), key(++serial));
    const id = made.kind === 'applied' ? (made.records[0]?.[2] ?? '') : '';
    const call = hubspot.deals.update(id, { amount: '10.50', closedate: '1761000000000', dealname: ' A ' });
    await write(call);
    expect(await probe(call)).toMatchObject({ kind: 'equal' });
  });

  it('empties a property that is set to null', async () => {
    const { id } = await contact();
    const call = hubspot.contacts.update(id, { phone: null });
    await write(call);
    expect(await probe(call)).toMatchObject({ kind: 'equal', data: { properties: { phone: null } } });
  });

  it('of an archived record is not found, and reads back as something else', async () => {
    const { id } = await contact();
    await write(hubspot.contacts.archive(id));
    const call = hubspot.contacts.update(id, { firstname: 'x' });
    expect(await write(call)).toMatchObject({ kind: 'not_applied', error: { class: 'not_found' } });
    expect(await probe(call)).toEqual({ kind: 'different', data: null });
  });
});

describe('an upsert', () => {
  it('creates, then updates, and says which', async () => {
    const email = `u${++serial}@example.test`;
    const call = hubspot.contacts.upsert({ email }, { firstname: 'A' });
    const image = await imageOf(call);
    expect(image).toEqual({ id: null, written: null, live: {} });
    expect(await probe(call, image)).toEqual({ kind: 'before' });
    expect(await write(call)).toMatchObject({ kind: 'applied', created: true, data: { created: true } });
    expect(await probe(call, image)).toMatchObject({ kind: 'equal', data: { created: true } });
    expect(await write(hubspot.contacts.upsert({ email }, { firstname: 'B' }))).toMatchObject({
      kind: 'applied',
      created: false,
    });
    expect(await probe(call, image)).toMatchObject({ kind: 'different' });
  });

  it('works on the numbered API version, where a missing record is a 207', async () => {
    const call = hubspot.contacts.upsert({ email: `u${++serial}@example.test` }, { firstname: 'A' });
    expect(await write(call, key(0), 'v3')).toMatchObject({ kind: 'applied', created: true });
  });

  it('of several is applied only as a whole', async () => {
    const items = ['a', 'b'].map((name) => ({
      id: `${name}${++serial}@example.test`,
      properties: { firstname: name },
    }));
    const call = hubspot.contacts.upsertMany('email', items);
    const image = await imageOf(call);
    expect(await write(call)).toMatchObject({ kind: 'applied', created: true, data: { results: [{}, {}] } });
    expect(await probe(call, image)).toMatchObject({ kind: 'equal' });
  });

  it('carried out in part is unknown, and its read-back goes to a person', async () => {
    const good = { id: `g${++serial}@example.test`, properties: { firstname: 'a' } };
    const bad = { id: `h${serial}@example.test`, properties: { lifecyclestage: 'nope' } };
    const call = hubspot.contacts.upsertMany('email', [good, bad]);
    const image = await imageOf(call);
    expect(await write(call)).toMatchObject({ kind: 'unknown' });
    expect(await probe(call, image)).toMatchObject({ kind: 'different' });
  });

  it('refused as a whole inside a 200 is proven not applied', async () => {
    const call = hubspot.contacts.upsert({ email: `u${++serial}@example.test` }, { lifecyclestage: 'nope' });
    expect(await write(call)).toMatchObject({ kind: 'not_applied', error: { class: 'business' } });
  });
});

describe('associations and archiving', () => {
  it('link and unlink two records, and read back which', async () => {
    const one = await contact();
    const made = await write(hubspot.companies.create({ name: 'A' }), key(++serial));
    const to = { object: 'company' as const, id: made.kind === 'applied' ? (made.records[0]?.[2] ?? '') : '' };
    const link = hubspot.contacts.associate(one.id, to);
    expect(await probe(link)).toEqual({ kind: 'before' });
    expect(await write(link)).toMatchObject({ kind: 'applied' });
    expect(await write(link)).toMatchObject({ kind: 'applied' });
    expect(await probe(link)).toMatchObject({ kind: 'equal' });
    const unlink = hubspot.contacts.dissociate(one.id, to);
    expect(await probe(unlink)).toEqual({ kind: 'before' });
    expect(await write(unlink)).toMatchObject({ kind: 'applied' });
    expect(await probe(unlink)).toMatchObject({ kind: 'equal' });
  });

  it('archive a record once, and read back that it is gone', async () => {
    const { id } = await contact();
    const call = hubspot.contacts.archive(id);
    expect(await imageOf(call)).toMatchObject({ id, live: { firstname: 'Ada' } });
    expect(await probe(call)).toEqual({ kind: 'before' });
    expect(await write(call)).toMatchObject({ kind: 'applied' });
    expect(await probe(call)).toMatchObject({ kind: 'equal' });
  });
});

describe('the account', () => {
  it('says which portal it is and that it is a sandbox', async () => {
    const answer = await exchange(manifest.account.request('2026-09'));
    expect(manifest.account.judge(answer)).toEqual({ identity: { portalId: 4711 }, is: 'sandbox' });
  });
});
