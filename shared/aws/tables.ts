/** One index of a table: partition and sort attribute, and what it projects. */
export type IndexSpec = {
  readonly name: string;
  readonly partition: string;
  readonly sort: { readonly name: string; readonly type: 'S' | 'N' };
  readonly projection: 'ALL' | 'KEYS_ONLY';
};

/** One table: every table has the partition key `pk` (string) and no sort key. */
export type TableSpec = {
  readonly name: TableName;
  readonly holds: string;
  readonly stream: boolean;
  readonly ttl: boolean;
  readonly indexes: readonly IndexSpec[];
};

export type TableName = 'actions' | 'inbox' | 'ledger' | 'cases' | 'links' | 'state' | 'control';

/** The environment variable that carries a table's name into a function. */
export const tableEnv: Readonly<Record<TableName, string>> = {
  actions: 'TABLE_ACTIONS',
  inbox: 'TABLE_INBOX',
  ledger: 'TABLE_LEDGER',
  cases: 'TABLE_CASES',
  links: 'TABLE_LINKS',
  state: 'TABLE_STATE',
  control: 'TABLE_CONTROL',
};

/** Shards of the `due` index: open actions spread over them by key. */
export const dueShards = 8;

/** Index names, as adapters and grants use them. */
export const indexes = {
  due: 'due',
  ledgerByRun: 'by-run',
  ledgerByAction: 'by-action',
  ledgerByRecord: 'by-record',
  ledgerByPrincipalDay: 'by-principal-day',
  ledgerByWorkflow: 'by-workflow',
  casesByState: 'by-state',
  casesByOwner: 'by-owner',
} as const;

const at = { name: 'at', type: 'S' } as const;
const due = { name: 'du', type: 'N' } as const;

/** Every table and index of the product; the state stack creates exactly these, docs/data.md explains them. */
export const tables: readonly TableSpec[] = [
  {
    name: 'actions',
    holds: 'one record per action key',
    stream: true,
    ttl: true,
    indexes: [{ name: indexes.due, partition: 'dq', sort: due, projection: 'KEYS_ONLY' }],
  },
  { name: 'inbox', holds: 'claims of events', stream: false, ttl: true, indexes: [] },
  {
    name: 'ledger',
    holds: 'append-only entries; pk is the entry id',
    stream: true,
    ttl: true,
    indexes: [
      { name: indexes.ledgerByRun, partition: 'gr', sort: at, projection: 'ALL' },
      { name: indexes.ledgerByAction, partition: 'ga', sort: at, projection: 'ALL' },
      { name: indexes.ledgerByRecord, partition: 'gc', sort: at, projection: 'ALL' },
      { name: indexes.ledgerByPrincipalDay, partition: 'gp', sort: at, projection: 'ALL' },
      { name: indexes.ledgerByWorkflow, partition: 'gw', sort: at, projection: 'ALL' },
    ],
  },
  {
    name: 'cases',
    holds: 'approvals and exceptions',
    stream: false,
    ttl: true,
    indexes: [
      { name: indexes.casesByState, partition: 'gs', sort: due, projection: 'ALL' },
      { name: indexes.casesByOwner, partition: 'go', sort: due, projection: 'ALL' },
    ],
  },
  { name: 'links', holds: 'identity of one entity across systems', stream: false, ttl: false, indexes: [] },
  {
    name: 'state',
    holds: 'tokens, agent keys, breakers, counted calls, turns, budgets, cursors, leases',
    stream: false,
    ttl: true,
    indexes: [],
  },
  { name: 'control', holds: 'kill switches, pauses, revoked keys: one item', stream: false, ttl: false, indexes: [] },
];
