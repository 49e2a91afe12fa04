import { type DynamoDBClient, GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import type { CredentialRecord, CredentialStore, TokenRecord, TokenStore } from '../auth/ports.ts';
import { dynamoEpochStore } from './cursor-store.ts';
import { fromItem, storeFault, toItem } from './dynamo.ts';

/** Token items in `state`, under `token#<system>`, with the guarantee of `dynamoEpochStore`. */
export const dynamoTokenStore = (client: DynamoDBClient, table: string): TokenStore =>
  dynamoEpochStore<TokenRecord>(client, table, 'token', ({ system }) => system);

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
