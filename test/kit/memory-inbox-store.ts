import { conflictIdentity, type InboxClaim } from '../../shared/model/event.ts';
import type { InboxStore } from '../../shared/webhooks/ports.ts';

/** Claims of events in memory, with the rules of the port. */
export function memoryInboxStore(): InboxStore & { readonly claims: Map<string, InboxClaim> } {
  const claims = new Map<string, InboxClaim>();
  const claimUnder: (
    input: Parameters<InboxStore['claim']>[0],
    key: string,
    conflict: boolean,
  ) => Awaited<ReturnType<InboxStore['claim']>> = (input, key, conflict) => {
    const standing = claims.get(key);
    if (standing && standing.bodyHash !== input.bodyHash) {
      const own = conflictIdentity(input.identity, input.bodyHash);
      claims.set(key, { ...standing, conflicts: [...new Set([...standing.conflicts, own])] });
      return claimUnder(input, own, true);
    }
    if (standing?.state === 'DONE') {
      const counted = { ...standing, duplicates: standing.duplicates + 1 };
      claims.set(key, counted);
      return { kind: 'done', claim: counted, conflict };
    }
    if (standing && standing.leaseUntilMs > input.nowMs) {
      if (standing.owner === input.owner) return { kind: 'claimed', claim: standing, conflict };
      return { kind: 'busy', leaseUntilMs: standing.leaseUntilMs };
    }
    const claim: InboxClaim = {
      identity: key,
      state: 'PROCESSING',
      owner: input.owner,
      epoch: (standing?.epoch ?? 0) + 1,
      leaseUntilMs: input.nowMs + input.leaseMs,
      bodyHash: input.bodyHash,
      firstSeenAtMs: standing?.firstSeenAtMs ?? input.nowMs,
      doneAtMs: null,
      duplicates: 0,
      conflicts: standing?.conflicts ?? [],
      outcome: null,
      kept: input.kept,
    };
    claims.set(key, claim);
    return { kind: 'claimed', claim, conflict };
  };
  return {
    claims,
    claim: async (input) => claimUnder(input, input.identity, false),
    finish: async (input) => {
      const standing = claims.get(input.identity);
      if (standing?.owner !== input.owner || standing.epoch !== input.epoch) return 'lost';
      if (standing.state === 'DONE') return 'done';
      claims.set(input.identity, { ...standing, state: 'DONE', doneAtMs: input.nowMs, outcome: input.outcome });
      return 'done';
    },
    release: async (input) => {
      const standing = claims.get(input.identity);
      const ours = standing?.state === 'PROCESSING' && standing.owner === input.owner && standing.epoch === input.epoch;
      if (ours) claims.set(input.identity, { ...standing, leaseUntilMs: input.nowMs });
    },
    get: async (identity) => claims.get(identity) ?? null,
  };
}
