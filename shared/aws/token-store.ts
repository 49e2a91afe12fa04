import { isDeepStrictEqual } from 'node:util';
import { type DynamoDBClient, GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import type { CredentialRecord, CredentialStore, TokenRecord, TokenStore } from '../auth/ports.ts';
import { conditionFailed, fromItem, storeFault, toItem } from './dynamo.ts';

/**
 * Token items in `state`, under `token#<system>`. Reads are consistent; every write is conditional on the epoch it saw.
 * A write that finds exactly itself there (its first answer was lost and the client repeated it) is `written`.
 * Throws `store_unavailable`: the write may have happened.
 */
export function dynamoTokenStore(client: DynamoDBClient, table: string): TokenStore {
  const keyOf = (system: string) => `token#${system}`;
  return {
    async get(system) {
      try {
        const input = { TableName: table, Key: toItem({ pk: keyOf(system) }), ConsistentRead: true };
        const item = fromItem((await client.send(new GetItemCommand(input))).Item);
        return item === null ? null : (item.record as TokenRecord);
      } catch (error) {
        throw storeFault('token.get', error);
      }
    },
    async write(next, expectedEpoch) {
      const isNew = expectedEpoch === 0;
      try {
        await client.send(
          new PutItemCommand({
            TableName: table,
            Item: toItem({ pk: keyOf(next.system), ep: next.epoch, record: next }),
            ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
            ConditionExpression: isNew ? 'attribute_not_exists(pk)' : 'ep = :seen',
            ...(isNew ? {} : { ExpressionAttributeValues: toItem({ ':seen': expectedEpoch }) }),
          }),
        );
        return 'written';
      } catch (error) {
        const found = conditionFailed(error);
        if (found !== undefined) return isDeepStrictEqual(found?.record, next) ? 'written' : 'lost';
        throw storeFault('token.write', error);
      }
    },
  };
}

/**
 * What systems said of their credentials, in `state` under `credential#<system>`: apart from the token items, so that whoever
 * asks cannot come between a refresher and its lease. The last write stays. Throws `store_unavailable`.
 */
export function dynamoCredentialStore(client: DynamoDBClient, table: string): CredentialStore {
  const keyOf = (system: string) => `credential#${system}`;
  return {
    async get(system) {
      try {
        const input = { TableName: table, Key: toItem({ pk: keyOf(system) }), ConsistentRead: true };
        const item = fromItem((await client.send(new GetItemCommand(input))).Item);
        return item === null ? null : (item.record as CredentialRecord);
      } catch (error) {
        throw storeFault('credential.get', error);
      }
    },
    async put(record) {
      try {
        await client.send(new PutItemCommand({ TableName: table, Item: toItem({ pk: keyOf(record.system), record }) }));
      } catch (error) {
        throw storeFault('credential.put', error);
      }
    },
  };
}
