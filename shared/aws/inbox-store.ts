import { type DynamoDBClient, GetItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import {
  conflictIdentity,
  type EventOutcome,
  eventRetentionMs,
  type InboxClaim,
  type InboxMessage,
  type KeptMessage,
} from '../model/event.ts';
import type { InboxStore } from '../webhooks/ports.ts';
import { conditionFailed, fromItem, type Item, storeFault, toItem } from './dynamo.ts';

/** What the adapter of event claims needs. */
export type InboxStoreDeps = { readonly client: DynamoDBClient; readonly table: string };

type ClaimInput = Parameters<InboxStore['claim']>[0];
type Claimed = Awaited<ReturnType<InboxStore['claim']>>;

const maxConflicts = 20;

/**
 * Claims of events over DynamoDB: every transition is one conditional write on (state, owner, epoch, body hash).
 * A claim whose own response was lost is recognised by its owner. Claims never look at the TTL.
 * Throws `store_unavailable` where the table did not answer.
 */
export function dynamoInboxStore(deps: InboxStoreDeps): InboxStore {
  return {
    claim: (input) => claim(deps, input, input.identity, false),
    finish: (input) => finish(deps, input),
    release: (input) => release(deps, input),
    get: (identity) => get(deps, identity),
  };
}

async function claim(deps: InboxStoreDeps, input: ClaimInput, pk: string, conflict: boolean): Promise<Claimed> {
  try {
    const answer = await deps.client.send(
      new UpdateItemCommand({
        TableName: deps.table,
        Key: toItem({ pk }),
        UpdateExpression:
          'SET st = :processing, ow = :owner, lu = :lease, bh = :hash, fs = if_not_exists(fs, :now), dn = if_not_exists(dn, :zero), kept = :kept ADD ep :one',
        ConditionExpression: 'attribute_not_exists(pk) OR (st = :processing AND lu <= :now AND bh = :hash)',
        ExpressionAttributeValues: toItem({
          ':processing': 'PROCESSING',
          ':owner': input.owner,
          ':lease': input.nowMs + input.leaseMs,
          ':hash': input.bodyHash,
          ':now': input.nowMs,
          ':zero': 0,
          ':kept': keptText(input.kept),
          ':one': 1,
        }),
        ReturnValues: 'ALL_NEW',
        ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
      }),
    );
    return { kind: 'claimed', claim: claimOf(pk, fromItem(answer.Attributes) ?? {}), conflict };
  } catch (error) {
    const standing = conditionFailed(error);
    if (!standing) throw storeFault('inbox.claim', error);
    return meet(deps, input, claimOf(pk, standing), conflict);
  }
}

/** What stands in the way of a claim, and what it means. */
async function meet(
  deps: InboxStoreDeps,
  input: ClaimInput,
  standing: InboxClaim,
  conflict: boolean,
): Promise<Claimed> {
  if (standing.bodyHash !== input.bodyHash) {
    const own = conflictIdentity(input.identity, input.bodyHash);
    await nameConflict(deps, standing, own);
    return claim(deps, input, own, true);
  }
  if (standing.state === 'DONE') return { kind: 'done', claim: await count(deps, standing), conflict };
  if (standing.owner === input.owner) return { kind: 'claimed', claim: standing, conflict };
  return { kind: 'busy', leaseUntilMs: standing.leaseUntilMs };
}

/** Names a delivery with another content beside the one it differs from, for people. */
async function nameConflict(deps: InboxStoreDeps, standing: InboxClaim, own: string): Promise<void> {
  if (standing.conflicts.includes(own) || standing.conflicts.length >= maxConflicts) return;
  try {
    await deps.client.send(
      new UpdateItemCommand({
        TableName: deps.table,
        Key: toItem({ pk: standing.identity }),
        UpdateExpression: 'ADD cf :own',
        ConditionExpression: 'attribute_exists(pk)',
        ExpressionAttributeValues: toItem({ ':own': new Set([own]) }),
      }),
    );
  } catch (error) {
    if (conditionFailed(error) === undefined) throw storeFault('inbox.nameConflict', error);
  }
}

/** Counts a duplicate. The number is for people: a lost increment changes nothing. */
async function count(deps: InboxStoreDeps, done: InboxClaim): Promise<InboxClaim> {
  try {
    const answer = await deps.client.send(
      new UpdateItemCommand({
        TableName: deps.table,
        Key: toItem({ pk: done.identity }),
        UpdateExpression: 'ADD dn :one',
        ConditionExpression: 'st = :done',
        ExpressionAttributeValues: toItem({ ':one': 1, ':done': 'DONE' }),
        ReturnValues: 'ALL_NEW',
      }),
    );
    return claimOf(done.identity, fromItem(answer.Attributes) ?? {});
  } catch (error) {
    if (conditionFailed(error) !== undefined) return done;
    throw storeFault('inbox.count', error);
  }
}

async function finish(deps: InboxStoreDeps, input: Parameters<InboxStore['finish']>[0]): Promise<'done' | 'lost'> {
  try {
    await deps.client.send(
      new UpdateItemCommand({
        TableName: deps.table,
        Key: toItem({ pk: input.identity }),
        UpdateExpression: 'SET st = :done, da = :now, oc = :outcome, #ttl = :ttl',
        ConditionExpression: 'st = :processing AND ow = :owner AND ep = :epoch',
        ExpressionAttributeNames: { '#ttl': 'ttl' },
        ExpressionAttributeValues: toItem({
          ':done': 'DONE',
          ':processing': 'PROCESSING',
          ':owner': input.owner,
          ':epoch': input.epoch,
          ':now': input.nowMs,
          ':outcome': input.outcome,
          ':ttl': Math.ceil((input.nowMs + eventRetentionMs) / 1000),
        }),
        ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
      }),
    );
    return 'done';
  } catch (error) {
    const standing = conditionFailed(error);
    if (standing === undefined) throw storeFault('inbox.finish', error);
    const ours = standing !== null && standing.ow === input.owner && standing.ep === input.epoch;
    return ours && standing.st === 'DONE' ? 'done' : 'lost';
  }
}

async function release(deps: InboxStoreDeps, input: Parameters<InboxStore['release']>[0]): Promise<void> {
  try {
    await deps.client.send(
      new UpdateItemCommand({
        TableName: deps.table,
        Key: toItem({ pk: input.identity }),
        UpdateExpression: 'SET lu = :now',
        ConditionExpression: 'st = :processing AND ow = :owner AND ep = :epoch',
        ExpressionAttributeValues: toItem({
          ':processing': 'PROCESSING',
          ':owner': input.owner,
          ':epoch': input.epoch,
          ':now': input.nowMs,
        }),
      }),
    );
  } catch (error) {
    if (conditionFailed(error) === undefined) throw storeFault('inbox.release', error);
  }
}

async function get(deps: InboxStoreDeps, identity: string): Promise<InboxClaim | null> {
  try {
    const command = new GetItemCommand({ TableName: deps.table, Key: toItem({ pk: identity }), ConsistentRead: true });
    const item = fromItem((await deps.client.send(command)).Item);
    return item ? claimOf(identity, item) : null;
  } catch (error) {
    throw storeFault('inbox.get', error);
  }
}

function claimOf(identity: string, item: Item): InboxClaim {
  return {
    identity,
    state: item.st === 'DONE' ? 'DONE' : 'PROCESSING',
    owner: String(item.ow),
    epoch: Number(item.ep),
    leaseUntilMs: Number(item.lu),
    bodyHash: String(item.bh),
    firstSeenAtMs: Number(item.fs),
    doneAtMs: typeof item.da === 'number' ? item.da : null,
    duplicates: Number(item.dn ?? 0),
    conflicts: item.cf instanceof Set ? [...item.cf].map(String).sort() : [],
    outcome: (item.oc as EventOutcome | undefined) ?? null,
    kept: typeof item.kept === 'string' ? keptOf(item.kept) : null,
  };
}

/** As text, because an item of a provider may hold numbers that DynamoDB has no type for. */
function keptText(kept: KeptMessage): string {
  return 'object' in kept ? kept.object : JSON.stringify(kept.inline);
}

function keptOf(text: string): KeptMessage {
  return text.startsWith('{') ? { inline: JSON.parse(text) as InboxMessage } : { object: text };
}
