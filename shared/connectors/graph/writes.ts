import type { Json } from '../../model/json.ts';
import type { HttpAnswer, ProbeVerdict, RequestContext, WriteOperation, WriteVerdict } from '../../model/operation.ts';
import { asBeforeOrElse, beforeImage, beforeImageOf } from '../before-image.ts';
import { bodyOf } from '../json-body.ts';
import { type GraphObject, type GraphProperties, type GraphRecord, recordRef, refProperty, refuse } from './client.ts';
import { shows } from './compare.ts';
import { graphFailure } from './errors.ts';
import { findByRef, foundByRef, type ItemInput, isRecord, judgeOne, readOne, unreadable } from './reads.ts';
import { graphObjects, recordOf } from './records.ts';

/**
 * The least time after which a read-back may count absence, milliseconds: longer than Graph works on one request. The operator's
 * `settle` of the system raises it.
 */
export const leastSettleMs = 120_000;

/** What an item in a mailbox can be. */
export type MailboxObject = Exclude<GraphObject, 'user'>;
export type UpdateInput = ItemInput & {
  readonly properties: GraphProperties;
  /** The version the change was decided on: refused as a conflict where somebody changed the record after it. */
  readonly etag?: string;
};

const permissions: Readonly<Record<MailboxObject, string>> = {
  message: 'Mail.ReadWrite',
  event: 'Calendars.ReadWrite',
};

/** Id, connector and permission of one write. */
export function writeNamed(object: MailboxObject, verb: string) {
  return {
    kind: 'write' as const,
    id: `graph.${graphObjects[object].plural}.${verb}`,
    connector: 'graph',
    scopes: [permissions[object]],
  };
}

/** The verdict of an answer that is not the expected success. Unknown unless it proves that nothing was written. */
export function writeFailure(answer: HttpAnswer): WriteVerdict {
  const { error, notApplied } = graphFailure(answer);
  if (!notApplied) return { kind: 'unknown', error: { ...error, class: 'unknown_outcome' } };
  return { kind: 'not_applied', error };
}

/** A success with the record it names; one that cannot be read is unknown. @param id null where the record is a new one */
export function writeSuccess(object: MailboxObject, answer: HttpAnswer, id: string | null): WriteVerdict {
  if (answer.status !== (id === null ? 201 : 200)) return writeFailure(answer);
  const record = recordOf(object, bodyOf(answer) ?? undefined);
  if (!record)
    return { kind: 'unknown', error: { ...unreadable(`the ${object} that was written`), class: 'unknown_outcome' } };
  const records = [recordRef(object, record.id)];
  return { kind: 'applied', data: record, records, ...(id === null ? { created: true } : {}) };
}

/** A read-back that found our effect. */
export function found(object: MailboxObject, record: GraphRecord): ProbeVerdict {
  return { kind: 'equal', data: record, records: [recordRef(object, record.id)] };
}

/** The property by which a new item is found again, whatever becomes of its id. */
export function markedWith(providerKey: string) {
  return { singleValueExtendedProperties: [{ id: refProperty, value: providerKey }] };
}

/** Looks for the item that carries the action's key, in every folder. */
export function probeOfCreate(object: MailboxObject) {
  return {
    request: (context: RequestContext, { userId }: { readonly userId: string }) =>
      findByRef(context, object, userId, context.providerKey),
    judge: (answer: HttpAnswer, _input: unknown, _before: unknown, providerKey: string): ProbeVerdict => {
      const records = foundByRef(object, answer, providerKey);
      if ('class' in records) return { kind: 'inconclusive', error: records };
      const [record] = records;
      return record ? found(object, record) : { kind: 'absent' };
    },
  };
}

/** Whether an answer to a read of one item says that it is not there, or not any more. */
export function saysAbsent(answer: HttpAnswer): boolean {
  return answer.status === 404 && graphFailure(answer).error.class === 'not_found';
}

/** Reads the live item before a write, and again to prove it. @param may why this item may not be written, or null */
export function beforeOf<I extends ItemInput>(
  object: MailboxObject,
  written: (input: I) => readonly string[],
  may: (record: GraphRecord) => string | null = () => null,
) {
  return {
    request: (context: RequestContext, input: I) => readOne(context, object, input),
    judge: (answer: HttpAnswer, input: I) => {
      const read = judgeOne(object, answer, input.userId);
      if (!isRecord(read)) return { kind: 'error' as const, error: read };
      const why = may(read);
      if (why !== null) return { kind: 'error' as const, error: notOurs(why) };
      return { kind: 'ok' as const, data: beforeImage(read, written(input)) };
    },
  };
}

