import type { SimAnswer } from '../loopback-server.ts';
import {
  type Call,
  checkBody,
  keyOf,
  listed,
  logEffect,
  need,
  objectBody,
  preferences,
  type Row,
  shown,
} from './call.ts';
import { GraphError, itemNotFound, json, unknownSegment } from './errors.ts';
import { checkVersion, extendedOf, iso } from './message.ts';
import { valueAt } from './odata.ts';
import { schemas } from './schema.ts';
import {
  changeKeyOf,
  guidOf,
  type Item,
  itemOf,
  itemsOf,
  place,
  remove,
  touch,
  type User,
  type Values,
} from './tenant.ts';

const reads = ['Calendars.Read', 'Calendars.ReadWrite'];

/** `/users/{id}/events…` and `/users/{id}/calendarView`. */
export function calendarRoute(call: Call, user: User): SimAnswer {
  const [, , area, id, action] = call.rest;
  const { method } = call.request;
  if (area === 'calendarView') return calendarView(call, user);
  if (id === undefined) return method === 'GET' ? listEvents(call, user) : createEvent(call, user);
  if (action === 'cancel' && method === 'POST') return cancelEvent(call, user, id);
  if (action !== undefined) throw unknownSegment(action);
  return oneEvent(call, user, id);
}

/** An event as JSON shows it to this caller. */
export function eventRow(call: Call, item: Item): Row {
  const { immutableIds } = preferences(call);
  const held = item.values.body as { content: string } | undefined;
  const body = { contentType: 'text', content: `${held?.content ?? ''}\r\n` };
  const value: Values = {
    '@odata.etag': `W/"${changeKeyOf(item)}"`,
    ...{ id: immutableIds ? item.id : item.entryId, changeKey: changeKeyOf(item), ...item.values, body },
    ...{ bodyPreview: held?.content.slice(0, 255) ?? '', hasAttachments: false, categories: [], seriesMasterId: null },
    createdDateTime: iso(item.createdAtMs),
    lastModifiedDateTime: iso(item.modifiedAtMs),
    webLink: `https://outlook.office365.com/owa/?itemid=${encodeURIComponent(item.id)}`,
  };
  return { value, extended: item.extended };
}

function rowsOf(call: Call, user: User): readonly Row[] {
  need(call, 'mailbox', ...reads);
  return itemsOf(call.tenant, user.id, 'event').map((item) => eventRow(call, item));
}

function listEvents(call: Call, user: User): SimAnswer {
  return listed(call, 'event', rowsOf(call, user), { most: 1000, usual: 10 });
}

/** The events that touch a span of time. @throws GraphError 400 */
export function inSpan(call: Call, user: User): readonly Row[] {
  const { query } = call.request;
  const [from, to] = [Date.parse(query.get('startDateTime') ?? ''), Date.parse(query.get('endDateTime') ?? '')];
  if (Number.isNaN(from) || Number.isNaN(to) || to < from) {
    throw new GraphError(400, 'ErrorInvalidParameter', 'The request must include startDateTime and endDateTime.');
  }
  const at = (value: unknown) => Date.parse(`${String(valueAt(value, 'dateTime')).replace(/Z$/, '')}Z`);
  return rowsOf(call, user).filter(({ value }) => at(value.start) < to && at(value.end) > from);
}

function calendarView(call: Call, user: User): SimAnswer {
  return listed(call, 'event', inSpan(call, user), { most: 1000, usual: 10 });
}

function oneEvent(call: Call, user: User, id: string): SimAnswer {
  const { method } = call.request;
  need(call, 'mailbox', ...(method === 'GET' ? reads : ['Calendars.ReadWrite']));
  const item = itemOf(call.tenant, user.id, id);
  if (item?.kind !== 'event') throw itemNotFound();
  if (method === 'GET') return json(200, shown(call, schemas.event, eventRow(call, item)));
  checkVersion(call, item);
  if (method === 'DELETE') {
    remove(call.tenant, item);
    logEffect(call, 'archive', 'event', { id: item.id, key: keyOf(item), properties: {} });
    call.tenant.onChange({ type: 'deleted', of: item });
    return json(204, null);
  }
  if (method !== 'PATCH') throw new GraphError(405, 'Request_BadRequest', 'Specified HTTP method is not allowed.');
  const body = objectBody(call);
  if ('transactionId' in body && body.transactionId !== item.values.transactionId) {
    const message = "Your request can't be completed. ClientId/TransactionId is immutable and cannot be updated.";
    throw new GraphError(400, 'ErrorInvalidRequest', message);
  }
  if (item.values.isOrganizer !== true) throw notOrganizer('update');
  Object.assign(item.values, eventValues(call, body, item.values));
  touch(call.tenant, item);
  logEffect(call, 'update', 'event', { id: item.id, key: keyOf(item), properties: body });
  call.tenant.onChange({ type: 'updated', of: item });
  return json(200, eventRow(call, item).value);
}

