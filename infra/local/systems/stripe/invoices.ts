import type { SimAnswer } from '../loopback-server.ts';
import { type Account, type Body, change, create, live, nowS, type Origin, remove, tell } from './account.ts';
import { type Call, logEffect, need } from './call.ts';
import { checkCurrency, shown } from './customers.ts';
import { invalid, json, refusedByState } from './errors.ts';
import { type Fields, readParams } from './params.ts';

const invoiceFields: Fields = {
  customer: { type: 'string', required: true },
  currency: { type: 'string' },
  auto_advance: { type: 'bool' },
  collection_method: { type: 'string', oneOf: ['charge_automatically', 'send_invoice'] },
  days_until_due: { type: 'int', min: 0, max: 1000 },
  due_date: { type: 'int' },
  description: { type: 'string', max: 1500 },
  footer: { type: 'string' },
  metadata: { type: 'metadata' },
  pending_invoice_items_behavior: { type: 'string', oneOf: ['include', 'exclude'] },
};

/** Every field of a draft without lines. */
export function emptyInvoice(account: Account, customer: Body, currency: string): Record<string, unknown> {
  const atS = nowS(account);
  const zero = { amount_due: 0, amount_overpaid: 0, amount_paid: 0, amount_remaining: 0, amount_shipping: 0 };
  const sums = { subtotal: 0, subtotal_excluding_tax: 0, total: 0, total_excluding_tax: 0 };
  return {
    ...zero,
    ...sums,
    account_country: 'NL',
    account_name: 'Simulated account',
    attempt_count: 0,
    attempted: false,
    auto_advance: false,
    automatically_finalizes_at: null,
    billing_reason: 'manual',
    collection_method: 'charge_automatically',
    currency,
    customer: customer.id,
    customer_email: customer.email ?? null,
    customer_name: customer.name ?? null,
    customer_phone: customer.phone ?? null,
    default_payment_method: null,
    description: null,
    discounts: [],
    due_date: null,
    ending_balance: null,
    footer: null,
    hosted_invoice_url: null,
    invoice_pdf: null,
    metadata: {},
    number: null,
    period_end: atS,
    period_start: atS,
    starting_balance: 0,
    status: 'draft',
    status_transitions: { finalized_at: null, marked_uncollectible_at: null, paid_at: null, voided_at: null },
  };
}

/** An invoice with its lines, as the API shows it. */
export function withLines(account: Account, invoice: Body): Body {
  const data = [...account.entries.invoiceitem.values()]
    .filter(({ body, deleted }) => !deleted && body.invoice === invoice.id)
    .map(({ body }) => ({
      id: body.id.replace(/^ii_/, 'il_'),
      object: 'line_item',
      amount: body.amount,
      currency: body.currency,
      description: body.description,
      invoice: invoice.id,
      livemode: account.livemode,
      metadata: body.metadata,
      quantity: body.quantity,
    }));
  const lines = {
    object: 'list',
    data,
    has_more: false,
    total_count: data.length,
    url: `/v1/invoices/${invoice.id}/lines`,
  };
  return { ...invoice, lines };
}

/** `POST /v1/invoices`: a draft. */
export function createInvoice(call: Call): SimAnswer {
  const given = readParams(call.params, invoiceFields);
  const customer = need(call, 'customer', given.customer, 'customer');
  const { days_until_due: days, pending_invoice_items_behavior: _pending, ...rest } = given;
  const sends = given.collection_method === 'send_invoice';
  if (!sends && (days !== undefined || given.due_date !== undefined)) {
    throw invalid(
      "You can only specify 'days_until_due' or 'due_date' if the invoice's collection method is 'send_invoice'.",
      'days_until_due',
    );
  }
  if (sends && typeof days !== 'number' && given.due_date === undefined) {
    throw invalid(
      "If invoice's collection method is 'send_invoice', you must specify 'days_until_due' or 'due_date'.",
      'days_until_due',
    );
  }
  const currency = checkCurrency(given.currency ?? customer.currency ?? 'eur');
  const due = typeof days === 'number' ? { due_date: nowS(call.account) + days * 86_400 } : {};
  const fields = { ...emptyInvoice(call.account, customer, currency), ...shown(rest), currency, ...due };
  const body = create(call.account, 'invoice', fields, call.origin);
  logEffect(call, 'create', body, given);
  return json(200, withLines(call.account, body));
}

/** `DELETE /v1/invoices/{id}`: drafts only. */
export function deleteInvoice(call: Call, id: string): SimAnswer {
  const held = need(call, 'invoice', id);
  if (held.status !== 'draft') throw refusedByState('You can only delete draft invoices.');
  logEffect(call, 'archive', held, {});
  return json(200, remove(call.account, 'invoice', id, call.origin));
}

/** `POST /v1/invoices/{id}/finalize`. */
export function finalizeInvoice(call: Call, id: string): SimAnswer {
  const held = need(call, 'invoice', id);
  const given = readParams(call.params, { auto_advance: { type: 'bool' } });
  if (held.status !== 'draft') {
    throw refusedByState(
      "This invoice is already finalized, you can't re-finalize a non-draft invoice.",
      'invoice_not_editable',
    );
  }
  const atS = nowS(call.account);
  const number = `SIM-${String(countFinal(call.account) + 1).padStart(4, '0')}`;
  const url = `https://invoice.stripe.com/i/${call.account.accountId}/${id}`;
  const free = held.amount_due === 0;
  const fields = {
    status: free ? 'paid' : 'open',
    number,
    auto_advance: given.auto_advance ?? held.auto_advance,
    effective_at: atS,
    hosted_invoice_url: url,
    invoice_pdf: `${url}/pdf`,
    status_transitions: {
      ...(held.status_transitions as object),
      finalized_at: atS,
      ...(free ? { paid_at: atS } : {}),
    },
  };
  const body = change(call.account, 'invoice', id, fields, { origin: call.origin, type: 'invoice.finalized' });
  if (free) paidEvents(call.account, body, call.origin);
  logEffect(call, 'update', body, given);
  return json(200, withLines(call.account, body));
}

