import type { Clock } from '../../../../shared/model/clock.ts';
import { post, sleepUntil } from '../deliveries.ts';
import type { StateFile } from '../state-file.ts';
import { newId, type Org, type Row, rowOf, valueIn } from './org.ts';
import type { SobjectType } from './schema.ts';

/** Where outbound messages go. */
export type OutboundTarget = {
  /** The address of the channel, without its token. */
  readonly url: string;
  /** The token that stands at the end of the address: these messages carry no signature. */
  readonly secret: string;
  /** Where to connect, if it is not the host of `url`. */
  readonly deliverTo?: string;
};

/** Waits between attempts: from a minute to two hours, for 24 hours. */
export const defaultRetryDelaysMs: readonly number[] = Array.from({ length: 18 }, (_, n) =>
  Math.min(60_000 * 2 ** n, 7_200_000),
);

/** One notification of a changed record. Its id stays the same over all attempts. */
type Notification = { id: string; type: SobjectType; recordId: string; attempt: number };

/** One attempt that was made. */
export type OutboundDelivery = { atMs: number; ids: readonly string[]; attempt: number; acknowledged: boolean };

/** The sender of outbound messages. */
export type OutboundSender = {
  target(target: OutboundTarget | null): void;
  onChange(row: Row): void;
  /** The next `count` notifications are never sent. */
  drop(count: number): void;
  /** The next `count` messages are sent twice. */
  duplicate(count: number): void;
  /** The next `count` messages are held back until the message after them is sent. */
  delay(count: number): void;
  log(): readonly OutboundDelivery[];
  close(): void;
};

type Deps = {
  readonly org: Org;
  readonly clock: Clock;
  readonly file: StateFile;
  readonly retryDelaysMs: readonly number[];
};
type State = {
  readonly deps: Deps;
  target: OutboundTarget | null;
  waiting: Notification[];
  held: Notification[][];
  dropping: number;
  doubling: number;
  delaying: number;
  readonly closed: AbortController;
  readonly log: OutboundDelivery[];
};

/** Objects that a flow sends messages of, and the fields an administrator chose for them. */
const chosen: Partial<Record<SobjectType, readonly string[]>> = {
  Account: ['Name', 'SystemModstamp'],
  Contact: ['LastName', 'SystemModstamp'],
  Opportunity: ['StageName', 'Amount', 'SystemModstamp'],
  Case: ['Status', 'SystemModstamp'],
};
const mostInOneMessage = 100;

/**
 * Sends a notification of each committed change of a record until it is acknowledged: up to 100 of one object in a message, each
 * with the values of the moment of sending, in no promised order. Deletions are not told. A restart sends again what waits.
 * @see https://developer.salesforce.com/docs/atlas.en-us.api.meta/api/sforce_api_om_outboundmessaging_notifications.htm
 */
export function createOutboundSender(deps: Deps): OutboundSender {
  const state: State = {
    ...{ deps, target: null, waiting: [], held: [], dropping: 0, doubling: 0, delaying: 0 },
    ...{ closed: new AbortController(), log: [] },
  };
  return {
    target(target) {
      const first = state.target === null;
      state.target = target;
      if (first && target !== null) for (const one of deps.file.load<Notification>('outbound')) enqueue(state, one);
    },
    onChange(row) {
      if (state.target === null || chosen[row.type] === undefined) return;
      if (state.dropping > 0) {
        state.dropping -= 1;
        return;
      }
      const notification = { id: newId(deps.org, '04l'), type: row.type, recordId: row.id, attempt: 0 };
      deps.file.save('outbound', notification.id, notification);
      enqueue(state, notification);
    },
    drop(count) {
      state.dropping += count;
    },
    duplicate(count) {
      state.doubling += count;
    },
    delay(count) {
      state.delaying += count;
    },
    log: () => state.log,
    close: () => state.closed.abort(),
  };
}

function enqueue(state: State, notification: Notification): void {
  state.waiting.push(notification);
  // After the request that made the change was answered; what comes until then goes in one message.
  if (state.waiting.length === 1) setImmediate(() => flush(state));
}

