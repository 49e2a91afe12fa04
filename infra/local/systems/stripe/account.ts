import type { Clock } from '../../../../shared/model/clock.ts';
import type { EffectLog } from '../effect-log.ts';
import type { StateFile } from '../state-file.ts';

/** The kinds of records the account holds, by Stripe's own name in `object`. */
export const kinds = [
  'customer',
  'product',
  'price',
  'invoice',
  'invoiceitem',
  'charge',
  'refund',
  'payment_intent',
  'event',
  'webhook_endpoint',
] as const;
export type Kind = (typeof kinds)[number];

const prefixes: Readonly<Record<Kind, string>> = {
  customer: 'cus',
  product: 'prod',
  price: 'price',
  invoice: 'in',
  invoiceitem: 'ii',
  charge: 'ch',
  refund: 're',
  payment_intent: 'pi',
  event: 'evt',
  webhook_endpoint: 'we',
};

/** A record as the API shows it. */
export type Body = { id: string; object: string; [field: string]: unknown };

/** A record with what the account knows of it. `indexed` is what search still shows until `indexAtMs`. */
export type Entry = {
  kind: Kind;
  /** Order of making; decides between records of one second. */
  seq: number;
  body: Body;
  deleted: boolean;
  indexed: Body | null;
  indexAtMs: number;
};

/** Who asked for a change: a request with its key, or a person in the dashboard. */
export type Origin = { readonly requestId: string | null; readonly key: string | null };

/** The state of one simulated account. */
export type Account = {
  readonly accountId: string;
  readonly livemode: boolean;
  readonly apiVersion: string;
  readonly searchLagMs: number;
  readonly clock: Clock;
  readonly file: StateFile;
  readonly effects: EffectLog;
  readonly entries: Readonly<Record<Kind, Map<string, Entry>>>;
  nextSeq: number;
  /** Told of every event, after it was made. */
  onEvent: (event: Body) => void;
};

/** An empty account, or what the state file holds. Seeding is the caller's. */
export function openAccount(
  input: Pick<Account, 'accountId' | 'livemode' | 'apiVersion' | 'searchLagMs' | 'clock' | 'file' | 'effects'>,
): Account {
  const entries = Object.fromEntries(kinds.map((kind) => [kind, new Map<string, Entry>()])) as Account['entries'];
  const account: Account = { ...input, entries, nextSeq: 1, onEvent: () => undefined };
  for (const kind of kinds) {
    for (const entry of input.file.load<Entry>(`record:${kind}`)) {
      entries[kind].set(entry.body.id, entry);
      account.nextSeq = Math.max(account.nextSeq, entry.seq + 1);
    }
  }
  return account;
}

/** Seconds of the account's clock. */
export function nowS(account: Account): number {
  return Math.floor(account.clock.now() / 1000);
}

/** The live record, or null. */
export function live(account: Account, kind: Kind, id: unknown): Body | null {
  const entry = typeof id === 'string' ? account.entries[kind].get(id) : undefined;
  return entry && !entry.deleted ? entry.body : null;
}

/** Makes a record and tells of it. @param fields what it shows beside id, object and time */
export function create(
  account: Account,
  kind: Kind,
  fields: Readonly<Record<string, unknown>>,
  origin: Origin,
  createdS = nowS(account),
): Body {
  const seq = account.nextSeq;
  account.nextSeq += 1;
  const id = `${prefixes[kind]}_sim${seq.toString(36).padStart(11, '0')}`;
  const time = kind === 'invoiceitem' ? { date: createdS } : { created: createdS };
  const mode = kind === 'refund' ? {} : { livemode: account.livemode };
  const body: Body = { id, object: kind, ...time, ...mode, ...fields };
  const entry: Entry = {
    kind,
    seq,
    body,
    deleted: false,
    indexed: null,
    indexAtMs: account.clock.now() + account.searchLagMs,
  };
  account.entries[kind].set(id, entry);
  save(account, entry);
  if (kind !== 'event' && origin !== silent) tell(account, `${kind}.created`, body, origin);
  return body;
}

/** Nobody is told of what the account was set up with. */
export const silent: Origin = { requestId: null, key: null };

/** Changes a record and tells of it under `type`; null tells nothing. */
export function change(
  account: Account,
  kind: Kind,
  id: string,
  fields: Readonly<Record<string, unknown>>,
  told: { readonly origin: Origin; readonly type: string | null },
): Body {
  const entry = account.entries[kind].get(id);
  if (!entry) throw new Error(`no ${kind} ${id}`);
  hold(account, entry);
  const previous = Object.fromEntries(Object.keys(fields).map((name) => [name, entry.body[name] ?? null]));
  entry.body = { ...entry.body, ...fields };
  save(account, entry);
  if (told.type !== null) tell(account, told.type, entry.body, told.origin, previous);
  return entry.body;
}

/** Deletes a record: its id is kept, and nothing else is shown. */
export function remove(account: Account, kind: Kind, id: string, origin: Origin): Body {
  const entry = account.entries[kind].get(id);
  if (!entry) throw new Error(`no ${kind} ${id}`);
  hold(account, entry);
  entry.deleted = true;
  save(account, entry);
  tell(account, `${kind}.deleted`, entry.body, origin);
  return { id, object: kind, deleted: true };
}

/** Makes the event of a change and hands it to the sender of webhooks. */
export function tell(
  account: Account,
  type: string,
  body: Body,
  origin: Origin,
  previous?: Readonly<Record<string, unknown>>,
): void {
  const data = {
    object: structuredClone(body),
    ...(previous ? { previous_attributes: structuredClone(previous) } : {}),
  };
  const request = { id: origin.requestId, idempotency_key: origin.key };
  const event = create(
    account,
    'event',
    { api_version: account.apiVersion, data, pending_webhooks: 1, request, type },
    silent,
  );
  account.onEvent(event);
}

/** What search sees of a record now, or null where the index does not know it. */
export function indexedBody(account: Account, entry: Entry): Body | null {
  if (account.clock.now() < entry.indexAtMs) return entry.indexed;
  return entry.deleted ? null : entry.body;
}

function hold(account: Account, entry: Entry): void {
  entry.indexed = indexedBody(account, entry);
  entry.indexAtMs = account.clock.now() + account.searchLagMs;
}

function save(account: Account, entry: Entry): void {
  account.file.save(`record:${entry.kind}`, entry.body.id, entry);
}
