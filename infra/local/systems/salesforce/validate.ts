import { SalesforceError } from './errors.ts';
import { fieldOf, longId, type Org, type Row, rowOf, rowsBy, type Value, type Values } from './org.ts';
import { type Field, keyPrefixes, type SobjectType } from './schema.ts';

/** What is about to be written: a new record where `row` is null. */
export type Asked = {
  readonly type: SobjectType;
  readonly row: Row | null;
  readonly body: Readonly<Record<string, unknown>>;
  /** Whether the caller lets duplicates pass (`allowSave=true`). */
  readonly allowSave: boolean;
};

const reject = (code: string, message: string, fields: readonly string[] = []) =>
  new SalesforceError(400, code, message, fields);

/** The values to store. @throws SalesforceError 400 with Salesforce's own code; nothing is written then */
export function checkValues(org: Org, asked: Asked): Values {
  const { type, row } = asked;
  const values: Values = {};
  for (const [name, given] of Object.entries(asked.body)) {
    if (name === 'attributes' || name.toLowerCase() === 'id') continue;
    const field = fieldOf(org, type, name);
    if (!field) throw new SalesforceError(400, 'INVALID_FIELD', `No such column '${name}' on sobject of type ${type}`);
    if (row ? !field.updateable : !field.createable) {
      const message = `Unable to create/update fields: ${field.name}. Please check the security settings of this field and verify that it is read/write for your profile or permission set.`;
      throw reject('INVALID_FIELD_FOR_INSERT_UPDATE', message, [field.name]);
    }
    values[field.name] = checkValue(org, field, given);
  }
  const whole = { ...defaults(org, asked), ...row?.values, ...values };
  const missing = [...org.fields[type].values()].filter(
    (field) => !field.nillable && field.createable && (whole[field.name] ?? null) === null,
  );
  if (missing.length > 0) {
    const names = missing.map(({ name }) => name);
    throw reject('REQUIRED_FIELD_MISSING', `Required fields are missing: [${names.join(', ')}]`, names);
  }
  checkRules(org, asked, values);
  return row ? values : { ...defaults(org, asked), ...values };
}

function defaults(org: Org, { type, row }: Asked): Values {
  if (row) return {};
  const given = [...org.fields[type].values()].filter(({ defaultValue }) => defaultValue !== null);
  return Object.fromEntries(given.map(({ name, defaultValue }) => [name, defaultValue]));
}

function checkValue(org: Org, field: Field, given: unknown): Value {
  if (given === null || given === '') return field.type === 'boolean' ? false : null;
  const unreadable = () => {
    const kind = typeof given === 'string' ? 'VALUE_STRING' : 'START_OBJECT';
    return reject(
      'JSON_PARSER_ERROR',
      `Cannot deserialize instance of ${field.type} from ${kind} value ${String(given)}`,
    );
  };
  switch (field.type) {
    case 'currency':
      if (typeof given !== 'number' || !Number.isFinite(given)) throw unreadable();
      return Math.round(given * 100) / 100;
    case 'boolean':
      if (typeof given !== 'boolean') throw unreadable();
      return given;
    case 'date':
      if (typeof given !== 'string' || !isDay(given)) throw unreadable();
      return given;
    default:
      if (typeof given === 'object') throw unreadable();
      return checkText(org, field, String(given).trim());
  }
}

function checkText(org: Org, field: Field, text: string): Value {
  if (text === '') return null;
  if (text.length > field.length) {
    throw reject('STRING_TOO_LONG', `${field.name}: data value too large: (max length=${field.length})`, [field.name]);
  }
  if (field.type === 'picklist' && !field.options.includes(text)) {
    const message = `${field.name}: bad value for restricted picklist field: ${text}`;
    throw reject('INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST', message, [field.name]);
  }
  if (field.type === 'email') {
    if (!/^[^@\s]+@[^@\s]+\.[^@\s.]+$/.test(text)) {
      throw reject('INVALID_EMAIL_ADDRESS', `${field.name}: invalid email address: ${text}`, [field.name]);
    }
    return text.toLowerCase();
  }
  return field.type === 'reference' ? checkReference(org, field, text) : text;
}

function checkReference(org: Org, field: Field, text: string): string {
  const type = field.referenceTo.find((name) => text.startsWith(keyPrefixes[name]));
  if (!type || !/^[A-Za-z0-9]{15}([A-Za-z0-9]{3})?$/.test(text)) {
    throw reject('MALFORMED_ID', `${field.name}: id value of incorrect type: ${text}`, [field.name]);
  }
  const row = rowOf(org, type, text);
  if (!row || row.deletedAtMs !== null) {
    throw reject('INVALID_CROSS_REFERENCE_KEY', 'invalid cross reference id', []);
  }
  return longId(text);
}

function isDay(text: string): boolean {
  const atMs = Date.parse(`${text}T00:00:00Z`);
  return /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(atMs) && new Date(atMs).toISOString().startsWith(text);
}

/** Unique fields, the validation rule of opportunities, the duplicate rule of contacts. */
function checkRules(org: Org, { type, row, allowSave }: Asked, values: Values): void {
  for (const [name, value] of Object.entries(values)) {
    if (value === null || !org.fields[type].get(name)?.unique) continue;
    const other = rowsBy(org, type, name, String(value)).find(({ id }) => id !== row?.id);
    if (!other) continue;
    const message = `duplicate value found: ${name} duplicates value on record with id: ${other.id.slice(0, 15)}`;
    throw reject('DUPLICATE_VALUE', message, []);
  }
  if (typeof values.Amount === 'number' && values.Amount < 0) {
    throw reject('FIELD_CUSTOM_VALIDATION_EXCEPTION', 'The amount must not be negative.', ['Amount']);
  }
  const email = type === 'Contact' && org.knobs.duplicateRule && !allowSave ? values.Email : null;
  const same = typeof email === 'string' ? rowsBy(org, type, 'Email', email).filter(({ id }) => id !== row?.id) : [];
  if (same.length > 0) throw duplicatesDetected(same);
}

function duplicatesDetected(rows: readonly Row[]): SalesforceError {
  const text = 'Use one of these records?';
  const matchRecords = rows.map(({ id }) => ({
    ...{ additionalInformation: [], fieldDiffs: [], matchConfidence: 100 },
    record: { attributes: { type: 'Contact', url: `/services/data/v62.0/sobjects/Contact/${id}` }, Id: id },
  }));
  const match = {
    entityType: 'Contact',
    errors: [],
    matchEngine: 'ExactMatchEngine',
    rule: 'Standard_Contact_Match_Rule',
    size: rows.length,
    success: true,
  };
  const duplicateResult = {
    ...{ allowSave: true, duplicateRule: 'Standard_Contact_Duplicate_Rule', duplicateRuleEntityType: 'Contact' },
    ...{ errorMessage: text, matchResults: [{ ...match, matchRecords }] },
  };
  return new SalesforceError(400, 'DUPLICATES_DETECTED', text, null, { duplicateResult });
}
