import { createDice, type Dice } from '../hubspot/seed.ts';
import { type SimulatedRecord, simulatedPeople } from '../people.ts';
import type { DocType } from './schema.ts';
import { type Doc, docOf, nextSerial, place, type Row, type Site, stamp, type Values } from './site.ts';

const dayMs = 86_400_000;

/** The company of the simulated site, and what it says the site is for. */
export const companyName = 'Plumbline Trading B.V.';

/** Makes the company, without which a site has no documents. @param environment null: it says nothing of itself */
export function seedCompany(site: Site, environment: string | null): void {
  const values = { company_name: companyName, default_currency: 'EUR', custom_plumbline_environment: environment };
  put(site, { docType: 'Company', name: companyName, values, atMs: site.clock.now() - 1000 * dayMs });
}

/**
 * Fills a site with some 170 customers (most of them companies of the simulated portal of the same seed under other spellings,
 * some of them twice), 40 suppliers, 60 items with stock, 220 sales orders, 60 purchase orders and 150 invoices.
 */
export function seedSite(site: Site, seed: number): void {
  const dice = createDice(seed + 29);
  const { companies } = simulatedPeople({ clock: site.clock, seed });
  const fromMs = site.clock.now() - 700 * dayMs;
  const anyTime = () => fromMs + dice.below(690) * dayMs + dice.below(86_400_000);
  // Imports wrote many documents in the same microsecond.
  const importedMs = anyTime();
  const at = () => (dice.oneIn(6) ? importedMs : anyTime());
  const items = seedItems(site, dice, at);
  const customers: string[] = [];
  const suppliers: string[] = [];
  for (const company of companies) {
    if (dice.oneIn(6)) continue;
    customers.push(seedCustomer(site, dice, company, at()));
    if (dice.oneIn(11)) customers.push(seedCustomer(site, dice, company, at()));
    if (dice.oneIn(4)) suppliers.push(...seedSupplier(site, dice, company, at()));
  }
  const live = customers.filter((name) => docOf(site, 'Customer', name)?.values.disabled === 0);
  for (let n = 0; n < 220; n += 1)
    seedOrder(site, dice, { docType: 'Sales Order', party: one(dice, live), items, atMs: at() });
  for (let n = 0; n < 60; n += 1)
    seedOrder(site, dice, { docType: 'Purchase Order', party: one(dice, suppliers), items, atMs: at() });
  for (let n = 0; n < 150; n += 1)
    seedOrder(site, dice, { docType: 'Sales Invoice', party: one(dice, live), items, atMs: at() });
}

const one = (dice: Dice, names: readonly string[]) => names[dice.below(names.length)] ?? '';
const bare = (text: string) => text.normalize('NFD').replaceAll(/\p{Mn}/gu, '');

type Made = { docType: DocType; name: string; values: Values; atMs: number; docstatus?: Doc['docstatus'] };

function put(site: Site, { docType, name, values, atMs, docstatus = 0 }: Made): Doc {
  const micros = Math.floor(atMs) * 1000;
  return place(site, {
    ...{ docType, name, docstatus, owner: 'Administrator', creationMicros: micros, modifiedMicros: micros },
    values,
  });
}

const series = (site: Site, prefix: string, atMs: number) =>
  `${prefix}-${stamp(site, atMs * 1000).slice(0, 4)}-${String(nextSerial(site)).padStart(5, '0')}`;

function seedItems(site: Site, dice: Dice, at: () => number): string[] {
  const kinds = [
    'Bearing',
    'Gear motor',
    'Sensor',
    'Kabel',
    'Joint torique',
    'Pump',
    'Service hour',
    'Filter',
  ] as const;
  for (const name of ['Stores - PT', 'Finished Goods - PT']) {
    put(site, { docType: 'Warehouse', name, values: { warehouse_name: name }, atMs: at() });
  }
  return Array.from({ length: 60 }, (_, n) => {
    const kind = dice.pick(kinds);
    const code = dice.pick([
      `${kind.slice(0, 3).toUpperCase()}-${100 + n}`,
      `${kind} ${n}/${dice.below(9)}`,
      `A${1000 + n}`,
    ]);
    const isService = kind === 'Service hour';
    const values: Values = {
      ...{ item_code: code, item_name: dice.pick([kind, `${kind} ${n}`, `${kind.toUpperCase()} (old)`]) },
      ...{ item_group: isService ? 'Services' : dice.pick(['Raw Material', 'Products']) },
      ...{
        stock_uom: isService ? 'Hour' : dice.pick(['Nos', 'Nos', 'Meter', 'Box']),
        is_stock_item: isService ? 0 : 1,
      },
      ...{ standard_rate: dice.below(50_000) / 100, disabled: dice.oneIn(15) ? 1 : 0 },
    };
    put(site, { docType: 'Item', name: code, values, atMs: at() });
    if (!isService) seedStock(site, dice, code, values.stock_uom as string, at());
    return code;
  }).filter((code) => docOf(site, 'Item', code)?.values.disabled === 0);
}

function seedStock(site: Site, dice: Dice, item: string, uom: string, atMs: number): void {
  for (const warehouse of ['Stores - PT', 'Finished Goods - PT']) {
    if (dice.oneIn(3)) continue;
    const [actual, reserved, ordered] = [dice.below(400) - 5, dice.below(40), dice.below(60)];
    const qty = {
      actual_qty: actual,
      reserved_qty: reserved,
      ordered_qty: ordered,
      projected_qty: actual - reserved + ordered,
    };
    const values = { item_code: item, warehouse, stock_uom: uom, ...qty };
    put(site, { docType: 'Bin', name: nextSerial(site).toString(36).padStart(10, 'b1'), values, atMs });
  }
}

