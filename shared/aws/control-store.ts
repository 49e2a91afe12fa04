import { type DynamoDBClient, GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import type { Control, ControlStore } from '../policy/ports.ts';
import { conditionFailed, fromItem, storeFault, toItem } from './dynamo.ts';

const itemKey = 'control';

/**
 * The control item in DynamoDB: one consistent read, one conditional put.
 * Throws `store_unavailable` where DynamoDB does not answer; then nothing may be assumed to be switched on.
 * @param client the process's client; @param tableName the control table, which is also the name the item must carry
 */
export function controlStore(client: DynamoDBClient, tableName: string): ControlStore {
  return {
    tableName,
    async read() {
      const command = new GetItemCommand({ TableName: tableName, Key: { pk: { S: itemKey } }, ConsistentRead: true });
      try {
        const item = fromItem((await client.send(command)).Item);
        return item ? (item.control as Control) : null;
      } catch (error) {
        throw storeFault('control.read', error);
      }
    },
    async write(next, expectedVersion) {
      const command = new PutItemCommand({
        TableName: tableName,
        Item: toItem({ pk: itemKey, version: next.version, control: next }),
        ...(expectedVersion === 0
          ? { ConditionExpression: 'attribute_not_exists(pk)' }
          : {
              ConditionExpression: '#version = :expected',
              ExpressionAttributeNames: { '#version': 'version' },
              ExpressionAttributeValues: { ':expected': { N: String(expectedVersion) } },
            }),
      });
      try {
        await client.send(command);
        return 'written';
      } catch (error) {
        if (conditionFailed(error) !== undefined) return 'lost';
        throw storeFault('control.write', error);
      }
    },
  };
}
