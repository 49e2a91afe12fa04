import { sha256Hex } from '../../model/ids.ts';
import type { Json } from '../../model/json.ts';
import type { ProbeVerdict, WriteOperation } from '../../model/operation.ts';
import {
  type GraphProperties,
  type GraphRecord,
  type GraphValue,
  itemPath,
  mailboxHeaders,
  recordRef,
  refuse,
  writeSpec,
} from './client.ts';
import { isoTime } from './odata.ts';
import { type ItemInput, isRecord, judgeOne } from './reads.ts';
import {
  beforeOf,
  deleteOperation,
  headerText,
  ifMatch,
  leastSettleMs,
  markedWith,
  probeOfCreate,
  probeOfUpdate,
  recipients,
  saysAbsent,
  sent,
  type UpdateInput,
  writeFailure,
  writeNamed,
  writeSuccess,
} from './writes.ts';

/** Properties: `subject`, `body` (plain text), `start`, `end` (ISO, UTC), `location`, `attendees`, `isAllDay`, `showAs`. */
export type EventCreateInput = { readonly userId: string; readonly properties: GraphProperties };
/** `text`: what the people who were invited read. */
export type CancelInput = ItemInput & { readonly text?: string };

const shownAs = ['free', 'tentative', 'busy', 'oof', 'workingElsewhere'];

/** An event as Graph takes it. Throws `invalid_input`. */
export function eventBody(properties: GraphProperties): Record<string, Json> {
  return Object.fromEntries(Object.entries(sent(properties)).map(([name, value]) => [name, eventValue(name, value)]));
}

function eventValue(name: string, value: GraphValue): Json {
  const text = String(value ?? '');
  switch (name) {
    case 'subject':
      return headerText(text, 'a subject');
    case 'body':
      return { contentType: 'text', content: text };
    case 'start':
    case 'end':
      return { dateTime: isoTime(text).replace(/Z$/, ''), timeZone: 'UTC' };
    case 'location':
      return { displayName: headerText(text, 'a place') };
    case 'attendees':
      return (recipients(value ?? [], 'attendees') as readonly object[]).map((one) => ({ ...one, type: 'required' }));
    case 'isAllDay':
    case 'isOnlineMeeting':
      return typeof value === 'boolean'
        ? value
        : refuse('a property of an event is not yes or no', 'Give true or false.');
    case 'showAs':
      return shownAs.includes(text)
        ? text
        : refuse('showAs is none of its values', `Give one of ${shownAs.join(', ')}.`);
    default:
      return refuse(
        'a property of an event is not one that may be written',
        'Give subject, body, start, end, location.',
      );
  }
}

/** A GUID of the action's key: the form in which `transactionId` is documented. */
export function transactionId(providerKey: string): string {
  const hex = sha256Hex(providerKey);
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join('-');
}

const undoCreate = {
  kind: 'operation' as const,
  operation: 'graph.events.delete',
  how: 'Deletes the event; people who were invited are told.',
};

/**
 * Makes an event. Graph takes one `transactionId` once; a read-back finds the event by the action's key, since nothing says for how
 * long it knows one. `create` invites nobody, `invite` sends invitations.
 * @see https://learn.microsoft.com/en-us/graph/api/calendar-post-events
 */
export function eventCreateOperation(verb: 'create' | 'invite'): WriteOperation<EventCreateInput> {
  return {
    ...writeNamed('event', verb),
    effect: verb === 'create' ? 'create' : 'send',
    resend: { kind: 'probe', settleMs: leastSettleMs },
    undo: undoCreate,
    request: (context, { userId, properties }) => {
      const { attendees } = properties;
      const invited = Array.isArray(attendees) ? attendees.length : 0;
      if ((verb === 'invite') !== invited > 0) {
        refuse(
          'people are invited where none may be, or none where some must',
          'Use invite for events with attendees.',
        );
      }
      const ours = { transactionId: transactionId(context.providerKey), ...markedWith(context.providerKey) };
      return writeSpec(
        'POST',
        itemPath(context, userId, 'events'),
        { ...eventBody(properties), ...ours },
        mailboxHeaders,
      );
    },
    judge: (answer) => writeSuccess('event', answer, null),
    probe: probeOfCreate('event'),
  };
}

const notCancelled = ({ properties }: GraphRecord): string | null =>
  properties.isCancelled === true ? 'The event is cancelled.' : null;

const onlyOrganizer = (record: GraphRecord): string | null =>
  record.properties.isOrganizer === true ? notCancelled(record) : 'Only who organizes an event may do this.';

/** Changes an event, bound to its version where one is given. People who were invited are told by Exchange. */
export function eventUpdateOperation(): WriteOperation<UpdateInput> {
  return {
    ...writeNamed('event', 'update'),
    effect: 'update',
    resend: { kind: 'upsert', settleMs: leastSettleMs },
    undo: { kind: 'operation', operation: 'graph.events.update', how: 'Writes the values of the before-image again.' },
    request: (context, { userId, id, properties, etag }) => {
      if ('attendees' in properties) refuse('attendees are not changed here', 'Cancel the event and invite again.');
      const headers = { ...mailboxHeaders, ...ifMatch(etag) };
      return writeSpec('PATCH', itemPath(context, userId, 'events', id), eventBody(properties), headers);
    },
    judge: (answer, { id }) => writeSuccess('event', answer, id),
    before: beforeOf<UpdateInput>('event', ({ properties }) => Object.keys(properties), onlyOrganizer),
    probe: probeOfUpdate('event'),
  };
}

/** Cancels an event and tells the people who were invited. It then lies among the deleted items. */
export function eventCancelOperation(): WriteOperation<CancelInput> {
  const before = beforeOf<CancelInput>('event', () => ['isCancelled'], onlyOrganizer);
  const gone = (id: string) => ({
    data: { id, properties: { isCancelled: true } },
    records: [recordRef('event', id)],
  });
  return {
    ...writeNamed('event', 'cancel'),
    effect: 'delete',
    resend: { kind: 'upsert', settleMs: leastSettleMs },
    undo: { kind: 'none', why: 'The people who were invited have been told; make a new event.' },
    request: (context, { userId, id, text }) => {
      const comment = text === undefined ? {} : { comment: text };
      return writeSpec('POST', `${itemPath(context, userId, 'events', id)}/cancel`, comment, mailboxHeaders);
    },
    judge: (answer, { id }) => (answer.status === 202 ? { kind: 'applied', ...gone(id) } : writeFailure(answer)),
    before,
    probe: {
      request: before.request,
      judge: (answer, { id }): ProbeVerdict => {
        if (saysAbsent(answer)) return { kind: 'equal', ...gone(id) };
        const read = judgeOne('event', answer);
        if (!isRecord(read)) return { kind: 'inconclusive', error: read };
        return read.properties.isCancelled === true ? { kind: 'equal', ...gone(id) } : { kind: 'before' };
      },
    },
  };
}

/** Deletes an event of one's own; where people were invited they are told. */
export function eventDeleteOperation(): WriteOperation<ItemInput> {
  const why = 'A deleted event lies among the deleted items; people who were invited have been told.';
  return deleteOperation('event', { why, may: onlyOrganizer });
}
