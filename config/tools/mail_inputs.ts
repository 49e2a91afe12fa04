import * as z from 'zod/mini';
import { mailboxOfPlace } from '../../shared/connectors/graph/links.ts';
import type { Gate } from '../../shared/policy/gates.ts';
import { email } from './inputs.ts';

/** The id of a user of Microsoft 365, whose mailbox or calendar a tool works in. */
export const userId = z
  .string()
  .check(
    z.toLowerCase(),
    z.regex(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/, 'the id of a user, as returned by user_find'),
  );

/** The id of a message, a conversation or an event. */
export const itemId = z
  .string()
  .check(z.regex(/^(?=[^.@]*[0-9])[A-Za-z0-9_=+/-]{2,512}$/, 'an id as the mail and calendar tools return it'));

/** A time in UTC. */
export const utc = z
  .string()
  .check(
    z.regex(/^20[0-9]{2}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9]Z$/, 'a UTC time: 2026-01-31T12:00:00Z'),
  );

/** A day. */
export const day = z.string().check(z.regex(/^20[0-9]{2}-[01][0-9]-[0-3][0-9]$/, 'a day such as 2026-01-31'));

/** The place where a list goes on. */
export const nextPage = z
  .string()
  .check(z.maxLength(6000), z.regex(/^\/v1\.0\/users[!-~]+$/, 'the `after` of an earlier answer, unchanged'));

/** Addresses, each once: in which order they were named makes no other mail and no other meeting. */
export const addresses = z.array(email).check(
  z.minLength(1),
  z.maxLength(20),
  z.overwrite((given) => [...new Set(given)].sort()),
);

/** Whether a place where a list goes on is in the mailbox that the call names. */
export function isOfMailbox({
  user_id,
  after,
}: {
  readonly user_id: string;
  readonly after?: string | undefined;
}): boolean {
  return after === undefined || mailboxOfPlace(after)?.toLowerCase() === user_id;
}

/** What a place in another mailbox is told. */
export const ofMailbox = '`after` of an earlier answer about the same user_id';

/** What users, messages and events are called in answers. */
export const userFields = {
  displayName: 'name',
  mail: 'email',
  jobTitle: 'job_title',
  department: 'department',
  officeLocation: 'office',
} as const;
export const messageFields = {
  subject: 'subject',
  from: 'from',
  fromName: 'from_name',
  toRecipients: 'to',
  ccRecipients: 'cc',
  receivedDateTime: 'received_at',
  isRead: 'is_read',
  isDraft: 'is_draft',
  hasAttachments: 'has_attachments',
  conversationId: 'conversation_id',
  bodyPreview: 'preview',
} as const;
export const eventFields = {
  subject: 'subject',
  start: 'start',
  end: 'end',
  location: 'location',
  attendees: 'attendees',
  isOrganizer: 'is_organizer',
  isCancelled: 'is_cancelled',
  showAs: 'show_as',
  changeKey: 'version',
} as const;

/** Passes a draft that was not sent. */
export const stillDraft: Gate = {
  name: 'stillDraft',
  says: 'the draft has not been sent yet',
  needs: ['isDraft'],
  judge: ({ live }) =>
    live?.isDraft === true
      ? { kind: 'pass' }
      : {
          kind: 'refuse',
          detail: 'The mail was sent already.',
          nextStep: 'Do not send it again; read the thread with mail_thread_get to see what went out.',
        },
};

/** Passes an event of one's own to which nobody else is invited: others would be told of every change. */
export const nobodyInvited: Gate = {
  name: 'nobodyInvited',
  says: 'nobody else is invited to the event',
  needs: ['attendees'],
  judge: ({ live }) =>
    Array.isArray(live?.attendees) && live.attendees.length === 0
      ? { kind: 'pass' }
      : {
          kind: 'refuse',
          detail: 'Other people are invited to the event, and would be told of the change.',
          nextStep: 'Tell the user: who organizes it changes it in Outlook.',
        },
};
