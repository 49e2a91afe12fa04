import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { hubspot } from '../../shared/connectors/hubspot/calls.ts';
import {
  account,
  closeAccount,
  contact,
  imageOf,
  key,
  next,
  openAccount,
  probe,
  read,
  write,
} from '../kit/hubspot-account.ts';

beforeAll(openAccount);
afterAll(closeAccount);
beforeEach(() => account.clearFaults());

describe('a create', () => {
  it('is found again by the key it wrote, and only by that', async () => {
    const providerKey = key(next());
    const call = hubspot.contacts.create({ email: `p${next()}@example.test` });
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
    expect(await write(hubspot.contacts.create({ email }), key(next()))).toMatchObject({
      kind: 'not_applied',
      error: { class: 'duplicate', target: id },
    });
  });

  it('is unknown after a 5xx, whether or not it was carried out', async () => {
    const call = hubspot.tickets.create({ subject: 'x', hs_pipeline_stage: '1' });
    const providerKey = key(next());
    account.addFault({ kind: 'server_error', afterCommit: true });
    expect(await write(call, providerKey)).toMatchObject({ kind: 'unknown', error: { class: 'unknown_outcome' } });
    expect(await probe(call, null, providerKey)).toMatchObject({ kind: 'equal' });
  });

  it.each(['server_error', 'html_error'] as const)('is not settled by a read-back that meets a %s', async (kind) => {
    account.addFault({ kind });
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
      const providerKey = key(next());
      const made = {
        contact: () => hubspot.contacts.create({ email: `n${next()}@example.test` }),
        company: () => hubspot.companies.create({ name: 'A' }),
        deal: () => hubspot.deals.create({ dealname: 'A', dealstage: 'appointmentscheduled' }),
        ticket: () => hubspot.tickets.create({ subject: 'A', hs_pipeline_stage: '1' }),
      }[object]();
      const owner = await write(made, key(next()));
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
    const made = await write(hubspot.deals.create({ dealname: 'A', dealstage: 'appointmentscheduled' }), key(next()));
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
    const email = `u${next()}@example.test`;
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
    const call = hubspot.contacts.upsert({ email: `u${next()}@example.test` }, { firstname: 'A' });
    expect(await write(call, key(0), 'v3')).toMatchObject({ kind: 'applied', created: true });
  });

  it('of several is applied only as a whole', async () => {
    const items = ['a', 'b'].map((name) => ({
      id: `${name}${next()}@example.test`,
      properties: { firstname: name },
    }));
    const call = hubspot.contacts.upsertMany('email', items);
    const image = await imageOf(call);
    expect(await write(call)).toMatchObject({ kind: 'applied', created: true, data: { results: [{}, {}] } });
    expect(await probe(call, image)).toMatchObject({ kind: 'equal' });
  });

  it('carried out in part is unknown, and its read-back goes to a person', async () => {
    const good = { id: `g${next()}@example.test`, properties: { firstname: 'a' } };
    const bad = { id: `h${next()}@example.test`, properties: { lifecyclestage: 'nope' } };
    const call = hubspot.contacts.upsertMany('email', [good, bad]);
    const image = await imageOf(call);
    expect(await write(call)).toMatchObject({ kind: 'unknown' });
    expect(await probe(call, image)).toMatchObject({ kind: 'different' });
  });

  it('refused as a whole inside a 200 is proven not applied', async () => {
    const call = hubspot.contacts.upsert({ email: `u${next()}@example.test` }, { lifecyclestage: 'nope' });
    expect(await write(call)).toMatchObject({ kind: 'not_applied', error: { class: 'business' } });
  });
});

describe('associations and archiving', () => {
  it('link and unlink two records, and read back which', async () => {
    const one = await contact();
    const made = await write(hubspot.companies.create({ name: 'A' }), key(next()));
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
