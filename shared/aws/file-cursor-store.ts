import { isDeepStrictEqual } from 'node:util';
import { type DynamoDBClient, GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import type { FileCursor, FileCursorStore } from '../files/ports.ts';
import { conditionFailed, fromItem, storeFault, toItem } from './dynamo.ts';

/**
 * How far files are worked off, in `state` under `file#<id>`. Every write is conditional on the epoch it saw; one that finds
 * exactly itself there is `written`. Throws `store_unavailable`: the write may have happened.
 */
export function dynamoFileCursorStore(client: DynamoDBClient, table: string): FileCursorStore {
  const keyOf = (id: string) => `file#${id}`;
  return {
    async get(id) {
      try {
        const input = { TableName: table, Key: toItem({ pk: keyOf(id) }), ConsistentRead: true };
        const item = fromItem((await client.send(new GetItemCommand(input))).Item);
        return item === null ? null : (item.record as FileCursor);
      } catch (error) {
        throw storeFault('file.get', error);
      }
    },
    async write(next, expectedEpoch) {
      const isNew = expectedEpoch === 0;
      try {
        await client.send(
          new PutItemCommand({
            TableName: table,
            Item: toItem({ pk: keyOf(next.id), ep: next.epoch, record: next }),
            ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
            ConditionExpression: isNew ? 'attribute_not_exists(pk)' : 'ep = :seen',
            ...(isNew ? {} : { ExpressionAttributeValues: toItem({ ':seen': expectedEpoch }) }),
          }),
        );
        return 'written';
      } catch (error) {
        const found = conditionFailed(error);
        if (found !== undefined) return isDeepStrictEqual(found?.record, next) ? 'written' : 'lost';
        throw storeFault('file.write', error);
      }
    },
  };
}
