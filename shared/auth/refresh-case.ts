import type { CaseStore } from '../ledger/ports.ts';
import type { Log } from '../observe/log.ts';
import { otherOriginCode, unknownCode } from './token-record.ts';

type CaseDeps = { readonly cases: Pick<CaseStore, 'open' | 'settle'> };

const dueInMs = 3_600_000;

/** One open case a system, however often its refresh fails. */
function dedupeKeyOf(system: string): string {
  return `token-refresh#${system}`;
}

/** What the owner is told; texts of our own, nothing that the provider said but its code. */
function wordingOf(code: string): { readonly reason: string; readonly detail: string } {
  switch (code) {
    case unknownCode:
      return {
        reason: 'refresh_outcome_unknown',
        detail:
          'A token refresh was interrupted and nobody can tell whether the provider replaced the refresh token. Using the old one again could revoke the whole installation, so it is not done. Connect the system again: npm run connect.',
      };
    case otherOriginCode:
      return {
        reason: 'token_for_other_origin',
        detail:
          'The provider issued a token for another origin than the configured one. It was dropped unused. Compare `origin` of the system with the address the provider shows, and find out who changed it.',
      };
    default:
      return {
        reason: 'refresh_failed',
        detail: `The provider or the secret refused a new token, or there was none for a long time (${code}). Look at the app and its account at the provider, then connect the system again: npm run connect.`,
      };
  }
}

/**
 * Asks the system's owner to mend the connection, and logs the line that an alarm reads. Opening it twice is one case.
 * @param failure.detail what the product says it is, in words of ours; absent: by the code
 */
export async function openRefreshCase(
  deps: CaseDeps & { readonly log: Log },
  failure: { readonly system: string; readonly owner: string; readonly code: string; readonly detail?: string },
  nowMs: number,
): Promise<void> {
  const { system, owner, code } = failure;
  const { reason, detail: usual } = wordingOf(code);
  deps.log.error('A credential cannot be refreshed until its owner mends the connection.', { system, reason, code });
  await deps.cases.open(
    {
      kind: 'exception',
      reason,
      title: `${system} can no longer be signed in to`,
      detail: failure.detail ?? usual,
      owner,
      actionId: null,
      runId: null,
      system,
      eventIdentity: null,
      facts: { code },
      dedupeKey: dedupeKeyOf(system),
      dueInMs,
    },
    nowMs,
  );
}

/** Closes the case once a token was obtained again. */
export async function settleRefreshCase(deps: CaseDeps, system: string, nowMs: number): Promise<void> {
  const reason = 'A token was obtained again.';
  await deps.cases.settle(dedupeKeyOf(system), {
    by: 'service:token-refresh',
    atMs: nowMs,
    reason,
    decision: 'settled',
  });
}