function countFinal(account: Account): number {
  return [...account.entries.invoice.values()].filter(({ body }) => body.number !== null).length;
}

/** `POST /v1/invoices/{id}/void`. */
export function voidInvoice(call: Call, id: string): SimAnswer {
  const held = need(call, 'invoice', id);
  const given = readParams(call.params, {});
  if (held.status !== 'open' && held.status !== 'uncollectible') {
    throw refusedByState(
      `You can only pass in open or uncollectible invoices. This invoice isn't open or uncollectible (${String(held.status)}).`,
    );
  }
  const transitions = { ...(held.status_transitions as object), voided_at: nowS(call.account) };
  const fields = { status: 'void', amount_remaining: 0, status_transitions: transitions };
  const body = change(call.account, 'invoice', id, fields, { origin: call.origin, type: 'invoice.voided' });
  logEffect(call, 'update', body, given);
  return json(200, withLines(call.account, body));
}

/** A customer pays an open invoice. Stripe tells of it twice, under two names. */
export function payInvoice(account: Account, id: string, origin: Origin): Body | null {
  const held = live(account, 'invoice', id);
  if (held === null || held.status !== 'open') return null;
  const transitions = { ...(held.status_transitions as object), paid_at: nowS(account) };
  const paid = { status: 'paid', amount_paid: held.amount_due, amount_remaining: 0, attempted: true };
  const fields = { ...paid, attempt_count: 1, status_transitions: transitions };
  const body = change(account, 'invoice', id, fields, { origin, type: 'invoice.updated' });
  paidEvents(account, body, origin);
  return body;
}

function paidEvents(account: Account, body: Body, origin: Origin): void {
  tell(account, 'invoice.paid', body, origin);
  tell(account, 'invoice.payment_succeeded', body, origin);
}

const itemFields: Fields = {
  customer: { type: 'string', required: true },
  invoice: { type: 'string' },
  amount: { type: 'int' },
  currency: { type: 'string' },
  quantity: { type: 'int', min: 0 },
  unit_amount: { type: 'int' },
  price: { type: 'string' },
  description: { type: 'string', max: 500 },
  metadata: { type: 'metadata' },
};

/** `POST /v1/invoiceitems`: a line, on a draft or waiting for one. */
export function createInvoiceItem(call: Call): SimAnswer {
  const given = readParams(call.params, itemFields);
  need(call, 'customer', given.customer, 'customer');
  const invoice = given.invoice === undefined ? null : need(call, 'invoice', given.invoice, 'invoice');
  if (invoice && invoice.status !== 'draft') {
    throw refusedByState(
      'This invoice is no longer editable. You can only add lines to a draft invoice.',
      'invoice_not_editable',
    );
  }
  if (invoice && invoice.customer !== given.customer)
    throw invalid('The customer does not own this invoice.', 'invoice');
  const price = given.price === undefined ? null : need(call, 'price', given.price, 'price');
  const quantity = typeof given.quantity === 'number' ? given.quantity : 1;
  const unit = typeof given.unit_amount === 'number' ? given.unit_amount : price ? Number(price.unit_amount) : null;
  const amount = typeof given.amount === 'number' ? given.amount : unit === null ? null : unit * quantity;
  if (amount === null)
    throw invalid('You must pass either amount, unit_amount or price.', 'amount', 'parameter_missing');
  const currency = checkCurrency(given.currency ?? price?.currency ?? invoice?.currency ?? 'eur');
  if (invoice && invoice.currency !== currency)
    throw invalid('The currency must match that of the invoice.', 'currency');
  const { price: _price, unit_amount: _unit, ...rest } = given;
  const empty = { description: null, discountable: true, discounts: [], invoice: null, metadata: {}, parent: null };
  const more = { period: { start: nowS(call.account), end: nowS(call.account) }, pricing: null, proration: false };
  const fields = { ...empty, ...more, ...shown(rest), amount, currency, quantity, tax_rates: [], test_clock: null };
  const body = create(call.account, 'invoiceitem', fields, call.origin);
  if (invoice) addUp(call.account, invoice.id);
  logEffect(call, 'create', body, given);
  return json(200, body);
}

/** `DELETE /v1/invoiceitems/{id}`. */
export function deleteInvoiceItem(call: Call, id: string): SimAnswer {
  const held = need(call, 'invoiceitem', id);
  const invoice = live(call.account, 'invoice', held.invoice);
  if (invoice && invoice.status !== 'draft')
    throw refusedByState('This invoice is no longer editable.', 'invoice_not_editable');
  logEffect(call, 'archive', held, {});
  const answer = remove(call.account, 'invoiceitem', id, call.origin);
  if (invoice) addUp(call.account, invoice.id);
  return json(200, answer);
}

/** Sums of a draft after its lines changed. */
export function addUp(account: Account, id: string): void {
  const items = [...account.entries.invoiceitem.values()].filter(
    ({ body, deleted }) => !deleted && body.invoice === id,
  );
  const total = items.reduce((sum, { body }) => sum + Number(body.amount), 0);
  const sums = { subtotal: total, subtotal_excluding_tax: total, total, total_excluding_tax: total };
  const due = { amount_due: Math.max(0, total), amount_remaining: Math.max(0, total) };
  change(
    account,
    'invoice',
    id,
    { ...sums, ...due },
    { origin: { requestId: null, key: null }, type: 'invoice.updated' },
  );
}
