import type { PlumblineConfig } from '../config/schema.ts';
import type { Sender } from '../connectors/sender.ts';
import type { InboxMessage } from '../model/event.ts';
import type { Json } from '../model/json.ts';
import type { Operation, PlannedCall, RecordRef } from '../model/operation.ts';
import type { WebhookAdapter } from './adapter.ts';
import type { LiveRecord } from './process.ts';

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
  if (operation.kind !== 'read' || !config) return { kind: 'unavailable', code: 'config_invalid' };
  const context = { apiVersion: config.apiVersion, providerKey: '' };
  const spec = operation.request(context, call.input);
  const sent = await deps.send({ system: call.system, spec, purpose: 'read', deadlineMs });
  if (sent.kind !== 'answer') return unavailable(sent.error);
  const verdict = operation.judge(sent.answer, call.input);
  if (verdict.kind === 'ok') return { kind: 'record', data: verdict.data, fetchedAtMs: sent.fetchedAtMs };
  return verdict.error.class === 'not_found' ? { kind: 'gone' } : unavailable(verdict.error);
}

/** What to read for an item, and which record it is about. */
export async function planReRead(
  deps: ReReadDeps,
  message: InboxMessage,
  item: Json,
): Promise<{ readonly call: PlannedCall | null; readonly record: RecordRef | null }> {
  const connector = deps.systems[message.system]?.connector;
  const adapter = connector === undefined ? null : await deps.adapterOf(connector, message.scheme);
  if (!adapter) return { call: null, record: null };
  return { call: adapter.reRead(item, message.system), record: adapter.record?.(item, message.system) ?? null };
}

function unavailable(error: { readonly code: string; readonly retryAfterMs?: number }): LiveRecord {
  return { kind: 'unavailable', code: error.code, retryAfterMs: error.retryAfterMs };
}
