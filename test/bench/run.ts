import { createServer } from 'node:http';
import { join } from 'node:path';
import { build, projectDir } from '../../infra/build.ts';
import { systemClock } from '../../shared/model/clock.ts';
import { startDynamo } from '../kit/dynamo.ts';
import { measureFaults } from './faults.ts';
import { measureLatency, printLatency } from './latency.ts';
import { printTable } from './measure.ts';
import { type BundleFigures, measureBundle, measureSource } from './module-load.ts';
import { measureReceive } from './receive.ts';
import { bare, countedClient, type Effect, kernelOver, ours, powertools } from './variants.ts';

const powertoolsSource = `
import { makeIdempotent, IdempotencyConfig } from '@aws-lambda-powertools/idempotency';
import { DynamoDBPersistenceLayer } from '@aws-lambda-powertools/idempotency/dynamodb';
const persistenceStore = new DynamoDBPersistenceLayer({ tableName: 't' });
export const handler = makeIdempotent(async () => ({ ok: true }), { persistenceStore, config: new IdempotencyConfig({}) });
`;

/** What the functions ask of their environment; nothing is called while they load. */
const environment = {
  STAGE: 'local',
  ...Object.fromEntries(
    ['ACTIONS', 'INBOX', 'LEDGER', 'CASES', 'STATE', 'CONTROL'].map((name) => [`TABLE_${name}`, name.toLowerCase()]),
  ),
  PAYLOAD_BUCKET: 'payloads',
  QUEUE_INBOX_URL: 'http://127.0.0.1:1/inbox',
  REFRESH_FUNCTION: 'refresh',
};

/** `npm run bench`: a bare handler, the same under Powertools idempotency, and the same under ours, side by side. */
process.env.AWS_REGION ??= 'eu-central-1';
process.env.AWS_ACCESS_KEY_ID ??= 'local';
process.env.AWS_SECRET_ACCESS_KEY ??= 'local';
const dynamo = await startDynamo();
try {
  const effect: Effect = () => Promise.resolve({ ok: true });
  const theirs = countedClient(dynamo.endpoint);
  const own = countedClient(dynamo.endpoint);
  const indexed = countedClient(dynamo.endpoint);
  const kernel = (client: typeof own.client, table: string) =>
    kernelOver({ client, table, effect, clock: systemClock });
  const variants = [
    bare(effect),
    powertools({ ...theirs, table: dynamo.names.state, effect, remainingMs: 20_000 }),
    ours('Plumbline', kernel(own.client, dynamo.names.links), own.count),
    ours('Plumbline, index and stream', kernel(indexed.client, dynamo.names.actions), indexed.count),
  ];
  await measureLatency(variants, { rounds: 2, callsPerRound: 100, of: 'warm-up' });
  const { first, replay } = await measureLatency(variants, { rounds: 6, callsPerRound: 200, of: 'measured' });
  console.log('The same handler, interleaved call by call against one DynamoDB endpoint on this machine.');
  console.log(
    'The first three use tables without index and stream, which this embedded server maintains inside the request;',
  );
  console.log('DynamoDB itself maintains them after it. The last row shows them as this server has them.');
  const firsts = printLatency('First call', first);
  const replays = printLatency('Replay', replay);
  const lost = await measureFaults(dynamo.endpoint, dynamo.names);
  const received = await measureReceive();
  await printBundles();
  verdict({ first: firsts, replay: replays, lost, received });
} finally {
  await dynamo.stop();
}

async function printBundles(): Promise<void> {
  await build();
  const secrets = await serveSecrets();
  const env = {
    ...environment,
    AWS_ENDPOINT_URL: secrets.url,
    AWS_REGION: 'eu-central-1',
    AWS_ACCESS_KEY_ID: 'x',
    AWS_SECRET_ACCESS_KEY: 'x',
  };
  const figures: [string, BundleFigures][] = [
    ['bare handler', await measureSource('export const handler = async () => ({ ok: true });')],
    ['Powertools idempotency alone', await measureSource(powertoolsSource)],
  ];
  for (const name of ['agent-door', 'webhook-door'] as const) {
    figures.push([name, await measureBundle(join(projectDir, 'dist', name, 'index.mjs'), env)]);
  }
  secrets.close();
  const rows = figures.map(([name, { bytes, loadMs }]) => [
    name,
    `${Math.round(bytes / 1000)} KB`,
    `${loadMs.toFixed(1)} ms`,
  ]);
  printTable('Bundles: all files, and the median load of 20 fresh processes', ['', 'bytes', 'load'], rows);
}

/** Answers every request for a secret, which the webhook door makes while it loads. */
async function serveSecrets(): Promise<{ url: string; close: () => void }> {
  const server = createServer((_request, response) => {
    response.setHeader('content-type', 'application/x-amz-json-1.1');
    response.end(JSON.stringify({ Name: 's', VersionId: 'v', SecretString: 'x'.repeat(32), ARN: 'a', CreatedDate: 1 }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return { url: `http://127.0.0.1:${port}`, close: () => server.close() };
}

type Latency = ReturnType<typeof printLatency>;

type Measured = {
  readonly first: Latency;
  readonly replay: Latency;
  readonly lost: number;
  readonly received: ReadonlyMap<string, number>;
};

function verdict({ first, replay, lost, received }: Measured): void {
  const [name, yardstick] = ['Plumbline', 'Powertools idempotency'];
  const ratio = (figures: Latency) =>
    (figures.added.get(name) ?? Number.NaN) / (figures.added.get(yardstick) ?? Number.NaN);
  const checks: [string, boolean][] = [
    ['2 requests for a first call', first.requests.get(name) === 2],
    ['1 request for a replay', replay.requests.get(name) === 1],
    [`p50 added by a first call within 1.2 of Powertools (${ratio(first).toFixed(2)})`, ratio(first) <= 1.2],
    [`p50 added by a replay within 1.2 of Powertools (${ratio(replay).toFixed(2)})`, ratio(replay) <= 1.2],
    ['no duplicate and nothing lost under any fault', lost === 0],
    ...[...received].map(([load, times]): [string, boolean] => [
      `${load}: acknowledged within 1.15 of a handler that only verifies and sends (${times.toFixed(2)})`,
      times <= 1.15,
    ]),
  ];
  console.log('');
  for (const [claim, holds] of checks) console.log(`${holds ? 'ok      ' : 'NOT MET '} ${claim}`);
  if (checks.some(([, holds]) => !holds)) process.exitCode = 1;
}
