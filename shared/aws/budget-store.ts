import { type DynamoDBClient, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { sha256Hex } from '../model/ids.ts';
import type { BudgetStore } from '../policy/ports.ts';
import { conditionFailed, storeFault } from './dynamo.ts';

const keepAfterWindowMs = 86_400_000;

/**
 * Budgets in the state table: one conditional add per use, so that two processes never both take the last one.
 * Throws `store_unavailable` where DynamoDB does not answer; then nothing is known to be taken.
 */
export function budgetStore(client: DynamoDBClient, tableName: string): BudgetStore {
  return {
    async take({ budget, windowStartMs, windowMs, atMost, amount, useId }) {
      // Kept short: the set lives in one item with the counter.
      const use = useId === null ? null : sha256Hex(useId).slice(0, 16);
      const command = new UpdateItemCommand({
        TableName: tableName,
        Key: { pk: { S: `budget#${budget}#${windowStartMs}` } },
        UpdateExpression: `ADD #used :amount${use === null ? '' : ', #uses :uses'} SET #ttl = :ttl`,
        ConditionExpression: `(${amount > atMost ? '' : 'attribute_not_exists(#used) OR '}#used <= :room)${
          use === null ? '' : ' AND NOT contains(#uses, :use)'
        }`,
        ExpressionAttributeNames: { '#used': 'used', '#ttl': 'ttl', ...(use === null ? {} : { '#uses': 'uses' }) },
        ExpressionAttributeValues: {
          ':amount': { N: String(amount) },
          ':room': { N: String(atMost - amount) },
          ':ttl': { N: String(Math.ceil((windowStartMs + windowMs + keepAfterWindowMs) / 1000)) },
          ...(use === null ? {} : { ':uses': { SS: [use] }, ':use': { S: use } }),
        },
        ReturnValues: 'UPDATED_NEW',
        ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
      });
      try {
        const answer = await client.send(command);
        return { kind: 'taken', used: Number(answer.Attributes?.used?.N ?? amount) };
      } catch (error) {
        const old = conditionFailed(error);
        if (old === undefined) throw storeFault('budgets.take', error);
        const used = Number(old?.used ?? 0);
        const repeated = use !== null && old?.uses instanceof Set && old.uses.has(use);
        return { kind: repeated ? 'taken' : 'refused', used };
      }
    },
  };
}