/** The refusal of an item that is not one this operation may touch. */
export function notOurs(message: string) {
  return { class: 'business' as const, code: 'not_possible', message };
}

/** `If-Match` where the change is bound to a version. Throws `invalid_input`. */
export function ifMatch(etag: string | undefined): Readonly<Record<string, string>> {
  if (etag === undefined) return {};
  if (!/^(W\/)?"[!#-~]{1,200}"$/.test(etag)) refuse('a version is none of Graph', 'Give it as the read returned it.');
  return { 'if-match': etag };
}

/** The read-back of an update: the wanted values, those before, or something else. */
export function probeOfUpdate(object: MailboxObject) {
  return {
    request: (context: RequestContext, input: UpdateInput) => readOne(context, object, input),
    judge: (answer: HttpAnswer, input: UpdateInput, stored: Json | null): ProbeVerdict => {
      if (saysAbsent(answer)) return { kind: 'different', data: null };
      const read = judgeOne(object, answer);
      if (!isRecord(read)) return { kind: 'inconclusive', error: read };
      if (shows(read.properties, input.properties)) return found(object, read);
      return asBeforeOrElse(read, stored, shows);
    },
  };
}

/** The properties that are sent: the mailbox stands in the path. */
export function sent({ mailbox: _mailbox, ...properties }: GraphProperties): GraphProperties {
  return properties;
}

/** Text that mail programs put into a header: no line can be added to it. Throws `invalid_input`. */
export function headerText(value: string, what: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are exactly what is refused
  if (!value.isWellFormed() || value.length > 998 || /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/.test(value)) {
    refuse(`${what} is not one line of text`, 'Leave line ends and other control characters out.');
  }
  return value;
}

/** Addresses as Graph takes them. Throws `invalid_input` for anything that is not one plain address. */
export function recipients(addresses: unknown, what: string): Json {
  if (!Array.isArray(addresses) || addresses.length > 500)
    return refuse(`${what} are no list of addresses`, 'Give one list.');
  return addresses.map((address: unknown) => {
    const isPlain = typeof address === 'string' && address.length <= 254;
    if (!isPlain || !/^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$/.test(address)) {
      refuse(`${what} hold something that is no plain address`, 'Give addresses such as maria@example.com only.');
    }
    return { emailAddress: { address: address as string } };
  });
}

/** Deletes one item: it goes to the deleted items, where a person finds it. */
export function deleteOperation(
  object: MailboxObject,
  facts: { readonly why: string; readonly may: (record: GraphRecord) => string | null },
): WriteOperation<ItemInput> {
  const before = beforeOf<ItemInput>(object, () => [], facts.may);
  const gone = (id: string) => ({ data: { id, deleted: true }, records: [recordRef(object, id)] });
  return {
    ...writeNamed(object, 'delete'),
    effect: 'delete',
    resend: { kind: 'upsert', settleMs: leastSettleMs },
    undo: { kind: 'none', why: facts.why },
    request: (context, input) => ({ ...readOne(context, object, input), ...deleted(context, object, input) }),
    judge: (answer, { id }) => (answer.status === 204 ? { kind: 'applied', ...gone(id) } : writeFailure(answer)),
    before,
    probe: {
      request: before.request,
      judge: (answer, { id }, stored) => {
        if (saysAbsent(answer)) return { kind: 'equal', ...gone(id) };
        const read = judgeOne(object, answer);
        if (!isRecord(read)) return { kind: 'inconclusive', error: read };
        const folder = beforeImageOf(stored)?.live.parentFolderId ?? null;
        // It kept its id and lies elsewhere: among the deleted items, or where a person put it.
        const moved = folder !== null && read.properties.parentFolderId !== folder;
        return moved ? { kind: 'different', data: read } : { kind: 'before' };
      },
    },
  };
}

function deleted(context: RequestContext, object: MailboxObject, input: ItemInput) {
  const { path } = readOne(context, object, input);
  return { method: 'DELETE' as const, path: path.split('?')[0] ?? path };
}
