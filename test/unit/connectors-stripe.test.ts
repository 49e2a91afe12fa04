import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { matcher } from '../../infra/local/systems/stripe/search.ts';
import { loadConnector, loadOperation } from '../../shared/connectors/registry.ts';
import { stripe, stripeOn } from '../../shared/connectors/stripe/calls.ts';
import { formPairs, recordOf } from '../../shared/connectors/stripe/client.ts';
import { manifest } from '../../shared/connectors/stripe/manifest.ts';
import { operationById, operations } from '../../shared/connectors/stripe/operations.ts';
import { searchQuery } from '../../shared/connectors/stripe/search-query.ts';
import { encodeBody } from '../../shared/http/digest.ts';
import { encodeQuery } from '../../shared/http/path.ts';
import type { Json } from '../../shared/model/json.ts';
import type { HttpAnswer, PlannedCall, RequestContext } from '../../shared/model/operation.ts';

const context: RequestContext = { apiVersion: '2026-10-28.endive', providerKey: 'act_k_1' };
const answer = (status: number, body: unknown): HttpAnswer => ({ status, headers: {}, bodyText: JSON.stringify(body) });
const request = (call: PlannedCall) => {
  const operation = operationById(call.operation);
  if (!operation) throw new Error(call.operation);
  return operation.request(context, call.input);
};
const written = (call: PlannedCall) => decodeURIComponent(encodeBody(request(call))?.bytes.toString() ?? '');
const writes = [...operations.values()].filter((operation) => operation.kind === 'write');

describe('every operation', () => {
  it('is found by its id and loaded on demand', async () => {
    expect(await loadOperation('stripe.refunds.create')).toBe(operationById('stripe.refunds.create'));
    expect((await loadConnector('stripe')).manifest).toBe(manifest);
    await expect(loadOperation('stripe.refunds.explode')).rejects.toMatchObject({ code: 'config_invalid' });
  });

  it.each(writes)('$id can be read back and has an undo that exists or a reason', ({ probe, scopes, undo, resend }) => {
    expect(probe).toBeDefined();
    expect(scopes.every((scope) => /^rak_[a-z_]+_write$/.test(scope))).toBe(true);
    expect(undo.kind === 'none' ? undo.why.length > 10 : operations.has(undo.operation)).toBe(true);
    expect(resend.kind === 'key' ? resend.windowMs : 0).toBeLessThan(24 * 3_600_000);
  });

  it.each(writes)('$id carries its key where Stripe takes one, and the version always', (operation) => {
    const input = { id: 'x_1', properties: {}, askedAtMs: 0 };
    const { method, headers } = operation.request(context, input as Json);
    expect(headers?.['stripe-version']).toBe('2026-10-28.endive');
    expect(headers?.['idempotency-key']).toBe(method === 'POST' ? 'act_k_1' : undefined);
  });

  it.each(writes)('$id calls an unreadable, failing or redirecting answer unknown', (operation) => {
    const input = { id: 'x_1', properties: {}, askedAtMs: 0 } as Json;
    for (const given of [
      answer(500, {}),
      answer(502, '<html>'),
      answer(302, ''),
      answer(200, '<html>'),
      answer(403, ''),
    ]) {
      expect(operation.judge(given, input)).toMatchObject({ kind: 'unknown', error: { class: 'unknown_outcome' } });
    }
  });

  it('says what a restricted key needs', () => {
    expect(manifest.scopes).toEqual(
      expect.arrayContaining(['rak_customer_write', 'rak_charge_write', 'rak_event_read']),
    );
  });

  it('that moves money or cannot be called back counts as sending', () => {
    const sends = writes.filter(({ effect }) => effect === 'send').map(({ id }) => id);
    expect(sends.sort()).toEqual([
      'stripe.payment_intents.capture',
      'stripe.payment_intents.confirm',
      'stripe.refunds.create',
    ]);
  });
});

