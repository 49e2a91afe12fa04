/** Who asks: an agent or a person, never both. */
export type Principal =
  | {
      readonly kind: 'agent';
      readonly id: string;
      readonly via: 'api_key' | 'iam' | 'jwt' | 'file';
      readonly keyId?: string;
    }
  | { readonly kind: 'person'; readonly id: string; readonly roles: readonly Role[] }
  /** Work the product starts itself (sweep, saga, file source): it passes the same policy. */
  | { readonly kind: 'service'; readonly id: string };

/** What a person may do; comes from config/owners.yaml, never from a token alone. */
export type Role = 'viewer' | 'operator' | 'approver' | 'auditor' | 'admin';

/** The principal as it stands in keys, records and the ledger: `agent:sales-assistant`. */
export function principalId(principal: Principal): string {
  return `${principal.kind}:${principal.id}`;
}
