import { type DynamoDBClient, GetItemCommand, PutItemCommand, QueryCommand } from '@aws-sdk/client-dynamodb';
import { decodeRecord, encodeHash, encodeRecord } from '../action/record-codec.ts';
import type { ActionStore, DueAction, Guard, WriteResult } from '../action/store.ts';
import type { ActionRecord } from '../model/action.ts';
import { conditionFailed, fromItem, type Item, storeFault, toItem } from './dynamo.ts';
import { dueShards, indexes } from './tables.ts';

/** What the adapter of actions needs. */
export type ActionStoreDeps = { readonly client: DynamoDBClient; readonly table: string };

/** A record of an action that can never be new again by time is kept for good; the others go this long after settlement. */
const retentionMs = 400 * 86_400_000;

/** Nothing stands under this key. */
const absent = 'attribute_not_exists(pk)';
/** Exactly this version stands there, owned by this nonce. */
const sameOwned = 'st = :st AND ep = :ep AND ph = :ph AND own = :own';
/** Exactly this version stands there, owned by nobody. */
const sameUnowned = 'st = :st AND ep = :ep AND ph = :ph AND attribute_not_exists(own)';
/** The generation that `again` names stands there, settled. */
const settled = 'gn = :gn AND ph = :ph AND st IN (:s0, :s1)';

/**
 * Action records over DynamoDB: one conditional put a transition, whose failure returns what stands there without a read.
 * No condition looks at the expiry, which is garbage collection only. Throws `store_unavailable` where the table did not answer.
 * @see https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_PutItem.html
 */
export function dynamoActionStore(deps: ActionStoreDeps): ActionStore {
  return {
    dueShards,
    write: (next, guard) => write(deps, next, guard),
    get: (key) => get(deps, key),
    due: (query) => due(deps, query),
  };
}

/** An action's record from a stored item in plain values; also for the images of the stream. */
export function actionRecordFromItem(item: Readonly<Item>): ActionRecord {
  return decodeRecord(item);
}

async function write(deps: ActionStoreDeps, next: ActionRecord, guard: Guard): Promise<WriteResult> {
  try {
    await deps.client.send(
      new PutItemCommand({
        TableName: deps.table,
        Item: toItem({ ...encodeRecord(next), ...upkeep(next) }),
        ...conditionOf(guard),
        ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
      }),
    );
    return { kind: 'written' };
  } catch (error) {
    const current = conditionFailed(error);
    if (current === undefined) throw storeFault('actions.write', error);
    return { kind: 'lost', current: current && decodeRecord(current) };
  }
}

async function get(deps: ActionStoreDeps, key: string): Promise<ActionRecord | null> {
  try {
    const command = new GetItemCommand({ TableName: deps.table, Key: toItem({ pk: key }), ConsistentRead: true });
    const item = fromItem((await deps.client.send(command)).Item);
    return item && decodeRecord(item);
  } catch (error) {
    throw storeFault('actions.get', error);
  }
}

async function due(deps: ActionStoreDeps, query: Parameters<ActionStore['due']>[0]): Promise<readonly DueAction[]> {
  try {
    const answer = await deps.client.send(
      new QueryCommand({
        TableName: deps.table,
        IndexName: indexes.due,
        KeyConditionExpression: 'dq = :shard AND du <= :by',
        ExpressionAttributeValues: toItem({ ':shard': shardName(query.shard), ':by': query.byMs }),
        Limit: query.limit,
      }),
    );
    return (answer.Items ?? []).map((item) => {
      const { pk, du } = fromItem(item) ?? {};
      return { key: String(pk), dueMs: Number(du) };
    });
  } catch (error) {
    throw storeFault('actions.due', error);
  }
}

function conditionOf(guard: Guard) {
  if (guard === 'absent') return { ConditionExpression: absent };
  const ph = encodeHash(guard.intentHash);
  if ('gen' in guard) {
    const [first, second = first] = guard.states;
    const values = { ':gn': guard.gen, ':ph': ph, ':s0': first, ':s1': second };
    return { ConditionExpression: settled, ExpressionAttributeValues: toItem(values) };
  }
  const version = { ':st': guard.state, ':ep': guard.epoch, ':ph': ph };
  return guard.owner === null
    ? { ConditionExpression: sameUnowned, ExpressionAttributeValues: toItem(version) }
    : { ConditionExpression: sameOwned, ExpressionAttributeValues: toItem({ ...version, ':own': guard.owner }) };
}

/** What the table needs beside the record: its place in the sparse index while something must move it, its expiry once settled. */
function upkeep(record: ActionRecord): Item {
  if ('dueMs' in record) return { dq: shardName(shardOf(record.key)) };
  if (!('settledAtMs' in record) || record.occasion === 'ever') return {};
  return { ttl: Math.ceil((record.settledAtMs + retentionMs) / 1000) };
}

/** Keys are uniform, so their last character spreads evenly over the shards. */
function shardOf(key: string): number {
  return key.charCodeAt(key.length - 1) % dueShards;
}

function shardName(shard: number): string {
  return `d${shard}`;
}
