import { type DynamoDBClient, GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import type { Json } from '../model/json.ts';
import type { HeldState, ResilienceStore } from '../resilience/ports.ts';
import { conditionFailed, fromItem, type Item, storeFault, toItem } from './dynamo.ts';

/**
 * Breakers, counted calls and turns in the state table, one item each. A write names the version it replaces; one that lost
 * learns what stands there without a read. Throws `store_unavailable` where DynamoDB does not answer.
 * @param nowMs wall clock, for the time at which items leave
 */
export function resilienceStore(client: DynamoDBClient, tableName: string, nowMs: () => number): ResilienceStore {
  return {
    async read(name) {
      try {
        const key = { pk: { S: name } };
        const answer = await client.send(new GetItemCommand({ TableName: tableName, Key: key, ConsistentRead: true }));
        return heldOf(fromItem(answer.Item));
      } catch (error) {
        throw storeFault('resilience.read', error);
      }
    },
    async write(name, { value, over, keepMs }) {
      const ttl = Math.ceil((nowMs() + keepMs) / 1000);
      const command = new PutItemCommand({
        TableName: tableName,
        Item: toItem({ pk: name, value, version: over + 1, ttl }),
        ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
        ...versionIs(over),
      });
      try {
        await client.send(command);
        return { kind: 'written' };
      } catch (error) {
        const old = conditionFailed(error);
        if (old === undefined) throw storeFault('resilience.write', error);
        return { kind: 'lost', ...heldOf(old) };
      }
    },
  };
}

function heldOf(item: Item | null): HeldState {
  return { value: (item?.value ?? null) as Json | null, version: Number(item?.version ?? 0) };
}

function versionIs(expected: number) {
  if (expected === 0) return { ConditionExpression: 'attribute_not_exists(pk)' };
  return {
    ConditionExpression: '#version = :expected',
    ExpressionAttributeNames: { '#version': 'version' },
    ExpressionAttributeValues: { ':expected': { N: String(expected) } },
  };
}
