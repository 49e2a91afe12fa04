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
  const take = async (
    pk: string,
    endMs: number,
    calls: number,
    want: number,
  ): Promise<number | 'full' | { left: number }> => {
    try {
      await client.send(
        new UpdateItemCommand({
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
        }),
      );
      return want;
    } catch (error) {
      const old = conditionFailed(error);
      if (old === undefined) throw storeFault('resilience.takeBlock', error);
      const left = calls - Number(old?.used ?? 0);
      return left > 0 ? { left } : 'full';
    }
  };
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
      try {
        await client.send(
          new PutItemCommand({
            TableName: tableName,
            Item: toItem({ pk: `breaker#${name}`, state: next, version: expectedVersion + 1, ttl }),
            ConditionExpression: expectedVersion === 0 ? 'attribute_not_exists(pk)' : '#version = :expected',
            ...(expectedVersion === 0
              ? {}
              : {
                  ExpressionAttributeNames: { '#version': 'version' },
                  ExpressionAttributeValues: { ':expected': { N: String(expectedVersion) } },
                }),
          }),
        );
        return 'written';
      } catch (error) {
        if (conditionFailed(error) !== undefined) return 'lost';
        throw storeFault('resilience.writeBreaker', error);
      }
    },
    async takeBlock({ limit, windowStartMs, windowMs, calls, want }) {
      const pk = `rate#${limit}#${windowStartMs}`;
      let ask = Math.min(want, calls);
      // A block that does not fit whole is taken as far as it goes; others may take the rest in between.
      for (let i = 0; i < 3; i += 1) {
        const taken = await take(pk, windowStartMs + windowMs, calls, ask);
        if (typeof taken === 'number') return taken;
        if (taken === 'full') return 0;
        ask = Math.min(ask, taken.left);
      }
      return 0;
    },
  };
}