describe('requests', () => {
  it('create as the vendor client does, with the key in the metadata whatever the input says', () => {
    const call = stripe.customers.create({ email: 'a@b.c', metadata: { k: 'v', plumbline_ref: 'forged' } }, 0);
    expect(request(call)).toMatchObject({ method: 'POST', path: '/v1/customers' });
    expect(written(call)).toBe('email=a@b.c&metadata[k]=v&metadata[plumbline_ref]=act_k_1');
  });

  it('nest with brackets, count lists, and empty with nothing', () => {
    expect(formPairs({ a: { b: [{ c: 1 }, true] }, d: null })).toEqual([
      ['a[b][0][c]', '1'],
      ['a[b][1]', 'true'],
      ['d', ''],
    ]);
  });

  it('never confirm a payment or advance an invoice on the way', () => {
    expect(written(stripe.paymentIntents.create({ amount: 1, currency: 'eur', confirm: true }, 0))).toContain(
      'confirm=false',
    );
    expect(written(stripe.invoices.create({ customer: 'cus_1', auto_advance: true }, 0))).toContain(
      'auto_advance=false',
    );
    expect(written(stripe.invoices.finalize('in_1', { auto_advance: true }))).toBe('auto_advance=false');
  });

  it('list and walk the events as the vendor client does', () => {
    const list = request(stripe.customers.list({ createdFromS: 1, after: 'cus_1', limit: 1 }));
    expect(decodeURIComponent(encodeQuery(list.query))).toBe('?created[gte]=1&limit=1&starting_after=cus_1');
    const feed = request(stripe.events.list({ filter: { types: ['customer.updated'] }, newerThan: 'evt_1' }));
    expect(decodeURIComponent(encodeQuery(feed.query))).toBe(
      '?types[0]=customer.updated&limit=100&ending_before=evt_1',
    );
  });

  it('read back a create by the list since it was asked for, narrowed, and never by search', () => {
    const call = stripe.invoiceItems.create({ customer: 'cus_1', amount: 1, currency: 'eur' }, 1_800_000_000_000);
    const operation = operationById(call.operation);
    const probe = operation?.kind === 'write' ? operation.probe?.request(context, call.input) : null;
    expect(probe?.path).toBe('/v1/invoiceitems');
    expect(decodeURIComponent(encodeQuery(probe?.query))).toBe('?customer=cus_1&created[gte]=1799999700&limit=100');
  });

  it('narrow a read-back by ids only, never by text that Stripe may keep otherwise', () => {
    const call = stripe.customers.create({ email: 'A@b.c' }, 1_800_000_000_000);
    const operation = operationById(call.operation);
    const probe = operation?.kind === 'write' ? operation.probe?.request(context, call.input) : null;
    expect(decodeURIComponent(encodeQuery(probe?.query))).toBe('?created[gte]=1799999700&limit=100');
  });

  it.each(['metadata.plumbline_ref', 'balance', 'metadata.a]b', 'address'])('refuse to update %s', (name) => {
    expect(() => request(stripe.customers.update('cus_1', { [name]: 'x' }))).toThrow(
      expect.objectContaining({ code: 'invalid_input' }),
    );
  });

  it('never leave the record they name', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (id) => {
        let path: string;
        try {
          ({ path } = request(stripe.invoices.finalize(id)));
        } catch (error) {
          expect((error as { code?: string }).code).toBe('invalid_input');
          return;
        }
        const parts = new URL(`https://host${path}`).pathname.split('/');
        expect([parts.slice(0, 3), parts.length, parts[4]]).toEqual([['', 'v1', 'invoices'], 5, 'finalize']);
      }),
      { numRuns: 200 },
    );
  });

  it('go to the system they were planned for', () => {
    expect([stripeOn('stripe-eu').invoices.get('in_1').system, stripe.invoices.get('in_1').system]).toEqual([
      'stripe-eu',
      'stripe',
    ]);
  });
});

describe('search', () => {
  it('is written as the vendor documents it', () => {
    expect(searchQuery([{ field: { metadata: 'ext' }, operator: ':', value: '1' }])).toBe("metadata['ext']:'1'");
    expect(
      searchQuery([
        { field: 'name', operator: '~', value: "O'Brien" },
        { field: 'created', operator: '>=', value: 5 },
      ]),
    ).toBe("name~'O\\'Brien' AND created>=5");
  });

  it.each(['a\\', "a\\' OR name:'b", '\\'])('does not rely on how Stripe reads a backslash: %j', (value) => {
    expect(() => searchQuery([{ field: 'name', operator: ':', value }])).toThrow(
      expect.objectContaining({ code: 'invalid_input' }),
    );
  });

  it('matches exactly the value it was given, whatever that is made of', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' }), (value, other) => {
        let query: string;
        try {
          query = searchQuery([{ field: 'name', operator: ':', value }]);
        } catch (error) {
          expect((error as { code?: string }).code).toBe('invalid_input');
          return;
        }
        const matches = matcher(query);
        const same = value.toLowerCase() === other.toLowerCase();
        const body = (name: string) => ({ id: '1', object: 'customer', name });
        expect([matches(body(value)), matches(body(other))]).toEqual([true, same]);
      }),
      { numRuns: 300 },
    );
  });

  it.each(['name OR email', 'a:b', '', 'Name', 'metadata[x]'])('refuses %j as a field', (field) => {
    expect(() => searchQuery([{ field, operator: ':', value: 'x' }])).toThrow(
      expect.objectContaining({ code: 'invalid_input' }),
    );
  });
});

