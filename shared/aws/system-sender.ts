import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { SecretStore } from '../auth/ports.ts';
import { createCredentialSource } from '../auth/token-source.ts';
import { type Env, readAwsEnv } from '../config/env.ts';
import type { PlumblineConfig } from '../config/schema.ts';
import type { CredentialSource } from '../connectors/credentials.ts';
import { makeGate, type SystemGate } from '../connectors/gate.ts';
import { loadConnector } from '../connectors/registry.ts';
import { makeSender } from '../connectors/send.ts';
import type { Sender } from '../connectors/sender.ts';
import type { SenderDeps } from '../connectors/way.ts';
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

/** The credentials of systems: tokens from the state table, static keys from Secrets Manager. One a process. */
export function awsCredentialSource({ config, env, client, clock, log }: SystemSenderDeps): CredentialSource {
  return createCredentialSource({
    systems: config.systems,
    secrets: secretsOnDemand(),
    tokens: dynamoTokenStore(client, env.TABLE_STATE),
    invoker: lambdaRefreshInvoker({ functionName: env.REFRESH_FUNCTION, readEnv: readAwsEnv }),
    ...{ clock, log },
  });
}

/** The one way out to systems, without the gate that waiting writes need. */
export function awsSystemSender(deps: SystemSenderDeps, credentials = awsCredentialSource(deps)): Sender {
  return awsWayOut(deps, credentials).send;
}

/** The one way out to systems and the gate in front of it, with breakers and rates kept in the state table. One a process. */
export function awsWayOut(
  deps: SystemSenderDeps,
  credentials = awsCredentialSource(deps),
): { readonly send: Sender; readonly gate: SystemGate } {
  const { config, env, client, clock, log } = deps;
  const { systems } = config;
  const state = resilienceStore(client, env.TABLE_STATE, () => clock.now());
  const way: SenderDeps = {
    systems,
    loadConnector,
    credentials,
    http: httpClient({ clock, local: env.STAGE === 'local' }),
    breakers: breakerGuard({ store: state, clock, owner: newId('own', clock.now(), systemRandom) }),
    rates: rateLimiter({ store: state, clock }),
    clock,
    log,
    productionStage: env.STAGE === 'prod',
    localOrigins: env.LOCAL_ORIGINS,
  };
  return { send: makeSender(way), gate: makeGate(way) };
}

/** Secrets Manager's client is loaded with the first static key: a refreshed token lies in the state table. */
export function secretsOnDemand(): Pick<SecretStore, 'get'> {
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
