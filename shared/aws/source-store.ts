import { type DynamoDBClient, GetItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import type { SourceName, SourceStore } from '../webhooks/ports.ts';
import { conditionFailed, fromItem, type Item, storeFault, toItem } from './dynamo.ts';

/** What the adapter of channels needs. */
export type SourceStoreDeps = { readonly client: DynamoDBClient; readonly table: string };

/**
 * When each channel was last heard of, in the state table under `source#<system>#<channel>`.
 * Throws `store_unavailable` where the table did not answer.
 */
export function dynamoSourceStore({ client, table }: SourceStoreDeps): SourceStore {
  return {
    async seen(source, atMs) {
      try {
        await client.send(
          new UpdateItemCommand({
            TableName: table,
            Key: toItem({ pk: keyOf(source) }),
            UpdateExpression: 'SET seenMs = :at, watchedMs = if_not_exists(watchedMs, :at)',
            ConditionExpression: 'attribute_not_exists(seenMs) OR seenMs < :at',
            ExpressionAttributeValues: toItem({ ':at': atMs }),
          }),
        );
      } catch (error) {
        if (conditionFailed(error) === undefined) throw storeFault('sources.seen', error);
      }
    },
    async watch(source, nowMs) {
      try {
        const Key = toItem({ pk: keyOf(source) });
        const known = fromItem(
          (await client.send(new GetItemCommand({ TableName: table, Key, ConsistentRead: true }))).Item,
        );
        if (typeof known?.watchedMs === 'number') return watchOf(known);
        const begin = new UpdateItemCommand({
          TableName: table,
          Key,
          UpdateExpression: 'SET watchedMs = if_not_exists(watchedMs, :now)',
          ExpressionAttributeValues: toItem({ ':now': nowMs }),
          ReturnValues: 'ALL_NEW',
        });
        return watchOf(fromItem((await client.send(begin)).Attributes) ?? { watchedMs: nowMs });
      } catch (error) {
        throw storeFault('sources.watch', error);
      }
    },
  };
}

function keyOf({ system, channel }: SourceName): string {
  return `source#${system}#${channel}`;
}

function watchOf(item: Item): { watchedSinceMs: number; lastSeenMs: number | null } {
  return { watchedSinceMs: Number(item.watchedMs), lastSeenMs: typeof item.seenMs === 'number' ? item.seenMs : null };
}
