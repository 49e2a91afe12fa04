import { tools } from '../config/tools/index.ts';
import { awsCallStores } from '../shared/aws/call-stores.ts';
import { dynamoClient } from '../shared/aws/dynamo.ts';
import { awsWayOut } from '../shared/aws/system-sender.ts';
import { readEnv, readRuntimeConfig } from '../shared/config/env.ts';
import { systemClock as clock, systemRandom as random } from '../shared/model/clock.ts';
import { jsonLog } from '../shared/observe/json-log.ts';
import { catalogOf } from '../shared/tools/catalog.ts';
import { kernelLimits as limits } from '../shared/tools/limits.ts';
import { loadOperations } from '../shared/tools/operations.ts';
import { type DueMessage, dueWorker } from '../shared/tools/work-due.ts';

const tables = ['TABLE_ACTIONS', 'TABLE_LEDGER', 'TABLE_CASES', 'TABLE_STATE', 'TABLE_CONTROL'] as const;
const env = readEnv([...tables, 'STAGE', 'PAYLOAD_BUCKET', 'REFRESH_FUNCTION', 'LOCAL_ORIGINS']);
const config = readRuntimeConfig(import.meta.url);
const write = (line: string) => void process.stdout.write(`${line}\n`);
const log = jsonLog({ clock, write, fields: { stage: env.STAGE, function: 'action-worker' } });
const client = dynamoClient();
const { store, payloads, control } = awsCallStores({ env, client, clock, random });
const operations = await loadOperations(config.systems);
const work = dueWorker({
  ...{ config, control, operations, log },
  // The connectors of every system are there already.
  catalog: catalogOf({ index: tools, connectors: async () => {} }),
  kernel: { store, payloads, clock, random, limits },
  ...awsWayOut({ config, env, client, clock, log }),
});

/** Attempts due actions and moves unknown ones towards proof; what fails stays in the queue. */
export const handler = (
  event: { readonly Records: readonly DueMessage[] },
  context: { getRemainingTimeInMillis(): number },
) => work(event.Records, context.getRemainingTimeInMillis());
