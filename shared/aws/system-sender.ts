import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { SecretStore } from '../auth/ports.ts';
import { createCredentialSource } from '../auth/token-source.ts';
import { type Env, readAwsEnv } from '../config/env.ts';
import type { PlumblineConfig } from '../config/schema.ts';
import { loadConnector } from '../connectors/registry.ts';
import { makeSender } from '../connectors/send.ts';
import type { Sender } from '../connectors/sender.ts';
import { httpClient } from '../http/client.ts';
import { type Clock, systemRandom } from '../model/clock.ts';
import { newId } from '../model/ids.ts';
import type { Log } from '../observe/log.ts';
import { breakerGuard } from '../resilience/breaker-guard.ts';
import { rateLimiter } from '../resilience/rate-limit.ts';
import { lambdaRefreshInvoker } from './refresh-invoker.ts';
import { resilienceStore } from './resilience-store.ts';
import { dynamoTokenStore } from './token-store.ts';

/** What the way out needs from a function's composition root. */
export type SystemSenderDeps = {
  readonly config: PlumblineConfig;
  readonly env: Env<'STAGE' | 'TABLE_STATE' | 'REFRESH_FUNCTION' | 'LOCAL_ORIGINS'>;
  readonly client: DynamoDBClient;
  readonly clock: Clock;
  readonly log: Log;
};

/** The one way out to systems, with credentials, breakers and rates kept in the state table. One a process. */
export function awsSystemSender(deps: SystemSenderDeps): Sender {
  const { config, env, client, clock, log } = deps;
  const { systems } = config;
  const state = resilienceStore(client, env.TABLE_STATE, () => clock.now());
  return makeSender({
    systems,
    loadConnector,
    credentials: createCredentialSource({
      systems,
      secrets: secretsOnDemand(),
      tokens: dynamoTokenStore(client, env.TABLE_STATE),
      invoker: lambdaRefreshInvoker({ functionName: env.REFRESH_FUNCTION, readEnv: readAwsEnv }),
      clock,
      log,
    }),
    http: httpClient({ clock, local: env.STAGE === 'local' }),
    breakers: breakerGuard({ store: state, clock, owner: newId('own', clock.now(), systemRandom) }),
    rates: rateLimiter({ store: state, clock }),
    clock,
    log,
    productionStage: env.STAGE === 'prod',
    localOrigins: env.LOCAL_ORIGINS,
  });
}

/** Secrets Manager's client is loaded with the first static key: a refreshed token lies in the state table. */
function secretsOnDemand(): Pick<SecretStore, 'get'> {
  let store: Promise<SecretStore> | null = null;
  return {
    async get(name, versionId) {
      store ??= import('./secret-store.ts').then(({ awsSecretStore, secretsClient }) =>
        awsSecretStore(secretsClient()),
      );
      return (await store).get(name, versionId);
    },
  };
}