/** A company as accounting knows it: other capitals, no accents, the legal form left out, the older ones named by hand. */
function spelt(dice: Dice, values: SimulatedRecord[1]): string {
  const name = values.name ?? values.domain ?? 'Unknown';
  const bareName = name.replace(/ (GmbH|B\.V\.|Ltd|Inc\.|AB)$/, '');
  return dice.pick([name, name, name.toUpperCase(), bare(name), ` ${name} `, `${name} [neu]`, bareName]);
}

function seedCustomer(site: Site, dice: Dice, [id, company]: SimulatedRecord, atMs: number): string {
  const name = spelt(dice, company);
  const old = name.trim().slice(0, 140);
  const docName = dice.oneIn(3) && !docOf(site, 'Customer', old) ? old : series(site, 'CUST', atMs);
  const values: Values = {
    ...{
      customer_name: name.trim(),
      customer_type: 'Company',
      customer_group: dice.pick(['Commercial', 'Government', 'Commercial']),
    },
    ...{ territory: company.country ?? 'All Territories', tax_id: dice.oneIn(2) ? (company.tax_number ?? null) : null },
    ...{ email_id: company.domain ? dice.pick([`accounts@${company.domain}`, `AP@${company.domain}`, null]) : null },
    ...{ mobile_no: dice.oneIn(3) ? (company.phone ?? null) : null, disabled: dice.oneIn(14) ? 1 : 0 },
    // Only some are linked, and by hand.
    custom_crm_id: dice.oneIn(4) ? dice.pick([id, ` ${id}`, `HS-${id}`]) : null,
  };
  return put(site, { docType: 'Customer', name: docName, values, atMs }).name;
}

function seedSupplier(site: Site, dice: Dice, [, company]: SimulatedRecord, atMs: number): string[] {
  const name = spelt(dice, company).trim();
  if (docOf(site, 'Supplier', name)) return [];
  const values: Values = {
    ...{ supplier_name: name, supplier_group: dice.pick(['Services', 'Hardware', 'Raw Material']), disabled: 0 },
    ...{
      country: dice.pick([company.country ?? null, 'Germany', null]),
      tax_id: dice.oneIn(3) ? (company.tax_number ?? null) : null,
    },
  };
  return [put(site, { docType: 'Supplier', name, values, atMs }).name];
}

type OrderInput = {
  docType: 'Sales Order' | 'Purchase Order' | 'Sales Invoice';
  party: string;
  items: readonly string[];
  atMs: number;
};

function seedOrder(site: Site, dice: Dice, { docType, party, items, atMs }: OrderInput): void {
  if (party === '') return;
  const isPurchase = docType === 'Purchase Order';
  const [day, due] = [stamp(site, atMs * 1000).slice(0, 10), stamp(site, (atMs + 14 * dayMs) * 1000).slice(0, 10)];
  const rows = Array.from({ length: 1 + dice.below(4) }, (): Row => {
    const code = one(dice, items);
    const item = docOf(site, 'Item', code)?.values;
    const [qty, rate] = [1 + dice.below(20), Number(item?.standard_rate ?? 1)];
    const name = String(item?.item_name ?? code);
    return {
      item_code: code,
      item_name: name,
      uom: String(item?.stock_uom ?? 'Nos'),
      qty,
      rate,
      amount: Math.round(qty * rate * 100) / 100,
    };
  });
  const total = Math.round(rows.reduce((sum, row) => sum + Number(row.amount), 0) * 100) / 100;
  const docstatus = dice.pick([0, 1, 1, 1, 2]) as Doc['docstatus'];
  const submitted = {
    'Sales Order': 'To Deliver and Bill',
    'Purchase Order': 'To Receive and Bill',
    'Sales Invoice': 'Overdue',
  }[docType];
  const who = docOf(site, isPurchase ? 'Supplier' : 'Customer', party)?.values[
    isPurchase ? 'supplier_name' : 'customer_name'
  ];
  const values: Values = {
    ...(isPurchase ? { supplier: party, supplier_name: who ?? null } : { customer: party, customer_name: who ?? null }),
    ...(docType === 'Sales Invoice'
      ? { posting_date: day, due_date: due, outstanding_amount: docstatus === 1 ? total : 0 }
      : { transaction_date: day }),
    ...(docType === 'Sales Order'
      ? { delivery_date: due, per_delivered: 0, po_no: dice.oneIn(3) ? `PO ${dice.below(9000)}` : null }
      : {}),
    ...(isPurchase ? { schedule_date: due, per_received: 0 } : {}),
    ...{
      items: rows,
      grand_total: total,
      currency: dice.pick(['EUR', 'EUR', 'USD']),
      company: companyName,
      per_billed: 0,
    },
    status: ['Draft', submitted, 'Cancelled'][docstatus] ?? 'Draft',
  };
  const prefix = { 'Sales Order': 'SAL-ORD', 'Purchase Order': 'PUR-ORD', 'Sales Invoice': 'ACC-SINV' }[docType];
  put(site, { docType, name: series(site, prefix, atMs), values, atMs, docstatus });
}
