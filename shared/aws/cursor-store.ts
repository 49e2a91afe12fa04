import { isDeepStrictEqual } from 'node:util';
import { type DynamoDBClient, GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { conditionFailed, fromItem, storeFault, toItem } from './dynamo.ts';

/** How far something has been worked off; every write adds one to its epoch. */
type Cursor = { readonly id: string; readonly epoch: number };

/** Cursors of one kind, in `state` under `<kind>#<id>`, with the guarantee of `dynamoEpochStore`. */
export const dynamoCursorStore = <C extends Cursor>(
  client: DynamoDBClient,
  table: string,
  kind: 'file' | 'feed' | 'subscription' | 'endpoint',
) => dynamoEpochStore<C>(client, table, kind, ({ id }) => id);

/**
 * Records that carry an epoch, in `state` under `<kind>#<id>`. Reads are consistent; every write is conditional on the epoch it
 * saw. A write that finds exactly itself there (its first answer was lost and the client repeated it) is `written`.
 * Throws `store_unavailable`: the write may have happened.
 */
export function dynamoEpochStore<R extends { readonly epoch: number }>(
  client: DynamoDBClient,
  table: string,
  kind: string,
  idOf: (record: R) => string,
) {
  const keyOf = (id: string) => `${kind}#${id}`;
  return {
    async get(id: string): Promise<R | null> {
      try {
        const input = { TableName: table, Key: toItem({ pk: keyOf(id) }), ConsistentRead: true };
        const item = fromItem((await client.send(new GetItemCommand(input))).Item);
        return item === null ? null : (item.record as R);
      } catch (error) {
        throw storeFault(`${kind}.get`, error);
      }
    },
    /** @param expectedEpoch the one that was read, 0 where there was none */
    async write(next: R, expectedEpoch: number): Promise<'written' | 'lost'> {
      const isNew = expectedEpoch === 0;
      try {
        await client.send(
          new PutItemCommand({
            TableName: table,
            Item: toItem({ pk: keyOf(idOf(next)), ep: next.epoch, record: next }),
            ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
            ConditionExpression: isNew ? 'attribute_not_exists(pk)' : 'ep = :seen',
            ...(isNew ? {} : { ExpressionAttributeValues: toItem({ ':seen': expectedEpoch }) }),
          }),
        );
        return 'written';
      } catch (error) {
        const found = conditionFailed(error);
        if (found !== undefined) return isDeepStrictEqual(found?.record, next) ? 'written' : 'lost';
        throw storeFault(`${kind}.write`, error);
      }
    },
  };
}
