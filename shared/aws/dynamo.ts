import { ConditionalCheckFailedException, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import { PlumblineError } from '../model/errors.ts';

/** A DynamoDB item as plain values. */
export type Item = Record<string, unknown>;

/** The one client of a process. Three attempts with full jitter: every write we send is conditional, so a repeat is harmless. */
export function dynamoClient(): DynamoDBClient {
  return new DynamoDBClient({ maxAttempts: 3 });
}

/** Plain values to DynamoDB's; undefined is left out. */
export function toItem(value: object) {
  return marshall(value, { removeUndefinedValues: true });
}

/** DynamoDB's values to plain ones. */
export function fromItem(item: Record<string, unknown> | undefined): Item | null {
  return item ? (unmarshall(item as Parameters<typeof unmarshall>[0]) as Item) : null;
}

/** The old item of a failed condition (or null where there was none), or undefined where the error is another. */
export function conditionFailed(error: unknown): Item | null | undefined {
  return error instanceof ConditionalCheckFailedException ? fromItem(error.Item) : undefined;
}

/**
 * Turns a fault of a store into ours.
 * @param what the request that failed, such as `actions.write`
 */
export function storeFault(what: string, cause: unknown): PlumblineError {
  return new PlumblineError(`The store did not answer ${what}.`, {
    code: 'store_unavailable',
    retry: 'after_check',
    hint: 'Nothing is known about this request: look at the record before trying again.',
    cause,
  });
}
