/** Object types the simulator serves. */
export const crmTypes = ['contacts', 'companies', 'deals', 'tickets', 'notes'] as const;
/** One of the served object types. */
export type CrmType = (typeof crmTypes)[number];

/** One choice of an enumeration. */
export type PropertyOption = { label: string; value: string; displayOrder: number; hidden: boolean };

/** A property as `GET /crm/properties` shows it. */
export type PropertyDefinition = {
  name: string;
  label: string;
  type: 'string' | 'number' | 'date' | 'datetime' | 'enumeration' | 'bool';
  fieldType: string;
  groupName: string;
  options: PropertyOption[];
  hasUniqueValue: boolean;
  calculated: boolean;
  hidden: boolean;
  archived: boolean;
  modificationMetadata: { readOnlyValue: boolean; readOnlyDefinition: boolean; archivable: boolean };
};

const aliases: Readonly<Record<string, CrmType>> = {
  contact: 'contacts',
  '0-1': 'contacts',
  company: 'companies',
  '0-2': 'companies',
  deal: 'deals',
  '0-3': 'deals',
  ticket: 'tickets',
  '0-5': 'tickets',
  note: 'notes',
  '0-46': 'notes',
};

/** The object type a path segment names: plural, singular or type id; null where there is none. */
export function crmTypeOf(text: string): CrmType | null {
  return crmTypes.find((type) => type === text) ?? aliases[text] ?? null;
}

/** `Contact` for `contacts`, as messages and webhooks name it. */
export function singular(type: CrmType): string {
  return type === 'companies' ? 'company' : type.slice(0, -1);
}

/** The property that carries the time of the last change. */
export function modifiedProperty(type: CrmType): string {
  return type === 'contacts' ? 'lastmodifieddate' : 'hs_lastmodifieddate';
}

/** The property that carries the time of creation. */
export function createdProperty(type: CrmType): string {
  return type === 'notes' ? 'hs_createdate' : 'createdate';
}

/** What a read returns where it names no properties. */
export const defaultProperties: Readonly<Record<CrmType, readonly string[]>> = {
  contacts: ['createdate', 'email', 'firstname', 'hs_object_id', 'lastmodifieddate', 'lastname'],
  companies: ['createdate', 'domain', 'hs_lastmodifieddate', 'hs_object_id', 'name'],
  deals: [
    'amount',
    'closedate',
    'createdate',
    'dealname',
    'dealstage',
    'hs_lastmodifieddate',
    'hs_object_id',
    'pipeline',
  ],
  tickets: [
    'content',
    'createdate',
    'hs_lastmodifieddate',
    'hs_object_id',
    'hs_pipeline',
    'hs_pipeline_stage',
    'subject',
  ],
  notes: ['hs_createdate', 'hs_lastmodifieddate', 'hs_object_id'],
};

type Kind = PropertyDefinition['type'];

/**
 * One definition with HubSpot's defaults.
 * @param rest.options values of an enumeration; @param rest.unique one record a value; @param rest.readOnly set by HubSpot only
 */
export function define(
  name: string,
  type: Kind,
  rest: { options?: readonly string[]; unique?: boolean; readOnly?: boolean; group?: string; label?: string } = {},
): PropertyDefinition {
  const fieldTypes = {
    string: 'text',
    number: 'number',
    date: 'date',
    datetime: 'date',
    enumeration: 'select',
    bool: 'booleancheckbox',
  };
  const options = type === 'bool' ? ['true', 'false'] : (rest.options ?? []);
  const readOnly = rest.readOnly ?? false;
  return {
    name,
    label: rest.label ?? name,
    type,
    fieldType: fieldTypes[type],
    groupName: rest.group ?? 'information',
    options: options.map((value, displayOrder) => ({ label: value, value, displayOrder, hidden: false })),
    hasUniqueValue: rest.unique ?? false,
    calculated: readOnly,
    hidden: false,
    archived: false,
    modificationMetadata: { readOnlyValue: readOnly, readOnlyDefinition: readOnly, archivable: !readOnly },
  };
}

const lifecycle = [
  'subscriber',
  'lead',
  'marketingqualifiedlead',
  'salesqualifiedlead',
  'opportunity',
  'customer',
  'other',
];
const strings = (...names: string[]) => names.map((name) => define(name, 'string'));

