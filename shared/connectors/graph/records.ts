import { isObject, type Json, type JsonObject } from '../../model/json.ts';
import { type GraphObject, type GraphRecord, type GraphValue, rowsOf, textOrNull } from './client.ts';

type Fields = {
  /** Path segment and operation name. */
  readonly plural: string;
  /** Fields Graph answers always where they are asked for: one that is missing has been renamed or removed. */
  readonly always: readonly string[];
  /** Fields that may be left out; they read as null. */
  readonly maybe: readonly string[];
  /** Read only where one record is asked for. */
  readonly single: readonly string[];
};

/** What Graph calls an object's fields, and which are read of it. */
export const graphObjects: Readonly<Record<GraphObject, Fields>> = {
  user: {
    plural: 'users',
    always: ['displayName', 'userPrincipalName', 'mail'],
    maybe: ['givenName', 'surname', 'jobTitle', 'department', 'officeLocation', 'mobilePhone', 'accountEnabled'],
    single: [],
  },
  message: {
    plural: 'messages',
    always: ['subject', 'isDraft', 'conversationId', 'toRecipients'],
    maybe: [
      ...['from', 'ccRecipients', 'bodyPreview', 'receivedDateTime', 'sentDateTime', 'isRead', 'hasAttachments'],
      ...['importance', 'internetMessageId', 'parentFolderId', 'changeKey', 'webLink'],
    ],
    single: ['body'],
  },
  event: {
    plural: 'events',
    always: ['subject', 'start', 'end', 'isCancelled', 'isOrganizer', 'attendees'],
    maybe: [
      ...['organizer', 'location', 'bodyPreview', 'isAllDay', 'showAs', 'type', 'isOnlineMeeting', 'onlineMeetingUrl'],
      ...['seriesMasterId', 'transactionId', 'changeKey', 'webLink'],
    ],
    single: ['body'],
  },
};

const times = ['createdDateTime', 'lastModifiedDateTime'] as const;

/** The value of `$select`: identity and times of a record beside its fields. @param whole also what is read of one record only */
export function selectOf(object: GraphObject, whole: boolean): string {
  const { always, maybe, single } = graphObjects[object];
  const stamps = object === 'user' ? ['createdDateTime'] : times;
  return ['id', ...always, ...maybe, ...(whole ? single : []), ...stamps].join(',');
}

/**
 * A record as Graph answers it, or null where it has no id.
 * @param partial only what changed was answered: a field that is not there says nothing, instead of being empty
 */
export function recordOf(object: GraphObject, value: Json | undefined, partial = false): GraphRecord | null {
  if (!isObject(value) || typeof value.id !== 'string' || value.id === '') return null;
  const { always, maybe, single } = graphObjects[object];
  const properties: Record<string, GraphValue> = {};
  for (const name of [...always, ...single]) if (name in value) properties[name] = plain(value[name]);
  for (const name of maybe) if (name in value || !partial) properties[name] = plain(value[name]);
  if (isObject(value.from)) properties.fromName = nameOf(value.from);
  return {
    id: value.id,
    properties,
    etag: etagOf(value),
    createdAt: textOrNull(value.createdDateTime),
    updatedAt: textOrNull(value.lastModifiedDateTime),
  };
}

/** The record with the mailbox it lies in, so that an agent's scope can name the mailboxes it may work in. */
export function inMailbox(record: GraphRecord, userId: string): GraphRecord {
  return { ...record, properties: { ...record.properties, mailbox: userId } };
}

/** The field of this object that a live record lacks although Graph answers it always, or null. */
export function missingField(object: GraphObject, record: GraphRecord): string | null {
  return graphObjects[object].always.find((name) => !Object.hasOwn(record.properties, name)) ?? null;
}

/** The version of a record: its ETag, or, of an item of a mailbox, its change key in the form of one. */
export function etagOf(value: JsonObject): string | null {
  const tag = textOrNull(value['@odata.etag']);
  const key = textOrNull(value.changeKey);
  return tag ?? (key === null ? null : `W/"${key}"`);
}

/** Plain values stand as they are; addresses, times, bodies and places are what they say; other structures are not read. */
function plain(value: Json | undefined): GraphValue {
  if (value === undefined || value === null) return null;
  if (typeof value !== 'object') return value;
  if (Array.isArray(value)) return rowsOf(value).flatMap((row) => addressOf(row) ?? []);
  const object = value as JsonObject;
  const address = addressOf(object);
  if (address !== null) return address;
  if (typeof object.dateTime === 'string') return utcOf(object.dateTime, textOrNull(object.timeZone));
  if (typeof object.content === 'string') return object.content;
  return textOrNull(object.displayName);
}

function addressOf(value: JsonObject): string | null {
  return isObject(value.emailAddress) ? (textOrNull(value.emailAddress.address)?.toLowerCase() ?? null) : null;
}

function nameOf(value: JsonObject): string | null {
  return isObject(value.emailAddress) ? textOrNull(value.emailAddress.name) : null;
}

/** `2026-01-31T12:00:00.0000000` in UTC as `2026-01-31T12:00:00Z`; a time in another zone keeps the zone beside it. */
function utcOf(dateTime: string, timeZone: string | null): string {
  const short = dateTime.replace(/\.0+$/, '');
  return timeZone === null || timeZone === 'UTC' ? `${short.replace(/Z$/, '')}Z` : `${short} ${timeZone}`;
}
