import { type RefreshResult, refresh } from '../shared/auth/refresh.ts';
import { refreshInputSchema, refreshSystems } from '../shared/auth/refresh-systems.ts';
import { tokenEndpoint } from '../shared/auth/token-endpoint.ts';
import { dynamoCaseStore } from '../shared/aws/case-store.ts';
import { dynamoClient } from '../shared/aws/dynamo.ts';
import { awsSecretStore, secretsClient } from '../shared/aws/secret-store.ts';
import { dynamoTokenStore } from '../shared/aws/token-store.ts';
import { readEnv, readRuntimeConfig } from '../shared/config/env.ts';
import { loadConnector } from '../shared/connectors/registry.ts';
import { tokenPlaces } from '../shared/connectors/token-place.ts';
import { httpClient } from '../shared/http/client.ts';
import { systemClock as clock, systemRandom as random } from '../shared/model/clock.ts';
import { jsonLog } from '../shared/observe/json-log.ts';

const env = readEnv(['STAGE', 'TABLE_STATE', 'TABLE_CASES', 'LOCAL_ORIGINS']);
const { systems } = readRuntimeConfig(import.meta.url);
const client = dynamoClient();
const http = httpClient({ clock, local: env.STAGE === 'local' });
const places = tokenPlaces({ systems, loadConnector, localOrigins: env.LOCAL_ORIGINS });
const write = (line: string) => void process.stdout.write(`${line}\n`);
const deps = {
  systems: refreshSystems(systems),
  tokens: dynamoTokenStore(client, env.TABLE_STATE),
  secrets: awsSecretStore(secretsClient()),
  cases: dynamoCaseStore({ client, table: env.TABLE_CASES, random }),
  log: jsonLog({ clock, write, fields: { stage: env.STAGE, function: 'token-refresh' } }),
  post: tokenEndpoint({ http, ...places }),
  originOf: places.originOf,
  explain: places.explain,
  ...{ clock, random },
};

/** Called synchronously by tool functions and the tick; the only function that may read grants. */
export async function handler(event: unknown): Promise<RefreshResult> {
  return refresh(deps, refreshInputSchema.parse(event)).finally(() => http.abortAll());
}
