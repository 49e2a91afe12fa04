import type { CaseStore } from '../ledger/ports.ts';
import type { Log } from '../observe/log.ts';
import { unknownCode } from './token-record.ts';

type CaseDeps = { readonly cases: Pick<CaseStore, 'open' | 'settle'> };

const dueInMs = 3_600_000;

/** One open case a system, however often its refresh fails. */
function dedupeKeyOf(system: string): string {
  return `token-refresh#${system}`;
}

/** Asks the system's owner to install the connection again, and logs the line that an alarm reads. Opening it twice is one case. */
export async function openRefreshCase(
  deps: CaseDeps & { readonly log: Log },
  failure: { readonly system: string; readonly owner: string; readonly code: string },
  nowMs: number,
): Promise<void> {
  const { system, owner, code } = failure;
  const unknown = code === unknownCode;
  const reason = unknown ? 'refresh_outcome_unknown' : 'refresh_failed';
  deps.log.error('A credential cannot be refreshed until its owner connects the system again.', {
    system,
    reason,
    code,
  });
  await deps.cases.open(
    {
      kind: 'exception',
      reason,
      title: `${system} can no longer be signed in to`,
      detail: unknown
        ? 'A token refresh was interrupted and nobody can tell whether the provider replaced the refresh token. Using the old one again could revoke the whole installation, so it is not done. Authorise the connection again and store the new refresh token in its secret.'
        : `The provider or the secret refused the refresh (${code}). Authorise the connection again and store the new grant in its secret.`,
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
