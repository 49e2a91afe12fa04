import { tools } from '../config/tools/index.ts';
import { awsCallStores } from '../shared/aws/call-stores.ts';
import { dynamoCursorStore } from '../shared/aws/cursor-store.ts';
import { s3DropStore } from '../shared/aws/drop-store.ts';
import { dynamoClient } from '../shared/aws/dynamo.ts';
import { awsWayOut } from '../shared/aws/system-sender.ts';
import { readAwsEnv, readEnv, readRuntimeConfig } from '../shared/config/env.ts';
import type { FileCursor } from '../shared/files/ports.ts';
import { dropWorker } from '../shared/files/work-drops.ts';
import { systemClock as clock, systemRandom as random } from '../shared/model/clock.ts';
import { jsonLog } from '../shared/observe/json-log.ts';
import { catalogOf } from '../shared/tools/catalog.ts';
import { kernelLimits as limits } from '../shared/tools/limits.ts';
import { operationsOnDemand } from '../shared/tools/operations.ts';

const tables = ['TABLE_ACTIONS', 'TABLE_LEDGER', 'TABLE_CASES', 'TABLE_STATE', 'TABLE_CONTROL'] as const;
const env = readEnv([...tables, 'STAGE', 'PAYLOAD_BUCKET', 'REFRESH_FUNCTION', 'LOCAL_ORIGINS']);
const config = readRuntimeConfig(import.meta.url);
const write = (line: string) => void process.stdout.write(`${line}\n`);
const log = jsonLog({ clock, write, fields: { stage: env.STAGE, function: 'file-drop' } });
const client = dynamoClient();
const { store, ...stores } = awsCallStores({ env, client, clock, random });
const operations = operationsOnDemand(config.systems);
const work = dropWorker({
  ...{ ...stores, config, log, operations: operations.find },
  catalog: catalogOf({ index: tools, connectors: operations.load }),
  kernel: { store, payloads: stores.payloads, clock, random, limits },
  ...awsWayOut({ config, env, client, clock, log }),
  drops: s3DropStore({ bucket: env.PAYLOAD_BUCKET, env: readAwsEnv }),
  cursors: dynamoCursorStore<FileCursor>(client, env.TABLE_STATE, 'file'),
});

/** Once a minute: works on the open files of every source until its time is over. */
export const handler = (_event: unknown, context: { getRemainingTimeInMillis(): number }) =>
  work(context.getRemainingTimeInMillis());
