import {
  type DynamoDBClient,
  GetItemCommand,
  TransactionCanceledException,
  TransactWriteItemsCommand,
} from '@aws-sdk/client-dynamodb';
import type { ApiKeyRecord, ApiKeyStore } from '../auth/ports.ts';
import { fromItem, type Item, storeFault, toItem } from './dynamo.ts';

const keptAfterExpiryMs = 7 * 86_400_000;

/**
 * API keys in the `state` table: one item a key, and one item an agent that lists its keys. A new key changes both in one
 * transaction that is conditional on the list it saw.
 * Throws `store_unavailable` where the table did not answer.
 */
export function dynamoApiKeyStore(deps: { readonly client: DynamoDBClient; readonly table: string }): ApiKeyStore {
  const get = async (pk: string): Promise<Item | null> => {
    try {
      const command = new GetItemCommand({ TableName: deps.table, Key: toItem({ pk }), ConsistentRead: true });
      return fromItem((await deps.client.send(command)).Item);
    } catch (error) {
      throw storeFault('api-keys.get', error);
    }
  };
  const getKey = async (keyId: string) => ((await get(`key#${keyId}`))?.record as ApiKeyRecord | undefined) ?? null;
  return {
    get: getKey,
    list: async (agent) => {
      const ids = ((await get(`keys#${agent}`))?.ids as readonly string[] | undefined) ?? [];
      const records = await Promise.all(ids.map(getKey));
      // A key whose item has expired away still stands in the list until the next one is issued: it must be seen and dropped.
      return ids.map((id, i) => records[i] ?? goneKey(agent, id));
    },
    put: async (record, seen, drop) => {
      const ids = [...seen.filter((id) => !drop.includes(id)), record.keyId];
      const ttl = Math.ceil((record.expiresAtMs + keptAfterExpiryMs) / 1000);
      const writes = [
        {
          Put: {
            TableName: deps.table,
            Item: toItem({ pk: `key#${record.keyId}`, record, ttl }),
            ConditionExpression: 'attribute_not_exists(pk)',
          },
        },
        { Put: { TableName: deps.table, Item: toItem({ pk: `keys#${record.agent}`, ids }), ...unchanged(seen) } },
      ];
      try {
        await deps.client.send(new TransactWriteItemsCommand({ TransactItems: writes }));
        return 'written';
      } catch (error) {
        if (isLost(error)) return 'lost';
        throw storeFault('api-keys.put', error);
      }
    },
  };
}

function goneKey(agent: string, keyId: string): ApiKeyRecord {
  return { keyId, agent, secretHash: '', createdAtMs: 0, expiresAtMs: 0 };
}

function unchanged(seen: readonly string[]) {
  return seen.length === 0
    ? { ConditionExpression: 'attribute_not_exists(pk)' }
    : { ConditionExpression: 'ids = :seen', ExpressionAttributeValues: toItem({ ':seen': seen }) };
}

function isLost(error: unknown): boolean {
  const reasons = error instanceof TransactionCanceledException ? (error.CancellationReasons ?? []) : [];
  const lost = ['ConditionalCheckFailed', 'TransactionConflict', 'None'];
  return reasons.length > 0 && reasons.every(({ Code }) => lost.includes(Code ?? ''));
}
