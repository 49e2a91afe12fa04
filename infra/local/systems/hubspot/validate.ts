import { HubSpotError, invalid, invalidProperties } from './errors.ts';
import { type CrmObject, findByUnique, type Portal, type Values } from './portal.ts';
import { type CrmType, type PropertyDefinition, pipelines, singular } from './property-definitions.ts';

type Row = { message: string; code: string; name: string };

/** What HubSpot asks for on creation, whatever the version: one of each group. */
const neededOnCreate: Readonly<Record<CrmType, readonly (readonly string[])[]>> = {
  contacts: [['email', 'firstname', 'lastname']],
  companies: [['name', 'domain']],
  deals: [['dealname'], ['dealstage']],
  tickets: [['subject'], ['hs_pipeline_stage']],
  notes: [['hs_timestamp']],
};

/**
 * Checks and normalises the properties of one write: types, options, pipeline stage, required and unique values.
 * @param input.object the record that is changed, or null where one is created
 * @throws HubSpotError 400 VALIDATION_ERROR, 409 CONFLICT
 */
export function checkProperties(input: {
  portal: Portal;
  version: string;
  type: CrmType;
  object: CrmObject | null;
  properties: unknown;
}): Values {
  const { portal, type, object } = input;
  const given = asRecord(input.properties);
  const rows: Row[] = [];
  const values: Values = {};
  for (const [name, raw] of Object.entries(given)) {
    const definition = portal.definitions[type].get(name);
    const checked = definition ? checkValue(definition, raw) : unknownProperty(name);
    if ('code' in checked) rows.push(checked);
    else values[name] = checked.value;
  }
  if (rows.length > 0) throw invalidProperties(rows);
  if (object === null) applyDefaults(type, values);
  const after = { ...object?.properties, ...values };
  checkStage(type, values, after);
  checkRequired(input, values, after);
  checkUnique(portal, type, object, values);
  return values;
}

function unknownProperty(name: string): Row {
  return { message: `Property "${name}" does not exist`, code: 'PROPERTY_DOESNT_EXIST', name };
}

function asRecord(properties: unknown): Record<string, unknown> {
  if (typeof properties === 'object' && properties !== null && !Array.isArray(properties)) {
    return properties as Record<string, unknown>;
  }
  throw invalid('Invalid input JSON: "properties" must be an object.');
}

function checkValue(definition: PropertyDefinition, raw: unknown): { value: string | null } | Row {
  const { name } = definition;
  if (definition.modificationMetadata.readOnlyValue) {
    return { message: `"${name}" is a read only property; its value cannot be set.`, code: 'READ_ONLY_VALUE', name };
  }
  if (raw === null || raw === '') return { value: null };
  if (typeof raw !== 'string' && typeof raw !== 'number' && typeof raw !== 'boolean') {
    return { message: `${JSON.stringify(raw)} was not a valid value.`, code: 'INVALID_VALUE', name };
  }
  const text = String(raw);
  if (text.length > 65_536) return { message: `The value of "${name}" is too long.`, code: 'VALUE_TOO_LONG', name };
  return checkTyped(definition, text);
}

