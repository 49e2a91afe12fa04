import type { DeliveryOutcome, DeliveryStore } from '../../shared/webhooks/delivery/ports.ts';

type Held = { owner: string; leaseUntilMs: number; attempts: number; outcome: DeliveryOutcome | null };

/** Records of deliveries in memory, with the rules of the port. */
export function memoryDeliveryStore(): DeliveryStore & { readonly held: Map<string, Held> } {
  const held = new Map<string, Held>();
  const open = (id: string, owner: string) => {
    const standing = held.get(id);
    return standing?.owner === owner && standing.outcome === null ? standing : null;
  };
  return {
    held,
    async claim({ id, owner, nowMs, leaseMs }) {
      const standing = held.get(id);
      if (standing?.outcome) return { kind: 'done', outcome: standing.outcome };
      if (standing && standing.leaseUntilMs > nowMs) {
        if (standing.owner === owner) return { kind: 'claimed', attempts: standing.attempts };
        return { kind: 'busy', leaseUntilMs: standing.leaseUntilMs };
      }
      const attempts = (standing?.attempts ?? 0) + 1;
      held.set(id, { owner, leaseUntilMs: nowMs + leaseMs, attempts, outcome: null });
      return { kind: 'claimed', attempts };
    },
    async finish({ id, owner, outcome }) {
      const standing = open(id, owner);
      if (standing) standing.outcome = outcome;
      return standing || (held.get(id)?.owner === owner && held.get(id)?.outcome) ? 'done' : 'lost';
    },
    async release({ id, owner, nowMs }) {
      const standing = open(id, owner);
      if (standing) standing.leaseUntilMs = nowMs;
    },
  };
}
