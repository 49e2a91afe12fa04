import {
  type DynamoDBClient,
  GetItemCommand,
  QueryCommand,
  TransactionCanceledException,
  TransactWriteItemsCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import type { CaseStore } from '../ledger/ports.ts';
import type { Case, CaseOpening } from '../model/case.ts';
import type { Random } from '../model/clock.ts';
import { newId, sha256Hex } from '../model/ids.ts';
import { conditionFailed, fromItem, type Item, storeFault, toItem } from './dynamo.ts';
import { indexes } from './tables.ts';

/** What the adapter of cases needs. */
export type CaseStoreDeps = { readonly client: DynamoDBClient; readonly table: string; readonly random: Random };

type Resolution = NonNullable<Case['resolution']>;

const pageSize = 50;
const retentionMs = 400 * 86_400_000;

/**
 * Cases over DynamoDB: one item a case, and while it is open one item for its dedupe key, written and removed with it in one
 * transaction. Two openings of one key at once are therefore one case.
 * Throws `store_unavailable` where the table did not answer.
 */
export function dynamoCaseStore(deps: CaseStoreDeps): CaseStore {
  return {
    open: (opening, nowMs) => open(deps, opening, nowMs),
    get: async (caseId) => caseOf(await getItem(deps, caseId)),
    list: (query) => list(deps, query),
    resolve: (caseId, resolution) => resolve(deps, caseId, resolution),
    escalate: (caseId, nowMs) => escalate(deps, caseId, nowMs),
    settle: async (dedupeKey, resolution) => {
      const open = await getItem(deps, openKey(dedupeKey));
      if (open) await resolve(deps, String(open.caseId), resolution);
    },
  };
}

async function open(deps: CaseStoreDeps, input: CaseOpening, nowMs: number): Promise<Case> {
  const { dedupeKey, dueInMs, ...opening } = input;
  const pk = openKey(dedupeKey);
  for (let attempt = 0; attempt < 10; attempt += 1) {
    const standing = await getItem(deps, pk);
    const known = standing ? caseOf(await getItem(deps, String(standing.caseId))) : null;
    if (known?.state === 'OPEN') return known;
    const times = { openedAtMs: nowMs, dueAtMs: nowMs + dueInMs, escalatedAtMs: null };
    const caseId = newId('case', nowMs, deps.random);
    const made: Case = { ...opening, caseId, state: 'OPEN', ...times, resolution: null };
    const written = await transact(deps, 'cases.open', [
      { Put: { TableName: deps.table, Item: toItem({ pk, caseId }), ConditionExpression: 'attribute_not_exists(pk)' } },
      { Put: { TableName: deps.table, Item: toItem(caseItem(made, pk)) } },
    ]);
    if (written) return made;
  }
  throw storeFault('cases.open', new Error('another writer opened or settled the same case on every attempt'));
}

async function resolve(deps: CaseStoreDeps, caseId: string, resolution: Resolution): Promise<'resolved' | 'lost'> {
  const item = await getItem(deps, caseId);
  const found = caseOf(item);
  if (!item || found?.state !== 'OPEN') return 'lost';
  const next: Case = { ...found, state: 'RESOLVED', resolution };
  const ttl = Math.ceil((resolution.atMs + retentionMs) / 1000);
  const dedupe = String(item.dedupe);
  const done = await transact(deps, 'cases.resolve', [
    {
      Put: {
        TableName: deps.table,
        Item: toItem({ ...caseItem(next, dedupe), ttl }),
        // The whole item is replaced: an escalation in between must not be overwritten.
        ConditionExpression: 'gs = :open AND esc = :esc',
        ExpressionAttributeValues: toItem({ ':open': 'OPEN', ':esc': found.escalatedAtMs ?? 0 }),
      },
    },
    {
      Delete: {
        TableName: deps.table,
        Key: toItem({ pk: dedupe }),
        ConditionExpression: 'caseId = :id',
        ExpressionAttributeValues: toItem({ ':id': caseId }),
      },
    },
  ]);
  if (done) return 'resolved';
  const now = caseOf(await getItem(deps, caseId));
  return now?.state === 'OPEN' && now.escalatedAtMs !== found.escalatedAtMs
    ? resolve(deps, caseId, resolution)
    : 'lost';
}

async function escalate(deps: CaseStoreDeps, caseId: string, nowMs: number): Promise<'escalated' | 'lost'> {
  try {
    await deps.client.send(
      new UpdateItemCommand({
        TableName: deps.table,
        Key: toItem({ pk: caseId }),
        UpdateExpression: 'SET esc = :now, #case.escalatedAtMs = :now',
        ConditionExpression: 'gs = :open AND esc = :never',
        ExpressionAttributeNames: { '#case': 'case' },
        ExpressionAttributeValues: toItem({ ':now': nowMs, ':open': 'OPEN', ':never': 0 }),
      }),
    );
    return 'escalated';
  } catch (error) {
    if (conditionFailed(error) !== undefined) return 'lost';
    throw storeFault('cases.escalate', error);
  }
}

async function list(deps: CaseStoreDeps, query: Parameters<CaseStore['list']>[0]): ReturnType<CaseStore['list']> {
  const [index, attribute, value] =
    query.owner === undefined
      ? [indexes.casesByState, 'gs', query.state]
      : [indexes.casesByOwner, 'go', `${query.owner}#${query.state}`];
  const place = query.cursor === null ? null : readCursor(query.cursor);
  try {
    const answer = await deps.client.send(
      new QueryCommand({
        TableName: deps.table,
        IndexName: index,
        KeyConditionExpression: '#p = :p',
        ExpressionAttributeNames: { '#p': attribute },
        ExpressionAttributeValues: toItem({ ':p': value }),
        Limit: pageSize,
        ...(place ? { ExclusiveStartKey: toItem({ pk: place[0], du: place[1], [attribute]: value }) } : {}),
      }),
    );
    const cases = (answer.Items ?? []).map((item) => caseOf(fromItem(item))).filter((one) => one !== null);
    const last = fromItem(answer.LastEvaluatedKey);
    return { cases, cursor: last ? cursorOf(last) : null };
  } catch (error) {
    throw storeFault('cases.list', error);
  }
}

async function getItem(deps: CaseStoreDeps, pk: string): Promise<Item | null> {
  try {
    const command = new GetItemCommand({ TableName: deps.table, Key: toItem({ pk }), ConsistentRead: true });
    return fromItem((await deps.client.send(command)).Item);
  } catch (error) {
    throw storeFault('cases.get', error);
  }
}

type Writes = NonNullable<ConstructorParameters<typeof TransactWriteItemsCommand>[0]['TransactItems']>;

/** False where a condition failed or another transaction was at the same items: look again. */
async function transact(deps: CaseStoreDeps, what: string, writes: Writes): Promise<boolean> {
  try {
    await deps.client.send(new TransactWriteItemsCommand({ TransactItems: writes }));
    return true;
  } catch (error) {
    const lost = ['ConditionalCheckFailed', 'TransactionConflict', 'None'];
    const reasons = error instanceof TransactionCanceledException ? (error.CancellationReasons ?? []) : [];
    if (reasons.length > 0 && reasons.every(({ Code }) => lost.includes(Code ?? ''))) return false;
    throw storeFault(what, error);
  }
}

function caseItem(made: Case, dedupe: string): Item {
  const owner = `${made.owner}#${made.state}`;
  return {
    pk: made.caseId,
    gs: made.state,
    go: owner,
    du: made.dueAtMs,
    esc: made.escalatedAtMs ?? 0,
    dedupe,
    case: made,
  };
}

function caseOf(item: Item | null): Case | null {
  return item?.case ? (item.case as Case) : null;
}

function openKey(dedupeKey: string): string {
  return `open#${sha256Hex(dedupeKey)}`;
}

function cursorOf(last: Item): string {
  return Buffer.from(JSON.stringify([last.pk, last.du])).toString('base64url');
}

function readCursor(cursor: string): readonly [string, number] | null {
  try {
    const place: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
    return Array.isArray(place) && typeof place[0] === 'string' && typeof place[1] === 'number'
      ? [place[0], place[1]]
      : null;
  } catch {
    return null;
  }
}
