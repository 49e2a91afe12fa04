import { tools } from '../config/tools/index.ts';
import { authenticateAgent, authenticateIam } from '../shared/auth/api-keys.ts';
import { dynamoApiKeyStore } from '../shared/aws/api-key-store.ts';
import { awsCallStores } from '../shared/aws/call-stores.ts';
import { dynamoClient } from '../shared/aws/dynamo.ts';
import { eventKeysOnDemand, secretValuesOnDemand } from '../shared/aws/secret-values.ts';
import { awsWayOut } from '../shared/aws/system-sender.ts';
import { readEnv, readRuntimeConfig } from '../shared/config/env.ts';
import { systemClock as clock, systemRandom as random } from '../shared/model/clock.ts';
import { jsonLog } from '../shared/observe/json-log.ts';
import { catalogOf } from '../shared/tools/catalog.ts';
import { answerAgent, type DoorDeps } from '../shared/tools/door.ts';
import { doorRequest, type HttpApiEvent } from '../shared/tools/http-request.ts';
import { kernelLimits as limits } from '../shared/tools/limits.ts';
import { operationsOnDemand } from '../shared/tools/operations.ts';

const tables = ['TABLE_ACTIONS', 'TABLE_LEDGER', 'TABLE_CASES', 'TABLE_STATE', 'TABLE_CONTROL'] as const;
const env = readEnv([...tables, 'STAGE', 'PAYLOAD_BUCKET', 'REFRESH_FUNCTION', 'LOCAL_ORIGINS']);
const config = readRuntimeConfig(import.meta.url);
const write = (line: string) => void process.stdout.write(`${line}\n`);
const log = jsonLog({ clock, write, fields: { stage: env.STAGE, function: 'agent-door' } });
const client = dynamoClient();
const { store, ...stores } = awsCallStores({ env, client, clock, random });
const operations = operationsOnDemand(config.systems);
const keys = dynamoApiKeyStore({ client, table: env.TABLE_STATE });
const auth = { keys, control: stores.control.current, agents: config.agents, clock, cache: new Map() };
const deps: DoorDeps = {
  ...{ ...stores, config, log, operations: operations.find },
  catalog: catalogOf({ index: tools, connectors: operations.load }),
  kernel: { store, payloads: stores.payloads, clock, random, limits },
  ...awsWayOut({ config, env, client, clock, log }),
  byKey: (headers) => authenticateAgent(auth, headers),
  eventKeys: eventKeysOnDemand(secretValuesOnDemand(clock), config.policies.events?.handleSecret),
  byIam: (arn) => authenticateIam(config.agents, arn),
};

/** Answers one request of an agent. */
export const handler = (event: HttpApiEvent) => answerAgent(deps, doorRequest(event));
