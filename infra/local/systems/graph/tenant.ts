import { createHash } from 'node:crypto';
import type { Clock } from '../../../../shared/model/clock.ts';
import type { EffectLog } from '../effect-log.ts';
import type { StateFile } from '../state-file.ts';

export type Values = Record<string, unknown>;

/** A user of the directory. */
export type User = {
  id: string;
  values: Values;
  version: number;
  changed: string[];
  removed: boolean;
  hasMailbox: boolean;
};

/** A message or an event of a mailbox. Times of events are UTC. */
export type Item = {
  kind: 'message' | 'event';
  /** The immutable id, and the one that changes with every move. */
  id: string;
  entryId: string;
  userId: string;
  folder: string;
  values: Values;
  /** Extended properties by their id in lower case. */
  extended: Record<string, string>;
  version: number;
  createdAtMs: number;
  modifiedAtMs: number;
  removed: boolean;
  /** Not to be found before: a mail on its way out. */
  hiddenUntilMs: number;
};

/** One subscription of the application. */
export type Subscription = {
  id: string;
  resource: string;
  changeType: string;
  notificationUrl: string;
  lifecycleNotificationUrl: string | null;
  clientState: string | null;
  expiresAtMs: number;
  immutableIds: boolean;
};

/** Faults that only Graph has, beside those of the fault book. */
export type Knobs = {
  /** Every token is refused, however new. */
  rejectsTokens: boolean;
  /** The secret of the application has ended. */
  secretExpired: boolean;
  /** Properties that are not there any more, as `message.subject`. */
  readonly hidden: Set<string>;
  /** Cursors that were given out before this change are of no use. */
  cursorsBefore: number;
  /** How a cursor of no use is refused. */
  resyncStatus: 400 | 410;
  /** The copy of a sent mail keeps the id of its draft. Observed both ways. */
  sentKeepsId: boolean;
  /** How long a sent mail is nowhere to be found, milliseconds. */
  outboxMs: number;
  /** Each delta round begins with a page without changes. */
  emptyPages: boolean;
  /** Where links of pages lead; null is where the request came in. */
  linkOrigin: string | null;
  /** Requests inside a batch that are refused with 429, by their number from 1. */
  readonly throttledInBatch: Set<number>;
  /** Mailboxes that take no more mails to send for now. */
  sendLimitReached: boolean;
};

/** The state of one simulated tenant. */
export type Tenant = {
  readonly tenantId: string;
  readonly licences: readonly string[];
  readonly clock: Clock;
  readonly file: StateFile;
  readonly effects: EffectLog;
  readonly users: Map<string, User>;
  readonly items: Map<string, Item>;
  readonly subscriptions: Map<string, Subscription>;
  readonly knobs: Knobs;
  /** Rises with every change. */
  version: number;
  /** Told of every committed change. */
  onChange: (change: Change) => void;
};

/** One change that subscriptions may be about. */
export type Change = { readonly type: 'created' | 'updated' | 'deleted'; readonly of: Item | User };

/** An empty tenant, or what the state file holds. Seeding is the caller's. */
export function openTenant(input: Pick<Tenant, 'tenantId' | 'licences' | 'clock' | 'file' | 'effects'>): Tenant {
  const { file } = input;
  const tenant: Tenant = {
    ...input,
    users: new Map(file.load<User>('user').map((user) => [user.id, user])),
    items: new Map(file.load<Item>('item').map((item) => [item.id, item])),
    subscriptions: new Map(file.load<Subscription>('subscription').map((one) => [one.id, one])),
    knobs: {
      ...{ rejectsTokens: false, secretExpired: false, hidden: new Set(), cursorsBefore: 0, resyncStatus: 410 },
      ...{ sentKeepsId: false, outboxMs: 0, emptyPages: false, linkOrigin: null, throttledInBatch: new Set() },
      sendLimitReached: false,
    },
    version: Math.max(0, ...file.load<number>('version')),
    onChange: () => undefined,
  };
  return tenant;
}

/** A GUID that is the same for the same words. */
export function guidOf(...words: readonly (string | number)[]): string {
  const hex = createHash('sha256').update(words.join('\n')).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

/** The next change's number. */
export function nextVersion(tenant: Tenant): number {
  tenant.version += 1;
  tenant.file.save('version', 'last', tenant.version);
  return tenant.version;
}

/** An id as mailboxes make them. @param prefix `AAkALg` is immutable, `AAMkAG` changes with moves */
export function newItemId(tenant: Tenant, prefix: string): string {
  const serial = nextVersion(tenant);
  const middle = createHash('sha256').update(`${tenant.tenantId}${serial}`).digest('base64url').slice(0, 40);
  return `${prefix}${middle}${serial.toString(36).padStart(6, '0')}A=`;
}

/** Puts an item there without telling anybody; for seeds and for what follows from a request. */
export function place(
  tenant: Tenant,
  input: Pick<Item, 'kind' | 'userId' | 'folder' | 'values'> & Partial<Item>,
): Item {
  const nowMs = tenant.clock.now();
  const item: Item = {
    id: input.id ?? newItemId(tenant, 'AAkALg'),
    entryId: newItemId(tenant, 'AAMkAG'),
    ...{ extended: {}, createdAtMs: nowMs, modifiedAtMs: nowMs, removed: false, hiddenUntilMs: 0 },
    ...input,
    version: nextVersion(tenant),
  };
  tenant.items.set(item.id, item);
  tenant.file.save('item', item.id, item);
  return item;
}

/** Writes a changed item. */
export function touch(tenant: Tenant, item: Item): void {
  item.version = nextVersion(tenant);
  item.modifiedAtMs = tenant.clock.now();
  tenant.file.save('item', item.id, item);
}

/** Takes an item away: it stays known for delta queries. */
export function remove(tenant: Tenant, item: Item): void {
  item.removed = true;
  touch(tenant, item);
}

/** Writes a new or changed user. */
export function putUser(tenant: Tenant, user: User, changed: readonly string[]): void {
  user.version = nextVersion(tenant);
  user.changed = [...changed];
  tenant.users.set(user.id, user);
  tenant.file.save('user', user.id, user);
}

/** A user by id or user principal name, or null. */
export function userOf(tenant: Tenant, name: string): User | null {
  const wanted = name.toLowerCase();
  const found =
    tenant.users.get(wanted) ??
    [...tenant.users.values()].find(({ values }) => String(values.userPrincipalName).toLowerCase() === wanted);
  return found && !found.removed ? found : null;
}

/** A live item of a user by either id, or null. */
export function itemOf(tenant: Tenant, userId: string, id: string): Item | null {
  const found = tenant.items.get(id) ?? [...tenant.items.values()].find(({ entryId }) => entryId === id);
  if (!found || found.userId !== userId || found.removed || found.hiddenUntilMs > tenant.clock.now()) return null;
  return found;
}

/** The live items of a user. */
export function itemsOf(tenant: Tenant, userId: string, kind: Item['kind']): readonly Item[] {
  const nowMs = tenant.clock.now();
  return [...tenant.items.values()].filter(
    (item) => item.userId === userId && item.kind === kind && !item.removed && item.hiddenUntilMs <= nowMs,
  );
}

/** The change key of a version, and the ETag that carries it. */
export function changeKeyOf(item: Pick<Item, 'version'>): string {
  return `CQAAABYAAAD${item.version.toString(36).padStart(9, '0')}AAA`;
}
