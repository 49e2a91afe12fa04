import type { CaseStore } from '../ledger/ports.ts';
import type { RedReason } from './ports.ts';

type CaseDeps = { readonly cases: Pick<CaseStore, 'open' | 'settle'> };

const day = 86_400_000;

/** One open case a system and reason, however often it is found. */
function dedupeKeyOf(system: string, reason: RedReason): string {
  return `credential-${reason}#${system}`;
}

/** What each reason means to people, and what they do about it. Also told by the operator door. */
export const reasonText: Readonly<Record<RedReason, string>> = {
  refused:
    'The system does not accept the credential, or its secret holds nothing usable. Store a working one: npm run connect.',
  other_account:
    'The credential leads to another account than the configured one, or to one that does not say which it is. Nothing is written there. Correct `account` or the credential.',
  other_identity: 'The credential acts as somebody else than `actsAs` says. Connect the configured service account.',
  held_by_person:
    'The credential is the account of a person. Their rights, their leave and their departure become those of all agents: make a service account.',
  scope_missing: 'The credential may do less than its operations need. Grant the missing scopes at the provider.',
  scope_surplus: 'The credential may do more than its operations need. Take the surplus scopes away at the provider.',
  expires_soon: 'The credential ends within two weeks. Store a new one before: npm run connect.',
};

/** Asks the system's owner to mend the credential. Opening it twice is one case. */
export async function openHealthCase(
  deps: CaseDeps,
  found: {
    readonly system: string;
    readonly owner: string;
    readonly reason: RedReason;
    readonly scopes: { readonly missing: readonly string[]; readonly surplus: readonly string[] };
  },
  nowMs: number,
): Promise<void> {
  const { system, owner, reason, scopes } = found;
  const named = { scope_missing: scopes.missing, scope_surplus: scopes.surplus } as const;
  await deps.cases.open(
    {
      kind: 'exception',
      reason: `credential_${reason}`,
      title: `The credential of ${system} needs attention`,
      detail: reasonText[reason],
      owner,
      actionId: null,
      runId: null,
      system,
      eventIdentity: null,
      facts: reason === 'scope_missing' || reason === 'scope_surplus' ? { scopes: [...named[reason]] } : {},
      dedupeKey: dedupeKeyOf(system, reason),
      dueInMs: reason === 'refused' ? day / 24 : 3 * day,
    },
    nowMs,
  );
}

/** Closes the case of a reason that is gone. */
export async function settleHealthCase(
  deps: CaseDeps,
  system: string,
  reason: RedReason,
  nowMs: number,
): Promise<void> {
  await deps.cases.settle(dedupeKeyOf(system, reason), {
    by: 'service:credential-check',
    atMs: nowMs,
    reason: 'The system no longer says so.',
    decision: 'settled',
  });
}
