/** What of a stream record of the ledger's table the guard reads. */
export type LedgerChange = {
  readonly eventName?: string | undefined;
  readonly userIdentity?: { readonly type?: string; readonly principalId?: string } | undefined;
  /** The `ttl` attribute of the removed entry, seconds, or null. */
  readonly ttl: number | null;
};

/** How many entries were added, removed after their retention by DynamoDB itself, and changed or removed by anything else. */
export type GuardCounts = { readonly added: number; readonly expired: number; readonly tampered: number };

/**
 * Counts what happened to ledger entries. Only DynamoDB's own removal of an entry past its time is expected; everything
 * else that is not an insert is tampering.
 * @see https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/time-to-live-ttl-streams.html
 */
export function countLedgerChanges(changes: readonly LedgerChange[], nowMs: number): GuardCounts {
  const counts = { added: 0, expired: 0, tampered: 0 };
  for (const { eventName, userIdentity, ttl } of changes) {
    const byDynamo = userIdentity?.type === 'Service' && userIdentity.principalId === 'dynamodb.amazonaws.com';
    if (eventName === 'INSERT') counts.added += 1;
    else if (eventName === 'REMOVE' && byDynamo && ttl !== null && ttl * 1000 <= nowMs) counts.expired += 1;
    else counts.tampered += 1;
  }
  return counts;
}