function checkTyped(definition: PropertyDefinition, text: string): { value: string } | Row {
  const { name, type } = definition;
  if (type === 'enumeration' || type === 'bool') {
    const allowed = definition.options.map((option) => option.value);
    if (allowed.includes(text)) return { value: text };
    return {
      message: `${text} was not one of the allowed options: [${allowed.join(', ')}]`,
      code: 'INVALID_OPTION',
      name,
    };
  }
  if (type === 'number') {
    if (/^-?[0-9]+(\.[0-9]+)?$/.test(text.trim())) return { value: text.trim() };
    return { message: `${text} was not a valid number.`, code: 'INVALID_NUMBER', name };
  }
  if (type === 'date' || type === 'datetime') {
    const atMs = parseTime(text);
    if (atMs === null) return { message: `${text} was not a valid long.`, code: 'INVALID_LONG', name };
    if (type === 'datetime') return { value: new Date(atMs).toISOString() };
    if (atMs % 86_400_000 === 0) return { value: new Date(atMs).toISOString().slice(0, 10) };
    return { message: `${text} is not midnight UTC.`, code: 'INVALID_DATE', name };
  }
  if (name !== 'email') return { value: text };
  const email = text.trim().toLowerCase();
  if (/^[^\s@,;<>"]+@[^\s@,;<>"]+\.[^\s@,;<>".]+$/.test(email)) return { value: email };
  return { message: `Email address ${text} is invalid`, code: 'INVALID_EMAIL', name };
}

/** Epoch milliseconds of `1700000000000`, `2026-11-02` or an ISO instant; null for anything else. */
export function parseTime(text: string): number | null {
  if (/^-?[0-9]{1,15}$/.test(text)) return Number(text);
  if (!/^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:?\d{2}))?$/.test(text)) return null;
  const atMs = Date.parse(text);
  const day = Date.parse(`${text.slice(0, 10)}T00:00:00Z`);
  if (Number.isNaN(atMs) || Number.isNaN(day)) return null;
  return new Date(day).toISOString().startsWith(text.slice(0, 10)) ? atMs : null;
}

function applyDefaults(type: CrmType, values: Values): void {
  if (type === 'deals') values.pipeline ??= 'default';
  if (type === 'tickets') values.hs_pipeline ??= '0';
}

function checkStage(type: CrmType, values: Values, after: Values): void {
  const known = pipelines[type];
  if (known === undefined) return;
  const [pipelineName, stageName] = type === 'deals' ? ['pipeline', 'dealstage'] : ['hs_pipeline', 'hs_pipeline_stage'];
  if (!(pipelineName in values) && !(stageName in values)) return;
  const pipeline = known.find((one) => one.id === after[pipelineName]);
  if (pipeline === undefined) {
    const message = `Pipeline ID "${after[pipelineName]}" does not exist`;
    throw invalidProperties([{ message, code: 'INVALID_OPTION', name: pipelineName }]);
  }
  const stage = after[stageName];
  if (stage !== null && stage !== undefined && !pipeline.stages.some((one) => one.id === stage)) {
    const message = `${stage} was not one of the stages of pipeline "${pipeline.id}": [${pipeline.stages.map((one) => one.id).join(', ')}]`;
    throw invalidProperties([{ message, code: 'INVALID_OPTION', name: stageName }]);
  }
}

function checkRequired(
  input: { portal: Portal; version: string; type: CrmType; object: CrmObject | null },
  values: Values,
  after: Values,
): void {
  const { type, object } = input;
  const missing = object === null ? neededOnCreate[type].filter((group) => group.every((name) => !values[name])) : [];
  const enforced = input.version >= '2026-09' && input.version !== 'v3' && input.version !== 'v4';
  const ruled = enforced ? [...input.portal.required[type]].filter((name) => !after[name]).map((name) => [name]) : [];
  const rows = [...missing, ...ruled].map((group) => ({
    message: `Some required properties were not set: ${group.join(' or ')}`,
    code: 'REQUIRED_PROPERTY_MISSING',
    name: group[0] ?? '',
  }));
  if (rows.length > 0) throw invalidProperties(rows);
}

function checkUnique(portal: Portal, type: CrmType, object: CrmObject | null, values: Values): void {
  for (const [name, value] of Object.entries(values)) {
    if (value === null || !portal.definitions[type].get(name)?.hasUniqueValue) continue;
    const holder = findByUnique(portal, type, name, value);
    if (holder !== null && holder !== object) throw alreadyExists(type, holder.id);
  }
}

/** 409 with the id of the record that holds the value. */
export function alreadyExists(type: CrmType, id: string): HubSpotError {
  const word = singular(type);
  const label = word.charAt(0).toUpperCase() + word.slice(1);
  return new HubSpotError(409, 'CONFLICT', `${label} already exists. Existing ID: ${id}`);
}
