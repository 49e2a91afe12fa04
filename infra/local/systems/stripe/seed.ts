import type { Values } from '../hubspot/portal.ts';
import { createDice, type Dice } from '../hubspot/seed.ts';
import { simulatedPeople } from '../people.ts';
import { type Account, type Body, create, silent } from './account.ts';
import { emptyCustomer, emptyPrice, emptyProduct } from './customers.ts';
import { emptyInvoice } from './invoices.ts';

const dayS = 86_400;

/**
 * Fills an empty account: about 260 customers, most of them people and companies of the simulated HubSpot portal of the same
 * seed under other spellings, some of them twice; 8 products, 400 invoices, 200 payments, 20 refunds.
 */
export function seedAccount(account: Account, seed: number): void {
  const dice = createDice(seed + 7);
  const { contacts, companies } = simulatedPeople({ clock: account.clock, seed });
  const nowS = Math.floor(account.clock.now() / 1000);
  const fromS = nowS - 380 * dayS;
  const at = () => fromS + dice.below(375 * dayS);
  const customers: Body[] = [];
  const add = (fields: Record<string, unknown>) =>
    customers.push(create(account, 'customer', { ...emptyCustomer, ...fields }, silent, at()));
  for (const [id, values] of contacts) {
    if (!dice.oneIn(5)) continue;
    add(person(dice, id, values));
    if (dice.oneIn(10)) add(person(dice, id, values));
  }
  for (const [, values] of companies) if (dice.oneIn(4)) add(company(dice, values));
  const prices = catalogue(account, fromS);
  for (let n = 0; n < 400; n += 1)
    invoice(account, dice, { customer: dice.pick(atLeastOne(customers)), prices, createdS: at(), n });
  for (let n = 0; n < 200; n += 1) payment(account, dice, dice.pick(atLeastOne(customers)), at(), n < 20);
}

function atLeastOne(list: readonly Body[]): readonly [Body, ...Body[]] {
  const [first, ...rest] = list;
  if (!first) throw new Error('no customers were seeded');
  return [first, ...rest];
}

const bare = (text: string) => text.normalize('NFD').replaceAll(/\p{Mn}/gu, '');

/** One person as billing knows them: the name turned round, without accents or in capitals, the address typed again. */
function person(dice: Dice, id: string, values: Values): Record<string, unknown> {
  const [first, last] = [(values.firstname ?? '').trim(), values.lastname ?? ''];
  const plain = `${first} ${last}`.trim();
  const name = dice.pick([plain, `${last}, ${first}`, plain.toUpperCase(), bare(plain), values.company ?? plain]);
  const email = values.email ?? null;
  const written =
    email === null
      ? null
      : dice.pick([email, email, email.toUpperCase(), email.replace(/\+[0-9]+@/, '@'), `billing.${email}`]);
  const digits = (values.phone ?? '').replaceAll(/[^0-9]/g, '');
  const known = dice.oneIn(5);
  return {
    name: name === '' ? null : name,
    email: written,
    phone: digits.length > 6 && !dice.oneIn(3) ? dice.pick([`+${digits}`, digits]) : null,
    description: dice.oneIn(6) ? dice.pick([`HubSpot contact ${id}`, 'imported', 'DO NOT USE', '']) : null,
    balance: dice.oneIn(12) ? -100 * dice.below(50) : 0,
    currency: dice.pick(['eur', 'eur', 'eur', 'usd', 'gbp']),
    delinquent: dice.oneIn(15),
    // Some carry the id of the other system, some of them with what a spreadsheet made of it.
    metadata: known ? { hubspot_id: dice.pick([id, id, `${id} `, `${id}.0`]) } : {},
  };
}

function company(dice: Dice, values: Values): Record<string, unknown> {
  const name = values.name ?? 'Unnamed';
  return {
    name: dice.pick([name, name.toUpperCase(), name.replace(/ (GmbH|B\.V\.|Ltd|Inc\.|AB)$/, ''), `${name} `]),
    email: `${dice.pick(['accounts', 'invoices', 'ap'])}@${values.domain ?? 'unknown.example'}`,
    currency: dice.pick(['eur', 'usd']),
    metadata: dice.oneIn(3) && values.tax_number ? { vat: values.tax_number.replaceAll(' ', '') } : {},
  };
}

