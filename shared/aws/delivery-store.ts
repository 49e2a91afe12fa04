import { type DynamoDBClient, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { eventRetentionMs } from '../model/event.ts';
import type { DeliveryOutcome, DeliveryStore } from '../webhooks/delivery/ports.ts';
import { conditionFailed, fromItem, type Item, storeFault, toItem } from './dynamo.ts';

/** What the adapter of deliveries needs. */
export type DeliveryStoreDeps = { readonly client: DynamoDBClient; readonly table: string };

/**
 * Records of deliveries in the state table under `delivery#<id>`: every transition is one conditional write on (state, owner).
 * A claim whose own response was lost is recognised by its owner. Records leave 90 days after they ended; claims never look
 * at that. Throws `store_unavailable` where the table did not answer.
 */
export function dynamoDeliveryStore(deps: DeliveryStoreDeps): DeliveryStore {
  return {
    claim: (input) => claim(deps, input),
    finish: (input) => finish(deps, input),
    async release({ id, owner, nowMs }) {
      const change = { set: 'lu = :now', values: { ':now': nowMs } };
      const standing = await ofOwner(deps, { id, owner }, change);
      if (standing.kind === 'fault') throw storeFault('delivery.release', standing.error);
    },
  };
}

async function claim(
  { client, table }: DeliveryStoreDeps,
  input: Parameters<DeliveryStore['claim']>[0],
): ReturnType<DeliveryStore['claim']> {
  const { id, owner, nowMs, leaseMs } = input;
  try {
    const answer = await client.send(
      new UpdateItemCommand({
        TableName: table,
        Key: keyOf(id),
        UpdateExpression: 'SET st = :open, ow = :owner, lu = :lease, fs = if_not_exists(fs, :now) ADD tr :one',
        ConditionExpression: 'attribute_not_exists(pk) OR (st = :open AND lu <= :now)',
        ExpressionAttributeValues: toItem({
          ':open': 'OPEN',
          ':owner': owner,
          ':lease': nowMs + leaseMs,
          ':now': nowMs,
          ':one': 1,
        }),
        ReturnValues: 'ALL_NEW',
        ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
      }),
    );
    return { kind: 'claimed', attempts: Number(fromItem(answer.Attributes)?.tr ?? 1) };
  } catch (error) {
    const standing = conditionFailed(error);
    if (!standing) throw storeFault('delivery.claim', error);
    if (standing.st === 'DONE') return { kind: 'done', outcome: String(standing.oc) as DeliveryOutcome };
    if (standing.ow === owner) return { kind: 'claimed', attempts: Number(standing.tr) };
    return { kind: 'busy', leaseUntilMs: Number(standing.lu) };
  }
}

async function finish(
  deps: DeliveryStoreDeps,
  { id, owner, nowMs, outcome }: Parameters<DeliveryStore['finish']>[0],
): Promise<'done' | 'lost'> {
  const ttl = Math.ceil((nowMs + eventRetentionMs) / 1000);
  const values = { ':done': 'DONE', ':outcome': outcome, ':now': nowMs, ':ttl': ttl };
  const set = 'st = :done, oc = :outcome, da = :now, #ttl = :ttl';
  const standing = await ofOwner(deps, { id, owner }, { set, values, names: { '#ttl': 'ttl' } });
  if (standing.kind === 'fault') throw storeFault('delivery.finish', standing.error);
  if (standing.kind === 'written') return 'done';
  const { item } = standing;
  return item.ow === owner && item.st === 'DONE' ? 'done' : 'lost';
}

type Change = {
  readonly set: string;
  readonly values: Readonly<Record<string, string | number>>;
  readonly names?: Record<string, string>;
};

/** One write by the owner of the open lease; what stands there where it is not theirs. */
async function ofOwner(
  { client, table }: DeliveryStoreDeps,
  { id, owner }: { readonly id: string; readonly owner: string },
  { set, values, names }: Change,
): Promise<{ kind: 'written' } | { kind: 'other'; item: Item } | { kind: 'fault'; error: unknown }> {
  try {
    await client.send(
      new UpdateItemCommand({
        TableName: table,
        Key: keyOf(id),
        UpdateExpression: `SET ${set}`,
        ConditionExpression: 'st = :open AND ow = :owner',
        ...(names ? { ExpressionAttributeNames: names } : {}),
        ExpressionAttributeValues: toItem({ ...values, ':open': 'OPEN', ':owner': owner }),
        ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
      }),
    );
    return { kind: 'written' };
  } catch (error) {
    const standing = conditionFailed(error);
    return standing === undefined ? { kind: 'fault', error } : { kind: 'other', item: standing ?? {} };
  }
}

function keyOf(id: string) {
  return toItem({ pk: `delivery#${id}` });
}
