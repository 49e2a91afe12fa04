import { type DynamoDBClient, GetItemCommand, PutItemCommand, QueryCommand } from '@aws-sdk/client-dynamodb';
import type { LedgerPage, LedgerStore } from '../ledger/ports.ts';
import { sha256Hex } from '../model/ids.ts';
import type { LedgerEntry } from '../model/ledger-entry.ts';
import { conditionFailed, fromItem, type Item, storeFault, toItem } from './dynamo.ts';
import { indexes } from './tables.ts';

/** What the ledger's adapter needs. */
export type LedgerStoreDeps = {
  readonly client: DynamoDBClient;
  readonly table: string;
  /** How long an entry is kept, milliseconds; 400 days by default. */
  readonly retentionMs?: number;
};

const day = 86_400_000;
const pageSize = 100;

/**
 * The ledger over DynamoDB. It has one write function, and that one is a put under `attribute_not_exists`.
 * `append` of an id that stands there already is `exists`, which is success: entry ids name facts.
 * Throws `store_unavailable` where the table did not answer.
 */
export function dynamoLedgerStore(deps: LedgerStoreDeps): LedgerStore {
  const query = (index: string, attribute: string, value: string, cursor: string | null) =>
    page(deps, { index, attribute, value, cursor });
  return {
    append: (entry) => append(deps, entry),
    get: (entryId) => get(deps, entryId),
    byRun: (principal, runId, cursor) => query(indexes.ledgerByRun, 'gr', joined(principal, runId), cursor),
    byAction: (actionKey, cursor) => query(indexes.ledgerByAction, 'ga', actionKey, cursor),
    byRecord: (record, cursor) => query(indexes.ledgerByRecord, 'gc', record, cursor),
    byPrincipalDay: (principal, on, cursor) => query(indexes.ledgerByPrincipalDay, 'gp', `${principal}#${on}`, cursor),
    byWorkflow: (workflow, period, cursor) => query(indexes.ledgerByWorkflow, 'gw', joined(workflow, period), cursor),
  };
}

async function append(deps: LedgerStoreDeps, entry: LedgerEntry): Promise<'written' | 'exists'> {
  const item = ledgerItem(entry, deps.retentionMs ?? 400 * day);
  try {
    await deps.client.send(
      new PutItemCommand({
        TableName: deps.table,
        Item: toItem(item),
        ConditionExpression: 'attribute_not_exists(pk)',
      }),
    );
    return 'written';
  } catch (error) {
    if (conditionFailed(error) !== undefined) return 'exists';
    throw storeFault('ledger.append', error);
  }
}

async function get(deps: LedgerStoreDeps, entryId: string): Promise<LedgerEntry | null> {
  try {
    const { Item: item } = await deps.client.send(
      new GetItemCommand({ TableName: deps.table, Key: toItem({ pk: entryId }), ConsistentRead: true }),
    );
    return entryOf(fromItem(item));
  } catch (error) {
    throw storeFault('ledger.get', error);
  }
}

type PageQuery = { index: string; attribute: string; value: string; cursor: string | null };

async function page(deps: LedgerStoreDeps, query: PageQuery): Promise<LedgerPage> {
  const start = startAfter(query);
  try {
    const answer = await deps.client.send(
      new QueryCommand({
        TableName: deps.table,
        IndexName: query.index,
        KeyConditionExpression: '#p = :p',
        ExpressionAttributeNames: { '#p': query.attribute },
        ExpressionAttributeValues: toItem({ ':p': query.value }),
        Limit: pageSize,
        ...start,
      }),
    );
    const entries = (answer.Items ?? []).map((item) => entryOf(fromItem(item)));
    const last = fromItem(answer.LastEvaluatedKey);
    return { entries: entries.filter((entry) => entry !== null), cursor: last ? cursorOf(last) : null };
  } catch (error) {
    throw storeFault(`ledger.${query.index}`, error);
  }
}

// A cursor holds only the place inside the partition: another partition cannot be reached with it.
function cursorOf(last: Item): string {
  return Buffer.from(JSON.stringify([last.pk, last.at])).toString('base64url');
}

function startAfter(query: PageQuery): { ExclusiveStartKey?: ReturnType<typeof toItem> } {
  if (query.cursor === null) return {};
  const place = readCursor(query.cursor);
  return place ? { ExclusiveStartKey: toItem({ pk: place[0], at: place[1], [query.attribute]: query.value }) } : {};
}

function readCursor(cursor: string): readonly [string, string] | null {
  try {
    const place: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
    return Array.isArray(place) && typeof place[0] === 'string' && typeof place[1] === 'string'
      ? [place[0], place[1]]
      : null;
  } catch {
    return null;
  }
}

/**
 * An entry as it is stored: its index keys, the entry itself, and when it expires.
 * `at` carries the entry's hash as well, so that entries of one millisecond keep one order.
 */
function ledgerItem(entry: LedgerEntry, retentionMs: number): Item {
  const iso = new Date(entry.atMs).toISOString();
  return {
    pk: entry.entryId,
    at: `${iso}#${sha256Hex(entry.entryId).slice(0, 8)}`,
    gr: entry.runId === null ? undefined : joined(entry.principal, entry.runId),
    ga: actionKeyOf(entry.actionId),
    gc: entry.record ?? undefined,
    gp: `${entry.principal}#${iso.slice(0, 10)}`,
    gw: entry.workflow === null ? undefined : joined(entry.workflow, entry.period ?? ''),
    ttl: Math.ceil((entry.atMs + retentionMs) / 1000),
    entry,
  };
}

function actionKeyOf(actionId: string | null): string | undefined {
  return actionId === null ? undefined : (actionId.split('_')[1] ?? actionId);
}

// The first part's length in front keeps `a#b` + `c` apart from `a` + `b#c`.
function joined(first: string, second: string): string {
  return `${first.length}#${first}#${second}`;
}

function entryOf(item: Item | null): LedgerEntry | null {
  return item ? (item.entry as LedgerEntry) : null;
}
