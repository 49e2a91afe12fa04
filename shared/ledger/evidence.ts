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
  /** Transitions, decisions and notices, and the entries of the calls above, oldest first. */
  readonly entries: readonly LedgerEntry[];
  /** The place of the first call that is left for another page, or null. */
  readonly next: number | null;
};

/** Most calls of one page, and after how many bytes of them it ends: an answer of Lambda holds 6 MB. */
const pageCalls = 50;
const pageBytes = 2_000_000;
const maxEntries = 20_000;

/** What {@link evidenceOf} reads. */
export type EvidenceDeps = {
  readonly ledger: LedgerStore;
  readonly payloads: PayloadStore;
  readonly actions: { get(key: string): Promise<ActionRecord | null> };
};

/**
 * Collects the evidence of an action: prompt context, model output and answer of each of its calls byte for byte, the record
 * before and after, and every entry. Null where neither ledger nor store knows the action.
 * Calls come in pages: an agent may have repeated one call without end.
 * @param id an action id; only entries of its own generation are returned; @param from the place of the page's first call
 */
export async function evidenceOf(deps: EvidenceDeps, id: string, from = 0): Promise<Evidence | null> {
  const parsed = parseActionId(id);
  if (!parsed) return null;
  const all = await allPages((cursor) => deps.ledger.byAction(parsed.key, cursor), maxEntries);
  const entries = all.filter((entry) => entry.actionId === id);
  const record = await deps.actions.get(parsed.key);
  const current = record?.gen === parsed.gen ? record : null;
  if (entries.length === 0 && !current) return null;
  const { calls, next } = await callsOf(deps.payloads, entries.filter(isCall), from);
  const shown = new Set<LedgerEntry>(calls.map(({ entry }) => entry));
  const transitions = entries.filter((entry) => entry.kind === 'transition');
  const beforeHash = transitions.findLast((entry) => entry.beforeHash !== null)?.beforeHash ?? null;
  const afterHash = transitions.findLast((entry) => entry.afterHash !== null)?.afterHash ?? null;
  return {
    actionId: id,
    calls,
    before: await exhibit(deps.payloads, beforeHash),
    after: await exhibit(deps.payloads, afterHash),
    intent: current ? await intentOf(deps.payloads, current) : null,
    entries: entries.filter((entry) => !isCall(entry) || shown.has(entry)),
    next,
  };
}

type CallEntry = Extract<LedgerEntry, { kind: 'call' }>;

function isCall(entry: LedgerEntry): entry is CallEntry {
  return entry.kind === 'call';
}

/** One page of calls with what is kept of each: at least one, and no more once they hold many bytes. */
async function callsOf(payloads: PayloadStore, entries: readonly CallEntry[], from: number) {
  const calls: CallEvidence[] = [];
  let bytes = 0;
  for (const entry of entries.slice(from, from + pageCalls)) {
    if (bytes > pageBytes) break;
    const [context, answer] = await Promise.all([
      exhibit(payloads, entry.contextHash),
      exhibit(payloads, entry.answerHash),
    ]);
    const modelOutput = await exhibit(payloads, entry.modelOutputHash ?? modelOutputIn(context));
    for (const one of [context, modelOutput, answer]) bytes += one?.kind === 'kept' ? one.bytes.byteLength : 0;
    calls.push({ entry, context, modelOutput, answer });
  }
  const end = from + calls.length;
  return { calls, next: end < entries.length ? end : null };
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
