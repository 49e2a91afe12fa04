import { FrappeError } from './errors.ts';
import { type DocType, type Field, rowFields } from './schema.ts';
import { docOf, type Row, type Site, type Value, type Values } from './site.ts';

/** The fields of a body that the DocType has and that may be written, cast to their types. @throws FrappeError 417 */
export function takeValues(site: Site, docType: DocType, body: Readonly<Record<string, unknown>>): Values {
  const taken: Values = {};
  for (const field of site.fields[docType].values()) {
    const given = body[field.fieldname];
    if (given === undefined || field.readOnly) continue;
    taken[field.fieldname] = field.fieldtype === 'Table' ? rowsOf(field, given) : cast(field, given);
  }
  return taken;
}

function rowsOf(field: Field, given: unknown): readonly Row[] {
  if (given === null) return [];
  if (!Array.isArray(given)) throw new FrappeError('ValidationError', `${field.fieldname} must be a list of rows`);
  return given.map((row: unknown) => {
    const held = typeof row === 'object' && row !== null ? (row as Record<string, unknown>) : {};
    const pairs = rowFields.flatMap((column) => {
      const value = held[column.fieldname];
      return value === undefined || column.readOnly ? [] : [[column.fieldname, cast(column, value)] as const];
    });
    return Object.fromEntries(pairs) as Row;
  });
}

function cast(field: Field, given: unknown): string | number | null {
  if (given === null || given === '') return null;
  if (typeof given === 'object')
    throw new FrappeError('ValidationError', `${field.fieldname} cannot be a list or an object`);
  switch (field.fieldtype) {
    case 'Float':
    case 'Currency':
    case 'Int': {
      // Frappe's own conversion makes 0 of what is no number.
      const value = Number(given);
      return Number.isFinite(value) ? value : 0;
    }
    case 'Check':
      return given === true || given === 1 || given === '1' ? 1 : 0;
    case 'Date':
      if (!/^\d{4}-\d{2}-\d{2}$/.test(String(given)) || Number.isNaN(Date.parse(String(given)))) {
        throw new FrappeError('ValidationError', `${String(given).slice(0, 40)} is not a valid date string`);
      }
      return String(given);
    case 'Data':
    case 'Link': {
      const text = String(given).trim();
      if ([...text].length > 140) {
        throw new FrappeError(
          'CharacterLengthExceededError',
          `Value too big for <b>${field.fieldname}</b>: the maximum is 140 characters`,
        );
      }
      return text;
    }
    default:
      return String(given);
  }
}

/** Defaults, what is fetched from links and counted, and the rules of a save. @throws FrappeError 417 */
export function completeValues(
  site: Site,
  docType: DocType,
  given: Values,
  at: { name: string; today: string },
): Values {
  const values: Values = { ...given };
  const fields = [...site.fields[docType].values()];
  for (const field of fields)
    if (values[field.fieldname] == null && field.default !== undefined) values[field.fieldname] = field.default;
  const day = fields.find(({ fieldname }) => fieldname === 'transaction_date' || fieldname === 'posting_date');
  if (day) values[day.fieldname] ??= at.today;
  if (fields.some(({ fieldname }) => fieldname === 'company'))
    values.company ??= [...site.docs.Company.values()][0]?.name ?? null;
  if (docType === 'Item') values.item_name ??= values.item_code ?? null;
  checkMandatory(docType, fields, values, at.name);
  checkLinks(site, fields, values);
  for (const party of ['customer', 'supplier'] as const) {
    const name = values[party];
    const doc = typeof name === 'string' ? docOf(site, party === 'customer' ? 'Customer' : 'Supplier', name) : null;
    if (doc?.values.disabled === 1) throw new FrappeError('ValidationError', `${doc.docType} ${doc.name} is disabled`);
    if (doc) values[`${party}_name`] = doc.values[`${party}_name`] ?? null;
  }
  if (Array.isArray(values.items)) addUp(site, docType, values);
  return values;
}

function checkMandatory(docType: DocType, fields: readonly Field[], values: Values, name: string): void {
  const empty = (value: Value | undefined) =>
    value == null || value === '' || (Array.isArray(value) && value.length === 0);
  const missing = fields
    .filter((field) => field.reqd && empty(values[field.fieldname]))
    .map(({ fieldname }) => fieldname);
  const rows = Array.isArray(values.items) ? values.items : [];
  const inRows = rowFields.filter(({ reqd, fieldname }) => reqd && rows.some((row: Row) => row[fieldname] == null));
  const all = [...missing, ...inRows.map(({ fieldname }) => fieldname)];
  if (all.length > 0) throw new FrappeError('MandatoryError', `[${docType}, ${name}]: ${all.join(', ')}`);
}

function checkLinks(site: Site, fields: readonly Field[], values: Values): void {
  const wrong: string[] = [];
  const check = (field: Field, value: Value | undefined, row: string) => {
    if (field.fieldtype !== 'Link' || typeof value !== 'string') return;
    if (!docOf(site, field.options as DocType, value)) wrong.push(`${row}${field.options}: ${value}`);
  };
  for (const field of fields) check(field, values[field.fieldname], '');
  const rows = Array.isArray(values.items) ? values.items : [];
  rows.forEach((row: Row, at) => {
    for (const field of rowFields) check(field, row[field.fieldname], `Row #${at + 1}: `);
  });
  if (wrong.length > 0) throw new FrappeError('LinkValidationError', `Could not find ${wrong.join(', ')}`);
}

function addUp(site: Site, docType: DocType, values: Values): void {
  const rows = (values.items as readonly Row[]).map((row, at) => {
    const item = docOf(site, 'Item', String(row.item_code));
    if (item?.values.disabled === 1) throw new FrappeError('ValidationError', `Item ${item.name} is disabled`);
    const qty = Number(row.qty);
    if (!(qty > 0)) throw new FrappeError('ValidationError', `Row #${at + 1}: Quantity must be greater than zero`);
    const rate = Number(row.rate ?? item?.values.standard_rate ?? 0);
    if (rate < 0) throw new FrappeError('NonNegativeError', `Row #${at + 1}: Rate cannot be negative`);
    const name = item?.values.item_name as string;
    const uom = row.uom ?? (item?.values.stock_uom as string);
    return { ...row, item_name: name, uom, rate, amount: Math.round(qty * rate * 100) / 100 };
  });
  values.items = rows;
  values.grand_total = Math.round(rows.reduce((sum, { amount }) => sum + amount, 0) * 100) / 100;
  const due = docType === 'Sales Order' ? 'delivery_date' : docType === 'Purchase Order' ? 'schedule_date' : null;
  if (due === null) return;
  values[due] ??= rows.map((row: Row) => row[due]).find((day) => typeof day === 'string') ?? null;
  if (values[due] == null) {
    throw new FrappeError(
      'ValidationError',
      due === 'delivery_date' ? 'Please enter Delivery Date' : 'Please enter Required By',
    );
  }
  if (String(values[due]) < String(values.transaction_date)) {
    throw new FrappeError('ValidationError', 'Expected Date cannot be before Transaction Date');
  }
}
