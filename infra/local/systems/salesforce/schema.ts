/** The objects of the simulated organization, by Salesforce's own name. */
export const sobjectTypes = [
  ...(['Account', 'Contact', 'Opportunity', 'OpportunityContactRole', 'Case', 'CaseComment', 'Task'] as const),
  ...(['User', 'Organization'] as const),
] as const;
export type SobjectType = (typeof sobjectTypes)[number];

/** A field as describe lists it. */
export type Field = {
  name: string;
  type:
    | 'id'
    | 'string'
    | 'textarea'
    | 'email'
    | 'phone'
    | 'url'
    | 'picklist'
    | 'reference'
    | 'currency'
    | 'boolean'
    | 'date'
    | 'datetime';
  length: number;
  nillable: boolean;
  createable: boolean;
  updateable: boolean;
  externalId: boolean;
  unique: boolean;
  options: readonly string[];
  referenceTo: readonly SobjectType[];
  defaultValue: string | boolean | null;
};

/** The first three characters of the ids of an object. */
export const keyPrefixes: Readonly<Record<SobjectType, string>> = {
  Account: '001',
  Contact: '003',
  Opportunity: '006',
  OpportunityContactRole: '00K',
  CaseComment: '00a',
  Case: '500',
  Task: '00T',
  User: '005',
  Organization: '00D',
};

type Facts = Partial<Omit<Field, 'name' | 'type'>>;

function field(name: string, type: Field['type'], facts: Facts = {}): Field {
  const lengths: Partial<Record<Field['type'], number>> = {
    string: 255,
    textarea: 32_000,
    email: 80,
    phone: 40,
    url: 255,
    picklist: 255,
    id: 18,
    reference: 18,
  };
  return {
    name,
    type,
    length: lengths[type] ?? 0,
    nillable: true,
    createable: true,
    updateable: true,
    externalId: false,
    unique: false,
    options: [],
    referenceTo: [],
    defaultValue: null,
    ...facts,
  };
}

const shown = { createable: false, updateable: false, nillable: false } as const;
const required = { nillable: false } as const;
const picklist = (name: string, options: readonly string[], facts: Facts = {}) =>
  field(name, 'picklist', { options, ...facts });
const reference = (name: string, referenceTo: readonly SobjectType[], facts: Facts = {}) =>
  field(name, 'reference', { referenceTo, ...facts });
const own: readonly Field[] = [
  field('Plumbline_Ref__c', 'string', { externalId: true, unique: true, length: 100 }),
  field('HubSpot_Id__c', 'string', { externalId: true, unique: true, length: 40 }),
  // Marked External ID and not Unique, as many are: several records may have the same value.
  field('Legacy_Id__c', 'string', { externalId: true, length: 40 }),
];
const system: readonly Field[] = [
  field('Id', 'id', shown),
  field('IsDeleted', 'boolean', shown),
  field('CreatedDate', 'datetime', shown),
  field('LastModifiedDate', 'datetime', shown),
  field('SystemModstamp', 'datetime', shown),
];
const owner = reference('OwnerId', ['User']);

const stages = [
  'Prospecting',
  'Qualification',
  'Proposal/Price Quote',
  'Negotiation/Review',
  'Closed Won',
  'Closed Lost',
];

/** The fields every organization starts with. */
export const initialFields: Readonly<Record<SobjectType, readonly Field[]>> = {
  Account: [
    ...system,
    field('Name', 'string', required),
    picklist('Type', ['Prospect', 'Customer - Direct', 'Customer - Channel', 'Partner', 'Other']),
    picklist('Industry', ['Banking', 'Electronics', 'Machinery', 'Retail', 'Technology', 'Other']),
    field('AccountNumber', 'string', { length: 40 }),
    field('Phone', 'phone'),
    field('Website', 'url'),
    field('BillingCity', 'string', { length: 40 }),
    field('BillingCountry', 'string', { length: 80 }),
    field('AnnualRevenue', 'currency'),
    field('Description', 'textarea'),
    owner,
    ...own,
  ],
  Contact: [
    ...system,
    field('Name', 'string', shown),
    field('FirstName', 'string', { length: 40 }),
    field('LastName', 'string', { ...required, length: 80 }),
    field('Email', 'email'),
    field('Phone', 'phone'),
    field('MobilePhone', 'phone'),
    field('Title', 'string', { length: 128 }),
    field('MailingCity', 'string', { length: 40 }),
    field('Birthdate', 'date'),
    reference('AccountId', ['Account']),
    owner,
    ...own,
  ],
  Opportunity: [
    ...system,
    field('Name', 'string', { ...required, length: 120 }),
    picklist('StageName', stages, required),
    field('Amount', 'currency'),
    field('CloseDate', 'date', required),
    picklist('Type', ['New Business', 'Existing Business']),
    field('Description', 'textarea'),
    field('IsClosed', 'boolean', shown),
    field('IsWon', 'boolean', shown),
    reference('AccountId', ['Account']),
    owner,
    ...own,
  ],
  Case: [
    ...system,
    field('CaseNumber', 'string', { ...shown, length: 30 }),
    field('Subject', 'string'),
    picklist('Status', ['New', 'Working', 'Escalated', 'Closed'], { nillable: false, defaultValue: 'New' }),
    picklist('Priority', ['High', 'Medium', 'Low'], { nillable: false, defaultValue: 'Medium' }),
    picklist('Origin', ['Phone', 'Email', 'Web']),
    field('Description', 'textarea'),
    field('IsClosed', 'boolean', shown),
    reference('AccountId', ['Account']),
    reference('ContactId', ['Contact']),
    owner,
    ...own,
  ],
  Task: [
    ...system,
    field('Subject', 'string'),
    picklist('Status', ['Not Started', 'In Progress', 'Completed'], { nillable: false, defaultValue: 'Not Started' }),
    picklist('Priority', ['High', 'Normal', 'Low'], { nillable: false, defaultValue: 'Normal' }),
    field('ActivityDate', 'date'),
    field('Description', 'textarea'),
    field('IsClosed', 'boolean', shown),
    reference('WhoId', ['Contact']),
    reference('WhatId', ['Account', 'Opportunity', 'Case']),
    owner,
    ...own,
  ],
  // Neither of these two may have fields of one's own in every edition: they are found by the record they belong to.
  OpportunityContactRole: [
    ...system,
    reference('OpportunityId', ['Opportunity'], required),
    reference('ContactId', ['Contact'], required),
    picklist('Role', ['Decision Maker', 'Evaluator', 'Other']),
    field('IsPrimary', 'boolean'),
  ],
  CaseComment: [
    ...system,
    reference('ParentId', ['Case'], required),
    field('CommentBody', 'textarea', { length: 4000 }),
    field('IsPublished', 'boolean'),
  ],
  User: [...system, field('Name', 'string', shown), field('Email', 'email', shown)],
  Organization: [
    field('Id', 'id', shown),
    field('Name', 'string', shown),
    field('IsSandbox', 'boolean', shown),
    field('OrganizationType', 'picklist', shown),
  ],
};

/** What describe says of a field. */
export function describeField(given: Field) {
  const { options, defaultValue, ...rest } = given;
  return {
    ...rest,
    label: given.name,
    idLookup: given.externalId || given.type === 'id' || given.type === 'email',
    defaultedOnCreate: defaultValue !== null || given.type === 'boolean' || given.name === 'OwnerId',
    restrictedPicklist: given.type === 'picklist',
    picklistValues: options.map((value) => ({
      active: true,
      defaultValue: value === defaultValue,
      label: value,
      value,
    })),
    custom: given.name.endsWith('__c'),
  };
}
