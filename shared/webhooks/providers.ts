import type { BodyFormat } from './body-parse.ts';
import type { SchemeName } from './verify-types.ts';

/** An answer as the provider expects it. */
export type Acknowledgement = { readonly status: 200 | 202; readonly contentType: string; readonly body: string };

/** How one provider delivers: what is no matter of signatures. Paths are dotted names inside an item. */
export type Provider = {
  readonly methods: readonly string[];
  readonly format: BodyFormat;
  readonly handshake: 'graph' | 'meta' | 'slack' | null;
  readonly acknowledge: Acknowledgement;
  /** `self`: the body is one item; `list`: the body is a list; else the path of the list inside the body. */
  readonly items: string;
  /** What identifies an item; all must be there. Empty: the signed id, else the item's own hash. */
  readonly identity: readonly string[];
  /** Further parts of the identity, where present. */
  readonly identityExtra: readonly string[];
  /** Without a full identity two equal items are one only inside this window, milliseconds; null: always one. */
  readonly equalWithinMs: number | null;
  /** What changes between attempts and is no part of the content. */
  readonly volatile: readonly string[];
  readonly type: readonly string[];
  /** A header that names the type; not signed, so it is a label only. */
  readonly typeHeader: string | null;
  readonly occurredAt: { readonly path: string; readonly unit: 's' | 'ms' | 'iso' } | null;
  readonly attempt: string | null;
};

const plain: Acknowledgement = { status: 200, contentType: 'text/plain', body: '' };
const soapAck =
  '<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body><notificationsResponse xmlns="http://soap.sforce.com/2005/09/outbound"><Ack>true</Ack></notificationsResponse></soapenv:Body></soapenv:Envelope>';

const base: Provider = {
  methods: ['POST'],
  format: 'json',
  handshake: null,
  acknowledge: plain,
  items: 'self',
  identity: [],
  identityExtra: [],
  equalWithinMs: null,
  volatile: [],
  type: ['type'],
  typeHeader: null,
  occurredAt: null,
  attempt: null,
};

const tenMinutesMs = 600_000;

const hubspot: Provider = {
  ...base,
  items: 'list',
  identity: ['portalId', 'subscriptionId', 'subscriptionType', 'eventId', 'occurredAt'],
  identityExtra: ['appId', 'objectId', 'propertyName', 'propertyValue'],
  volatile: ['attemptNumber'],
  type: ['subscriptionType'],
  occurredAt: { path: 'occurredAt', unit: 'ms' },
  attempt: 'attemptNumber',
};
const standard: Provider = { ...base, occurredAt: { path: 'timestamp', unit: 'iso' } };

/** Every provider by scheme name. A provider without a connector of its own is delivered by this table alone. */
export const providers: ReadonlyMap<string, Provider> = new Map<SchemeName, Provider>([
  ['hubspot-v1', hubspot],
  ['hubspot-v2', hubspot],
  ['hubspot-v3', hubspot],
  ['stripe', { ...base, identity: ['id'], identityExtra: ['account'], occurredAt: { path: 'created', unit: 's' } }],
  ['standard-webhooks', standard],
  ['svix', standard],
  ['github', { ...base, typeHeader: 'x-github-event', type: ['action'] }],
  ['shopify', { ...base, typeHeader: 'x-shopify-topic' }],
  [
    'slack',
    {
      ...base,
      format: 'form',
      handshake: 'slack',
      identity: ['event_id'],
      type: ['event.type', 'type'],
      occurredAt: { path: 'event_time', unit: 's' },
    },
  ],
  ['twilio', { ...base, methods: ['POST', 'GET'], format: 'form', type: ['MessageStatus', 'CallStatus', 'EventType'] }],
  [
    'sendgrid',
    {
      ...base,
      items: 'list',
      identity: ['sg_event_id'],
      type: ['event'],
      occurredAt: { path: 'timestamp', unit: 's' },
    },
  ],
  ['zendesk', { ...base, identity: ['id'], occurredAt: { path: 'time', unit: 'iso' } }],
  [
    'xero',
    {
      ...base,
      items: 'events',
      identity: ['tenantId', 'resourceId', 'eventDateUtc', 'eventType'],
      type: ['eventType'],
    },
  ],
  ['quickbooks', { ...base, items: 'eventNotifications' }],
  [
    'intercom',
    {
      ...base,
      identity: ['id'],
      identityExtra: ['app_id'],
      volatile: ['delivery_attempts', 'first_sent_at'],
      type: ['topic'],
      occurredAt: { path: 'created_at', unit: 's' },
      attempt: 'delivery_attempts',
    },
  ],
  ['meta', { ...base, methods: ['POST', 'GET'], handshake: 'meta', items: 'entry' }],
  [
    'pipedrive',
    {
      ...base,
      identity: ['meta.id', 'meta.correlation_id'],
      identityExtra: ['meta.company_id'],
      volatile: ['meta.attempt', 'retry'],
      type: ['event', 'meta.action'],
      attempt: 'meta.attempt',
    },
  ],
  [
    'frappe',
    {
      ...base,
      methods: ['POST', 'PUT', 'DELETE'],
      identity: ['doctype', 'name', 'modified'],
      identityExtra: ['site', 'docevent', 'event'],
      equalWithinMs: tenMinutesMs,
      type: ['docevent', 'event', 'doctype'],
    },
  ],
  [
    'graph',
    {
      ...base,
      handshake: 'graph',
      acknowledge: { ...plain, status: 202 },
      items: 'value',
      identity: ['subscriptionId', 'changeType', 'resource', 'resourceData.@odata\\.etag'],
      identityExtra: ['tenantId', 'resourceData.id'],
      equalWithinMs: tenMinutesMs,
      type: ['lifecycleEvent', 'changeType'],
    },
  ],
  [
    'salesforce-outbound',
    {
      ...base,
      format: 'soap',
      acknowledge: { status: 200, contentType: 'text/xml; charset=utf-8', body: soapAck },
      items: 'list',
      identity: ['OrganizationId', 'Id'],
      type: ['ActionId'],
    },
  ],
  ['hmac', base],
]);