function catalogue(account: Account, createdS: number): readonly Body[] {
  const names = [
    'Licence',
    'Support',
    'Onboarding',
    'Training day',
    'Réseau add-on',
    'Storage 100 GB',
    'API calls',
    'Old licence',
  ];
  return names.map((name, n) => {
    const active = n !== names.length - 1;
    const made = { ...emptyProduct, name, active, updated: createdS };
    const product = create(account, 'product', made, silent, createdS);
    const unit = 900 + n * 1350;
    const price = {
      product: product.id,
      currency: 'eur',
      unit_amount: unit,
      unit_amount_decimal: String(unit),
      active,
    };
    return create(account, 'price', { ...emptyPrice, ...price, nickname: n % 3 === 0 ? name : null }, silent, createdS);
  });
}

type Seeded = {
  readonly customer: Body;
  readonly prices: readonly Body[];
  readonly createdS: number;
  readonly n: number;
};

function invoice(account: Account, dice: Dice, { customer, prices, createdS, n }: Seeded): void {
  const status = dice.pick(['paid', 'paid', 'paid', 'open', 'open', 'draft', 'void', 'uncollectible']);
  const price = prices[dice.below(prices.length)];
  const quantity = 1 + dice.below(4);
  const amount = Number(price?.unit_amount ?? 0) * quantity;
  const final = status === 'draft' ? {} : { number: `SIM-${String(n + 1).padStart(4, '0')}` };
  const paid = status === 'paid' ? amount : 0;
  const fields = {
    ...emptyInvoice(account, customer, 'eur'),
    ...final,
    status,
    subtotal: amount,
    total: amount,
    amount_due: amount,
    amount_paid: paid,
    amount_remaining: status === 'void' ? 0 : amount - paid,
    period_start: createdS,
    period_end: createdS,
    ...(dice.oneIn(3) ? { collection_method: 'send_invoice', due_date: createdS + 14 * dayS } : {}),
  };
  const made = create(account, 'invoice', fields, silent, createdS);
  const line = {
    amount,
    currency: 'eur',
    customer: customer.id,
    description: price?.nickname ?? null,
    invoice: made.id,
    quantity,
  };
  create(
    account,
    'invoiceitem',
    { ...line, discountable: true, discounts: [], metadata: {}, proration: false },
    silent,
    createdS,
  );
}

function payment(account: Account, dice: Dice, customer: Body, createdS: number, refunded: boolean): void {
  const amount = 500 + dice.below(90_000);
  const common = { amount, currency: 'eur', customer: customer.id, description: null, metadata: {} };
  const intent = {
    capture_method: 'automatic_async',
    cancellation_reason: null,
    canceled_at: null,
    payment_method: 'pm_card_visa',
  };
  const sums = { amount_capturable: 0, amount_received: amount };
  const made = create(
    account,
    'payment_intent',
    { ...common, ...intent, ...sums, status: 'succeeded', latest_charge: null },
    silent,
    createdS,
  );
  const paid = {
    amount_captured: amount,
    amount_refunded: refunded ? amount : 0,
    captured: true,
    paid: true,
    refunded,
  };
  const more = { disputed: false, payment_intent: made.id, payment_method: 'pm_card_visa', status: 'succeeded' };
  const charge = create(account, 'charge', { ...common, ...paid, ...more }, silent, createdS);
  made.latest_charge = charge.id;
  account.file.save('record:payment_intent', made.id, account.entries.payment_intent.get(made.id));
  if (!refunded) return;
  const back = {
    amount,
    charge: charge.id,
    currency: 'eur',
    metadata: {},
    payment_intent: made.id,
    reason: null,
    status: 'succeeded',
  };
  create(account, 'refund', back, silent, createdS + 3600);
}
