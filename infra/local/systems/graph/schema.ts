/** What the simulator knows of one type: Graph's own names. */
export type Schema = {
  readonly type: string;
  readonly set: string;
  readonly properties: readonly string[];
  readonly writable: readonly string[];
  /** Query options its lists take. */
  readonly options: readonly string[];
  /** Whether a property is shown where none are selected. */
  readonly default: (name: string) => boolean;
};

const usual = ['$filter', '$select', '$top', '$skip', '$orderby', '$expand', '$count', '$search'];
const recipients = ['toRecipients', 'ccRecipients', 'bccRecipients', 'replyTo'];
const stamps = ['createdDateTime', 'lastModifiedDateTime', 'changeKey', 'webLink', 'categories', 'hasAttachments'];
const shownUser = ['displayName', 'givenName', 'surname', 'mail', 'userPrincipalName', 'jobTitle', 'mobilePhone'];

/** @see https://github.com/microsoftgraph/msgraph-metadata */
export const schemas = {
  user: {
    type: 'user',
    set: 'users',
    properties: [
      ...[...shownUser, 'officeLocation', 'businessPhones', 'preferredLanguage', 'department', 'accountEnabled'],
      ...['createdDateTime', 'companyName', 'userType'],
    ],
    writable: [],
    options: usual,
    default: (name: string) => [...shownUser, 'officeLocation', 'businessPhones', 'preferredLanguage'].includes(name),
  },
  message: {
    type: 'message',
    set: 'users/messages',
    properties: [
      ...['subject', 'body', 'bodyPreview', 'from', 'sender', ...recipients, 'receivedDateTime', 'sentDateTime'],
      ...['isRead', 'isDraft', 'importance', 'conversationId', 'internetMessageId', 'parentFolderId', ...stamps],
      ...['internetMessageHeaders', 'singleValueExtendedProperties'],
    ],
    writable: [
      ...['subject', 'body', ...recipients, 'importance', 'isRead', 'categories', 'internetMessageHeaders'],
      ...['singleValueExtendedProperties', 'from', 'sender'],
    ],
    options: usual,
    default: (name: string) => name !== 'internetMessageHeaders',
  },
  event: {
    type: 'event',
    set: 'users/events',
    properties: [
      ...['subject', 'body', 'bodyPreview', 'start', 'end', 'location', 'attendees', 'organizer', 'isOrganizer'],
      ...['isCancelled', 'isAllDay', 'showAs', 'type', 'isOnlineMeeting', 'onlineMeetingUrl', 'seriesMasterId'],
      ...['transactionId', ...stamps, 'singleValueExtendedProperties', 'importance', 'iCalUId'],
    ],
    writable: [
      ...['subject', 'body', 'start', 'end', 'location', 'attendees', 'isAllDay', 'showAs', 'isOnlineMeeting'],
      ...['transactionId', 'singleValueExtendedProperties', 'importance', 'categories'],
    ],
    options: [...usual, 'startDateTime', 'endDateTime'],
    default: () => true,
  },
  subscription: {
    type: 'subscription',
    set: 'subscriptions',
    properties: [
      ...['resource', 'changeType', 'notificationUrl', 'lifecycleNotificationUrl', 'expirationDateTime'],
      ...['clientState', 'applicationId', 'creatorId'],
    ],
    writable: [
      ...['resource', 'changeType', 'notificationUrl', 'lifecycleNotificationUrl', 'expirationDateTime'],
      ...['clientState', 'latestSupportedTlsVersion'],
    ],
    options: ['$skip', '$top', '$select'],
    default: () => true,
  },
} as const satisfies Readonly<Record<string, Schema>>;

/** The types as CSDL names them, without those that a knob took away. */
export function metadata(hidden: ReadonlySet<string>): string {
  const types = Object.values(schemas).map(({ type, properties }) => {
    const rows = properties
      .filter((name) => !hidden.has(`${type}.${name}`))
      .map((name) => `        <Property Name="${name}" Type="${csdlType(name)}" />`);
    return `      <EntityType Name="${type}" BaseType="graph.entity">\n${rows.join('\n')}\n      </EntityType>`;
  });
  return [
    '<?xml version="1.0" encoding="utf-8"?>',
    '<edmx:Edmx Version="4.0" xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx">',
    '  <edmx:DataServices>',
    '    <Schema Namespace="microsoft.graph" Alias="graph" xmlns="http://docs.oasis-open.org/odata/ns/edm">',
    ...types,
    '    </Schema>',
    '  </edmx:DataServices>',
    '</edmx:Edmx>',
  ].join('\n');
}

function csdlType(name: string): string {
  if (/^(is[A-Z]|has[A-Z]|accountEnabled)/.test(name)) return 'Edm.Boolean';
  if (/DateTime$/.test(name)) return 'Edm.DateTimeOffset';
  if (/Recipients$|^attendees$|^replyTo$/.test(name)) return 'Collection(graph.recipient)';
  if (/^(start|end)$/.test(name)) return 'graph.dateTimeTimeZone';
  return name === 'body' ? 'graph.itemBody' : 'Edm.String';
}
