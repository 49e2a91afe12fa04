import type { ActionRecord } from '../model/action.ts';
import { parseActionId, sha256Hex } from '../model/ids.ts';
import type { LedgerEntry } from '../model/ledger-entry.ts';
import { storedHash } from './entries.ts';
import type { LedgerPage, LedgerStore, PayloadStore } from './ports.ts';

/** A payload as evidence: its hash and bytes; `erased` where the object is gone and only the hash is left. */
export type Exhibit =
  | { readonly kind: 'kept'; readonly hash: string; readonly intact: boolean; readonly bytes: Uint8Array }
  | { readonly kind: 'erased'; readonly hash: string };

/** One call that touched an action: what it was given and exactly what it was answered. */
export type CallEvidence = {
  readonly entry: Extract<LedgerEntry, { kind: 'call' }>;
  readonly context: Exhibit | null;
  readonly modelOutput: Exhibit | null;
  readonly answer: Exhibit | null;
};

/** Everything kept of one generation of an action. */
export type Evidence = {
  readonly actionId: string;
  readonly calls: readonly CallEvidence[];
  readonly before: Exhibit | null;
  readonly after: Exhibit | null;
  readonly intent: Exhibit | null;
  /** Transitions, decisions and notices, oldest first. */
  readonly entries: readonly LedgerEntry[];
};

/** What {@link evidenceOf} reads. */
export type EvidenceDeps = {
  readonly ledger: LedgerStore;
  readonly payloads: PayloadStore;
  readonly actions: { get(key: string): Promise<ActionRecord | null> };
};

/**
 * Collects the evidence of an action: prompt context, model output and answer of each of its calls byte for byte, the record
 * before and after, and every entry. Null where neither ledger nor store knows the action.
 * @param id an action id; only entries of its own generation are returned
 */
export async function evidenceOf(deps: EvidenceDeps, id: string): Promise<Evidence | null> {
  const parsed = parseActionId(id);
  if (!parsed) return null;
  const all = await allPages((cursor) => deps.ledger.byAction(parsed.key, cursor));
  const entries = all.filter((entry) => entry.actionId === id);
  const record = await deps.actions.get(parsed.key);
  const current = record?.gen === parsed.gen ? record : null;
  if (entries.length === 0 && !current) return null;
  const calls: CallEvidence[] = [];
  for (const entry of entries) {
    if (entry.kind !== 'call') continue;
    const [context, answer] = await Promise.all([
      exhibit(deps.payloads, entry.contextHash),
      exhibit(deps.payloads, entry.answerHash),
    ]);
    const modelOutput = await exhibit(deps.payloads, entry.modelOutputHash ?? modelOutputIn(context));
    calls.push({ entry, context, modelOutput, answer });
  }
  const transitions = entries.filter((entry) => entry.kind === 'transition');
  const beforeHash = transitions.findLast((entry) => entry.beforeHash !== null)?.beforeHash ?? null;
  const afterHash = transitions.findLast((entry) => entry.afterHash !== null)?.afterHash ?? null;
  return {
    actionId: id,
    calls,
    before: await exhibit(deps.payloads, beforeHash),
    after: await exhibit(deps.payloads, afterHash),
    intent: current ? await intentOf(deps.payloads, current) : null,
    entries,
  };
}

/** Every page of a query, oldest first. */
export async function allPages(
  next: (cursor: string | null) => Promise<LedgerPage>,
  atMost = Number.POSITIVE_INFINITY,
): Promise<LedgerEntry[]> {
  const entries: LedgerEntry[] = [];
  let cursor: string | null = null;
  do {
    const page: LedgerPage = await next(cursor);
    entries.push(...page.entries);
    cursor = page.cursor;
  } while (cursor !== null && entries.length < atMost);
  return entries;
}

/** An exhibit as JSON carries it: text where the bytes are UTF-8, else base64, so that the bytes can be had back exactly. */
export function exhibitJson(one: Exhibit | null) {
  if (!one) return null;
  if (one.kind === 'erased') return { hash: one.hash, erased: true };
  const head = { hash: one.hash, intact: one.intact };
  try {
    return { ...head, text: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(one.bytes) };
  } catch {
    return { ...head, base64: Buffer.from(one.bytes).toString('base64') };
  }
}

async function exhibit(payloads: PayloadStore, hash: string | null): Promise<Exhibit | null> {
  if (hash === null || hash === '') return null;
  const bytes = await payloads.get(hash);
  return bytes ? { kind: 'kept', hash, intact: sha256Hex(bytes) === hash, bytes } : { kind: 'erased', hash };
}

/** The entry of a call that made a transition is written from the record, which names the context alone; that names the rest. */
function modelOutputIn(context: Exhibit | null): string | null {
  const hash = context?.kind === 'kept' && context.intact ? memberOf(context.bytes, 'model_output_sha256') : null;
  return typeof hash === 'string' && /^[0-9a-f]{64}$/.test(hash) ? hash : null;
}

function memberOf(bytes: Uint8Array, name: string): unknown {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(bytes));
    return typeof value === 'object' && value !== null ? Reflect.get(value, name) : null;
  } catch {
    return null;
  }
}

async function intentOf(payloads: PayloadStore, record: ActionRecord): Promise<Exhibit | null> {
  if ('object' in record.intent) return exhibit(payloads, record.intent.object);
  const hash = storedHash(record.intent) ?? '';
  return { kind: 'kept', hash, intact: true, bytes: new TextEncoder().encode(JSON.stringify(record.intent.inline)) };
}
