import type { PlumblineConfig } from '../config/schema.ts';
import type { Sender } from '../connectors/sender.ts';
import type { InboxMessage } from '../model/event.ts';
import type { Json } from '../model/json.ts';
import type { Classified, FailureClass, Operation, PlannedCall } from '../model/operation.ts';
import type { WebhookAdapter } from './adapter.ts';
import { eventIdentity } from './messages.ts';
import type { EventPlan, LiveRecord } from './process.ts';

/** What reading the live record needs. */
export type ReReadDeps = {
  readonly systems: PlumblineConfig['systems'];
  readonly send: Sender;
  readonly loadOperation: (id: string) => Promise<Operation>;
  /** The connector's adapter for a scheme of its own, or null: then nothing is read. */
  readonly adapterOf: (connector: string, scheme: string) => Promise<WebhookAdapter | null>;
};

/**
 * Reads the record an event is about, live: the payload is a hint, the system is the truth.
 * Throws `config_invalid` where the operation is none that reads.
 */
export async function reReadRecord(deps: ReReadDeps, call: PlannedCall, deadlineMs: number): Promise<LiveRecord> {
  const operation = await deps.loadOperation(call.operation);
  const config = deps.systems[call.system];
  if (operation.kind !== 'read' || !config) return { kind: 'unavailable', code: 'config_invalid', lasting: true };
  const context = { apiVersion: config.apiVersion, providerKey: '' };
  const spec = operation.request(context, call.input);
  const sent = await deps.send({ system: call.system, spec, purpose: 'read', deadlineMs });
  if (sent.kind !== 'answer') return unavailable(sent.error);
  const verdict = operation.judge(sent.answer, call.input);
  if (verdict.kind === 'ok') return { kind: 'record', data: verdict.data, fetchedAtMs: sent.fetchedAtMs };
  return verdict.error.class === 'not_found' ? { kind: 'gone' } : unavailable(verdict.error);
}

/**
 * Judges an event by the configuration and says what to read for it. Refused is an event of a system that is not configured, of
 * another account than the configured one, and one that is still not readable where a person asked to try it again.
 */
export async function planEvent(deps: ReReadDeps, message: InboxMessage, item: Json): Promise<EventPlan> {
  const system = Object.hasOwn(deps.systems, message.system) ? deps.systems[message.system] : undefined;
  if (!system) return { kind: 'refused', why: 'system_not_configured', account: null };
  const adapter = await deps.adapterOf(system.connector, message.scheme);
  const readable = message.quarantine === undefined ? message : tryAgain(system, adapter, message, item);
  if (!readable) return { kind: 'refused', why: message.quarantine ?? 'unreadable', account: null };
  if (!adapter) return { kind: 'work', message: readable, call: null, record: null };
  const account = otherAccount(system.account, adapter.account?.(item) ?? {});
  if (account !== null) return { kind: 'refused', why: 'account_mismatch', account };
  const record = adapter.record?.(item, message.system) ?? null;
  return { kind: 'work', message: readable, call: adapter.reRead(item, message.system), record };
}

/** The first part of an account that differs from the configured one, such as `portalId 4712`, or null. */
function otherAccount(
  { is: _is, ...configured }: PlumblineConfig['systems'][string]['account'],
  named: Readonly<Record<string, string>>,
): string | null {
  const other = Object.entries(configured).find(
    ([name, value]) => value !== undefined && Object.hasOwn(named, name) && named[name] !== String(value),
  );
  return other ? `${other[0]} ${named[other[0]]}` : null;
}

/** A quarantined item as the connector reads it now: under its own identity where it has one, else null. */
function tryAgain(
  { webhooks }: PlumblineConfig['systems'][string],
  adapter: WebhookAdapter | null,
  message: InboxMessage,
  item: Json,
): InboxMessage | null {
  if (!adapter) return null;
  const delivery = { ...message, signedId: null, params: webhooks[message.channel]?.params ?? {} };
  try {
    const identity = adapter.identity(item, delivery);
    if (identity === null) return null;
    const { quarantine: _quarantine, ...rest } = message;
    return { ...rest, identity: eventIdentity(message, identity), type: adapter.type(item, delivery).slice(0, 200) };
  } catch {
    // the adapter still cannot take it: a person has to look again
    return null;
  }
}

/** Refusals that stay until a person changes something. One of the credential is not among them: it has a case of its own. */
const lasting: readonly FailureClass[] = ['permission', 'business', 'schema', 'conflict', 'duplicate'];

function unavailable(error: Classified): LiveRecord {
  const { code, retryAfterMs } = error;
  return { kind: 'unavailable', code, retryAfterMs, lasting: lasting.includes(error.class) };
}
