import { checkCredentials } from '../auth/health.ts';
import { refreshAhead } from '../auth/refresh-ahead.ts';
import { readAwsEnv } from '../config/env.ts';
import { askCredential } from '../connectors/credential-question.ts';
import { loadConnector } from '../connectors/registry.ts';
import type { CaseStore } from '../ledger/ports.ts';
import { lambdaRefreshInvoker } from './refresh-invoker.ts';
import { awsCredentialSource, awsSystemSender, type SystemSenderDeps, secretsOnDemand } from './system-sender.ts';
import { dynamoCredentialStore, dynamoTokenStore } from './token-store.ts';

/** What is done for credentials without anybody asking. */
export type CredentialCare = {
  /** Renews the tokens that have used up most of their life. */
  renew(): Promise<unknown>;
  /** Asks those systems whose turn it is who their credential is, and keeps the answers in the state table. */
  check(): Promise<void>;
};

/** Looks after the credentials of all systems, over the one way out to them. */
export function awsCredentialCare(
  deps: SystemSenderDeps & { readonly cases: Pick<CaseStore, 'open' | 'settle'> },
): CredentialCare {
  const { config, env, client, clock } = deps;
  const { systems } = config;
  const tokens = dynamoTokenStore(client, env.TABLE_STATE);
  const invoker = lambdaRefreshInvoker({ functionName: env.REFRESH_FUNCTION, readEnv: readAwsEnv });
  const source = awsCredentialSource(deps);
  const send = awsSystemSender(deps, source);
  const question = { systems, loadConnector, send, clock, productionStage: env.STAGE === 'prod' };
  const secrets = secretsOnDemand();
  const health = {
    ...deps,
    systems,
    ask: (system: string) => askCredential({ ...question, credentials: source }, system),
    keySince: async (secret: string) => (await secrets.get(secret))?.createdAtMs ?? null,
    credentials: dynamoCredentialStore(client, env.TABLE_STATE),
  };
  return {
    renew: () => refreshAhead({ systems, tokens, invoker, clock }),
    check: () => checkCredentials(health),
  };
}