const notOrganizer = (what: string) =>
  new GraphError(
    400,
    'ErrorInvalidRequest',
    `Your request can't be completed. You need to be an organizer to ${what} a meeting.`,
  );

/** Written values of an event; times are kept in UTC. @throws GraphError 400 */
function eventValues(call: Call, body: Values, held: Values): Values {
  checkBody(call, schemas.event, body);
  const { singleValueExtendedProperties: _extended, ...values } = body;
  for (const name of ['start', 'end']) {
    const given = values[name] as { dateTime?: unknown; timeZone?: unknown } | undefined;
    if (given === undefined) continue;
    if (
      typeof given?.dateTime !== 'string' ||
      Number.isNaN(Date.parse(given.dateTime)) ||
      !/^(etc\/)?utc$/i.test(String(given.timeZone))
    ) {
      throw new GraphError(400, 'ErrorPropertyValidationFailure', `At least one property failed validation: ${name}.`);
    }
    const dateTime = `${new Date(`${given.dateTime.replace(/Z$/, '')}Z`).toISOString().slice(0, 19)}.0000000`;
    values[name] = { dateTime, timeZone: 'UTC' };
  }
  const [start, end] = [values.start ?? held.start, values.end ?? held.end].map((value) =>
    String(valueAt(value, 'dateTime')),
  );
  if ((start ?? '') > (end ?? '')) {
    throw new GraphError(
      400,
      'ErrorCalendarEndDateIsEarlierThanStartDate',
      'The end date is earlier than the start date.',
    );
  }
  if (Array.isArray(values.attendees)) {
    values.attendees = values.attendees.map((one) => ({
      status: { response: 'none', time: '0001-01-01T00:00:00Z' },
      ...one,
    }));
  }
  return values;
}

function createEvent(call: Call, user: User): SimAnswer {
  need(call, 'mailbox', 'Calendars.ReadWrite');
  if (call.request.method !== 'POST')
    throw new GraphError(405, 'Request_BadRequest', 'Specified HTTP method is not allowed.');
  const body = objectBody(call);
  const sameId = [...call.tenant.items.values()].find(
    (item) =>
      item.userId === user.id && body.transactionId !== undefined && item.values.transactionId === body.transactionId,
  );
  // Known for good, also where the event is gone meanwhile.
  if (sameId) {
    const message =
      "Your request can't be completed. The TransactionId specified in the request has already been used to create a different event.";
    throw new GraphError(409, 'ErrorDuplicateTransactionId', message);
  }
  const organizer = { emailAddress: { name: user.values.displayName, address: user.values.mail } };
  const empty: Values = {
    ...{ subject: '', body: { contentType: 'text', content: '' }, location: { displayName: '' }, attendees: [] },
    ...{ organizer, isOrganizer: true, isCancelled: false, isAllDay: false, showAs: 'busy', type: 'singleInstance' },
    ...{ isOnlineMeeting: false, onlineMeetingUrl: null, transactionId: null, importance: 'normal' },
  };
  if (body.start === undefined || body.end === undefined) {
    throw new GraphError(400, 'ErrorPropertyValidationFailure', 'At least one property failed validation: start, end.');
  }
  const values = { ...empty, ...eventValues(call, body, empty), iCalUId: guidOf('ical', call.tenant.version) };
  const item = place(call.tenant, {
    kind: 'event',
    userId: user.id,
    folder: 'calendar',
    values,
    extended: extendedOf(body),
  });
  logEffect(call, 'create', 'event', { id: item.id, key: keyOf(item), properties: body });
  call.tenant.onChange({ type: 'created', of: item });
  return json(201, eventRow(call, item).value);
}

function cancelEvent(call: Call, user: User, id: string): SimAnswer {
  need(call, 'mailbox', 'Calendars.ReadWrite');
  const item = itemOf(call.tenant, user.id, id);
  if (item?.kind !== 'event') throw itemNotFound();
  if (item.values.isOrganizer !== true) throw notOrganizer('cancel');
  const { comment = null } = objectBody(call) as { comment?: string };
  remove(call.tenant, item);
  logEffect(call, 'archive', 'event', { id: item.id, key: keyOf(item), properties: { comment } });
  call.tenant.onChange({ type: 'deleted', of: item });
  return json(202, null);
}