describe('answers', () => {
  const row = {
    id: 'cus_1',
    object: 'customer',
    balance: 0,
    created: 5,
    description: null,
    email: 'a@b.c',
    metadata: { a: 'b' },
  };
  const read = (call: PlannedCall, body: unknown, status = 200) => {
    const operation = operationById(call.operation);
    return operation?.kind === 'read' ? operation.judge(answer(status, body), call.input) : null;
  };
  const page = (more: object) => ({ object: 'list', data: [row], has_more: false, url: '/v1/customers', ...more });

  it('become records with flat properties and no structure that is not read', () => {
    expect(recordOf('customer', { ...row, shipping: { name: 'x' }, livemode: false })).toMatchObject({
      id: 'cus_1',
      properties: { email: 'a@b.c', name: null, 'metadata.a': 'b' },
      livemode: false,
      createdAt: '1970-01-01T00:00:05.000Z',
    });
  });

  it('never carry the secret of a payment', () => {
    const record = recordOf('payment_intent', { id: 'pi_1', object: 'payment_intent', client_secret: 'pi_1_secret_x' });
    expect(JSON.stringify(record)).not.toContain('secret');
  });

  it('name the next page only where there is one', () => {
    expect(read(stripe.customers.list(), page({}))).toMatchObject({ data: { after: null } });
    expect(read(stripe.customers.list(), page({ has_more: true }))).toMatchObject({ data: { after: 'cus_1' } });
    const hit = page({ has_more: true, next_page: 'tok' });
    expect(read(stripe.customers.search([{ field: 'email', operator: ':', value: 'x' }]), hit)).toMatchObject({
      data: { after: 'tok' },
    });
  });

  it.each([
    ['a page without rows', { data: null }],
    ['a page that does not say whether it is the last', { has_more: undefined }],
    ['a page with a row of another kind', { data: [row, { ...row, object: 'invoice' }] }],
    ['an empty page with a next one', { data: [], has_more: true }],
  ])('refuse %s instead of leaving something out', (_name, more) => {
    expect(read(stripe.customers.list(), page(more))).toMatchObject({
      kind: 'error',
      error: { code: 'unreadable_answer' },
    });
  });

  it('without a field that is always there are a changed schema, not an empty field', () => {
    const { email: _email, ...renamed } = row;
    expect(read(stripe.customers.get('cus_1'), renamed)).toMatchObject({
      kind: 'error',
      error: { class: 'schema', target: 'email' },
    });
  });

  it('of a deleted record are not found', () => {
    expect(read(stripe.customers.get('cus_1'), { id: 'cus_1', object: 'customer', deleted: true })).toMatchObject({
      kind: 'error',
      error: { class: 'not_found' },
    });
  });

  it('of a crowded list prove no absence', () => {
    const call = stripe.customers.create({ email: 'a@b.c' }, 0);
    const operation = operationById(call.operation);
    const judge = (body: unknown) =>
      operation?.kind === 'write' ? operation.probe?.judge(answer(200, body), call.input, null, 'k')?.kind : null;
    expect([judge(page({})), judge(page({ has_more: true })), judge(page({ data: [null] }))]).toEqual([
      'absent',
      'inconclusive',
      'inconclusive',
    ]);
  });
});

describe('the account', () => {
  const account = answer(200, { id: 'acct_1', object: 'account' });
  const balance = (livemode: unknown) => answer(200, { object: 'balance', livemode });

  it('says who it is and, with the balance, whether it is live', () => {
    expect(manifest.account.judge(account, balance(false))).toEqual({
      identity: { accountId: 'acct_1' },
      is: 'sandbox',
    });
    expect(manifest.account.judge(account, balance(true))?.is).toBe('production');
  });

  it.each([
    ['without the balance', account, undefined],
    ['with an unreadable balance', account, balance('false')],
    ['with a refused question', answer(403, {}), balance(false)],
  ])('%s is nobody', (_name, first, second) => {
    expect(manifest.account.judge(first, second)).toBeNull();
  });
});
