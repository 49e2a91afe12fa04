import { ConditionalCheckFailedException, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import { PlumblineError } from '../model/errors.ts';

/** A DynamoDB item as plain values. */
export type Item = Record<string, unknown>;

/**
 * How long one request to AWS may take, milliseconds: beyond it the attempt ends with an error. Without the last word the SDK
 * would only print a warning and wait on.
 */
export function requestLimits(requestTimeout: number) {
  return { connectionTimeout: 1_000, requestTimeout, throwOnRequestTimeout: true };
}

/**
 * The one client of a process. Three attempts with full jitter: every write we send is conditional, so a repeat is harmless.
 * A request that hangs is given up after 3 s.
 */
export function dynamoClient(): DynamoDBClient {
  return new DynamoDBClient({ maxAttempts: 3, requestHandler: requestLimits(3_000) });
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