function flush(state: State): void {
  const waiting = state.waiting.splice(0);
  if (state.closed.signal.aborted) return;
  const types = [...new Set(waiting.map(({ type }) => type))];
  const messages = types.flatMap((type) => {
    const ofType = waiting.filter((one) => one.type === type);
    const starts = Array.from({ length: Math.ceil(ofType.length / mostInOneMessage) }, (_, n) => n * mostInOneMessage);
    return starts.map((start) => ofType.slice(start, start + mostInOneMessage));
  });
  for (const message of messages) {
    if (state.delaying > 0) {
      state.delaying -= 1;
      state.held.push(message);
      continue;
    }
    const copies = state.doubling > 0 ? 2 : 1;
    state.doubling -= copies - 1;
    for (let n = 0; n < copies; n += 1) send(state, message);
    for (const late of state.held.splice(0)) send(state, late);
  }
}

function send(state: State, message: Notification[]): void {
  deliver(state, message).catch(() => undefined);
}

async function deliver(state: State, message: Notification[]): Promise<void> {
  const { target, deps } = state;
  if (target === null) return;
  const acknowledged = await sent(state, target, message);
  const attempt = message[0]?.attempt ?? 0;
  state.log.push({ atMs: deps.clock.now(), ids: message.map(({ id }) => id), attempt, acknowledged });
  const delayMs = deps.retryDelaysMs[attempt];
  if (state.closed.signal.aborted) return;
  if (acknowledged || delayMs === undefined) {
    for (const { id } of message) deps.file.remove('outbound', id);
    return;
  }
  const next = message.map((one) => ({ ...one, attempt: attempt + 1 }));
  await sleepUntil(deps.clock, deps.clock.now() + delayMs, state.closed.signal);
  for (const one of next) enqueue(state, one);
}

const escaped = (text: string) => text.replaceAll(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);

/** The SOAP envelope of one message. */
export function outboundEnvelope(org: Org, message: readonly Pick<Notification, 'id' | 'type' | 'recordId'>[]): string {
  const [first] = message;
  const actionId = `04k000000000001AA${first === undefined ? 'A' : first.type.charAt(0)}`;
  const notifications = message.map(({ id, type, recordId }) => {
    const row = rowOf(org, type, recordId);
    const values = (chosen[type] ?? []).flatMap((name) => {
      const field = org.fields[type].get(name);
      const value = row && field ? valueIn(org, row, field) : null;
      return value === null ? [] : [`<sf:${name}>${escaped(String(value))}</sf:${name}>`];
    });
    return `<Notification><Id>${id}</Id><sObject xsi:type="sf:${type}" xmlns:sf="urn:sobject.enterprise.soap.sforce.com"><sf:Id>${recordId}</sf:Id>${values.join('')}</sObject></Notification>`;
  });
  return `<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body><notifications xmlns="http://soap.sforce.com/2005/09/outbound"><OrganizationId>${org.organizationId}</OrganizationId><ActionId>${actionId}</ActionId><SessionId xsi:nil="true"/><EnterpriseUrl></EnterpriseUrl><PartnerUrl></PartnerUrl>${notifications.join('')}</notifications></soapenv:Body></soapenv:Envelope>`;
}

/** Whether the receiver acknowledged: anything but a SOAP `Ack` that says true is sent again. */
async function sent(state: State, target: OutboundTarget, message: readonly Notification[]): Promise<boolean> {
  const url = `${(target.deliverTo ?? target.url).replace(/\/$/, '')}/${target.secret}`;
  const headers = { 'content-type': 'text/xml; charset=utf-8', soapaction: '""', 'user-agent': 'Axis/1.0' };
  try {
    const body = outboundEnvelope(state.deps.org, message);
    const { status, text } = await post(url, { headers, body, withinMs: 60_000, closed: state.closed.signal });
    return status === 200 && /<(?:[A-Za-z0-9]+:)?Ack>\s*true\s*<\/(?:[A-Za-z0-9]+:)?Ack>/.test(text);
  } catch {
    return false;
  }
}
