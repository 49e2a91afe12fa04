import { type DynamoDBClient, GetItemCommand, PutItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { breakerStateOf } from '../resilience/breaker-guard.ts';
import type { ResilienceStore } from '../resilience/ports.ts';
import { conditionFailed, fromItem, storeFault, toItem } from './dynamo.ts';

const keepBreakerMs = 604_800_000;
const keepAfterWindowMs = 3_600_000;

/**
 * Breakers and rate blocks in the state table: `breaker#<name>` and `rate#<limit>#<window start>`.
 * Throws `store_unavailable` where DynamoDB does not answer. A lease whose answer was lost is never used: the limit is
 * then reached early, not exceeded.
 * @param nowMs wall clock, for the time at which items leave
 */
export function resilienceStore(client: DynamoDBClient, tableName: string, nowMs: () => number): ResilienceStore {
  return {
    async readBreaker(name) {
      try {
        const key = { pk: { S: `breaker#${name}` } };
        const answer = await client.send(new GetItemCommand({ TableName: tableName, Key: key, ConsistentRead: true }));
        const item = fromItem(answer.Item);
        return { state: breakerStateOf(item?.state), version: Number(item?.version ?? 0) };
      } catch (error) {
        throw storeFault('resilience.readBreaker', error);
      }
    },
    async writeBreaker(name, next, expectedVersion) {
      const ttl = Math.ceil((nowMs() + keepBreakerMs) / 1000);
      const item = toItem({ pk: `breaker#${name}`, state: next, version: expectedVersion + 1, ttl });
      try {
        await client.send(new PutItemCommand({ TableName: tableName, Item: item, ...versionIs(expectedVersion) }));
        return 'written';
      } catch (error) {
        if (conditionFailed(error) !== undefined) return 'lost';
        throw storeFault('resilience.writeBreaker', error);
      }
    },
    async takeBlock({ limit, windowStartMs, windowMs, calls, want }) {
      const window = { pk: `rate#${limit}#${windowStartMs}`, endMs: windowStartMs + windowMs, calls };
      let ask = Math.min(want, calls);
      // A block that does not fit whole is taken as far as it goes; others may take the rest in between.
      for (let i = 0; i < 3 && ask > 0; i += 1) {
        const taken = await takeCalls(client, tableName, { ...window, want: ask });
        if (taken.kind === 'taken') return ask;
        ask = Math.min(ask, taken.left);
      }
      return 0;
    },
  };
}

function versionIs(expected: number) {
  if (expected === 0) return { ConditionExpression: 'attribute_not_exists(pk)' };
  return {
    ConditionExpression: '#version = :expected',
    ExpressionAttributeNames: { '#version': 'version' },
    ExpressionAttributeValues: { ':expected': { N: String(expected) } },
  };
}

type Take = { readonly pk: string; readonly endMs: number; readonly calls: number; readonly want: number };

/** Takes exactly `want` calls of a window, or says how many are left. */
async function takeCalls(
  client: DynamoDBClient,
  tableName: string,
  { pk, endMs, calls, want }: Take,
): Promise<{ readonly kind: 'taken' } | { readonly kind: 'short'; readonly left: number }> {
  const command = new UpdateItemCommand({
    TableName: tableName,
    Key: { pk: { S: pk } },
    UpdateExpression: 'ADD #used :want SET #ttl = :ttl',
    ConditionExpression: 'attribute_not_exists(#used) OR #used <= :room',
    ExpressionAttributeNames: { '#used': 'used', '#ttl': 'ttl' },
    ExpressionAttributeValues: {
      ':want': { N: String(want) },
      ':room': { N: String(calls - want) },
      ':ttl': { N: String(Math.ceil((endMs + keepAfterWindowMs) / 1000)) },
    },
    ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
  });
  try {
    await client.send(command);
    return { kind: 'taken' };
  } catch (error) {
    const old = conditionFailed(error);
    if (old === undefined) throw storeFault('resilience.takeBlock', error);
    return { kind: 'short', left: Math.max(0, calls - Number(old?.used ?? 0)) };
  }
}
