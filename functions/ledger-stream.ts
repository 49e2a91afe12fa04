import { actionRecordFromItem } from '../shared/aws/action-store.ts';
import { dynamoClient, fromItem } from '../shared/aws/dynamo.ts';
import { dynamoLedgerStore } from '../shared/aws/ledger-store.ts';
import { s3PayloadStore } from '../shared/aws/payload-store.ts';
import { readAwsEnv, readEnv } from '../shared/config/env.ts';
import { type BatchAnswer, changeOf, inOrder, projectChange, type StreamRecord } from '../shared/ledger/project.ts';
import { systemClock as clock } from '../shared/model/clock.ts';
import { jsonLog } from '../shared/observe/json-log.ts';

const env = readEnv(['STAGE', 'TABLE_LEDGER', 'PAYLOAD_BUCKET']);
const write = (line: string) => void process.stdout.write(`${line}\n`);
const log = jsonLog({ clock, write, fields: { stage: env.STAGE, function: 'ledger-stream' } });
const deps = {
  ledger: dynamoLedgerStore({ client: dynamoClient(), table: env.TABLE_LEDGER }),
  payloads: s3PayloadStore({ bucket: env.PAYLOAD_BUCKET, env: readAwsEnv }),
};
const decode = (image: Record<string, unknown>) => actionRecordFromItem(fromItem(image) ?? {});

/** Puts each change of an action on the ledger; a failed one is given back by its sequence number. */
export const handler = (event: { readonly Records: readonly StreamRecord[] }): Promise<BatchAnswer> =>
  inOrder(
    event.Records,
    (record) => record.dynamodb?.SequenceNumber ?? '',
    (record) => projectChange(deps, changeOf(record, decode)),
    (fault) => log.error('a change did not reach the ledger', {}, fault),
  );