/** The properties every portal starts with, `plumbline_ref` (unique) included. */
export const seededDefinitions: Readonly<Record<CrmType, readonly PropertyDefinition[]>> = {
  contacts: [
    define('email', 'string', { unique: true }),
    ...strings(
      'firstname',
      'lastname',
      'phone',
      'mobilephone',
      'company',
      'jobtitle',
      'city',
      'country',
      'hubspot_owner_id',
    ),
    ...strings('imported_birthday'),
    define('lifecyclestage', 'enumeration', { options: lifecycle }),
    define('hs_lead_status', 'enumeration', { options: ['NEW', 'OPEN', 'IN_PROGRESS', 'UNQUALIFIED', 'CONNECTED'] }),
    define('newsletter_opt_in', 'bool'),
  ],
  companies: [
    ...strings('name', 'domain', 'phone', 'city', 'country', 'hubspot_owner_id', 'tax_number'),
    define('lifecyclestage', 'enumeration', { options: lifecycle }),
    define('industry', 'enumeration', {
      options: ['COMPUTER_SOFTWARE', 'MACHINERY', 'RETAIL', 'LOGISTICS_AND_SUPPLY_CHAIN'],
    }),
    define('numberofemployees', 'number'),
    define('annualrevenue', 'number'),
  ],
  deals: [
    ...strings(
      'dealname',
      'pipeline',
      'dealstage',
      'description',
      'hubspot_owner_id',
      'closed_lost_reason',
      'contract_start_text',
    ),
    define('dealtype', 'enumeration', { options: ['newbusiness', 'existingbusiness'] }),
    define('amount', 'number'),
    define('closedate', 'datetime'),
    define('contract_start', 'date'),
  ],
  tickets: [
    ...strings('subject', 'content', 'hs_pipeline', 'hs_pipeline_stage', 'hubspot_owner_id'),
    define('hs_ticket_priority', 'enumeration', { options: ['LOW', 'MEDIUM', 'HIGH', 'URGENT'] }),
    define('hs_ticket_category', 'enumeration', {
      options: ['PRODUCT_ISSUE', 'BILLING_ISSUE', 'FEATURE_REQUEST', 'GENERAL_INQUIRY'],
    }),
  ],
  notes: [...strings('hs_note_body', 'hubspot_owner_id', 'hs_attachment_ids'), define('hs_timestamp', 'datetime')],
};

/** Properties HubSpot itself sets on every object, and our own unique reference. */
export function commonDefinitions(type: CrmType): PropertyDefinition[] {
  return [
    define('hs_object_id', 'number', { readOnly: true, unique: true }),
    define(createdProperty(type), 'datetime', { readOnly: true }),
    define(modifiedProperty(type), 'datetime', { readOnly: true }),
    define('plumbline_ref', 'string', { unique: true, label: 'Plumbline reference' }),
  ];
}

/** One stage of a pipeline. */
export type Stage = { id: string; label: string; displayOrder: number; metadata: Readonly<Record<string, string>> };

/** A pipeline as `GET /crm/pipelines` shows it. */
export type Pipeline = { id: string; label: string; displayOrder: number; stages: readonly Stage[] };

const stages = (rows: readonly (readonly [string, string, Readonly<Record<string, string>>])[]): Stage[] =>
  rows.map(([id, label, metadata], displayOrder) => ({ id, label, displayOrder, metadata }));

/** Pipelines by object type; types without one are absent. */
export const pipelines: Readonly<Partial<Record<CrmType, readonly Pipeline[]>>> = {
  deals: [
    {
      id: 'default',
      label: 'Sales Pipeline',
      displayOrder: 0,
      stages: stages([
        ['appointmentscheduled', 'Appointment scheduled', { isClosed: 'false', probability: '0.2' }],
        ['qualifiedtobuy', 'Qualified to buy', { isClosed: 'false', probability: '0.4' }],
        ['presentationscheduled', 'Presentation scheduled', { isClosed: 'false', probability: '0.6' }],
        ['decisionmakerboughtin', 'Decision maker bought in', { isClosed: 'false', probability: '0.8' }],
        ['contractsent', 'Contract sent', { isClosed: 'false', probability: '0.9' }],
        ['closedwon', 'Closed won', { isClosed: 'true', probability: '1.0' }],
        ['closedlost', 'Closed lost', { isClosed: 'true', probability: '0.0' }],
      ]),
    },
    {
      id: 'renewals',
      label: 'Renewals',
      displayOrder: 1,
      stages: stages([
        ['renewal_due', 'Renewal due', { isClosed: 'false', probability: '0.5' }],
        ['renewal_won', 'Renewed', { isClosed: 'true', probability: '1.0' }],
        ['renewal_lost', 'Cancelled', { isClosed: 'true', probability: '0.0' }],
      ]),
    },
  ],
  tickets: [
    {
      id: '0',
      label: 'Support Pipeline',
      displayOrder: 0,
      stages: stages([
        ['1', 'New', { ticketState: 'OPEN' }],
        ['2', 'Waiting on contact', { ticketState: 'OPEN' }],
        ['3', 'Waiting on us', { ticketState: 'OPEN' }],
        ['4', 'Closed', { ticketState: 'CLOSED' }],
      ]),
    },
  ],
};
