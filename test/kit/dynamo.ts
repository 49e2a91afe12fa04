import { type ChildProcess, spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { CreateTableCommand, type CreateTableCommandInput, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { type TableName, type TableSpec, tables } from '../../shared/aws/tables.ts';

/** A DynamoDB endpoint with every table of the product, for one test file. */
export type TestDynamo = {
  readonly client: DynamoDBClient;
  readonly endpoint: string;
  /** The names the tables were created under: unique to this start, so that files may share an endpoint. */
  readonly names: Readonly<Record<TableName, string>>;
  readonly stop: () => Promise<void>;
};

const binary = new URL('../../node_modules/@dynoxide/linux-x64/dynoxide', import.meta.url).pathname;

/**
 * Further endpoints a contract suite also runs on: `PLUMBLINE_TEST_DYNAMODB`, a comma-separated list of http origins such as
 * DynamoDB Local's.
 */
export function givenEndpoints(): readonly string[] {
  return (process.env['PLUMBLINE_TEST_DYNAMODB'] ?? '').split(',').filter((one) => one !== '');
}

/**
 * Starts an embedded DynamoDB in memory on a free loopback port, or uses the given endpoint, and creates the tables through the
 * real SDK. Call `stop` in `afterAll`.
 */
export async function startDynamo(given?: string): Promise<TestDynamo> {
  const server = given === undefined ? await launch() : null;
  const endpoint = given ?? server?.endpoint ?? '';
  const client = new DynamoDBClient({ endpoint, maxAttempts: 3 });
  const suffix = crypto.randomUUID().slice(0, 8);
  const names = Object.fromEntries(tables.map(({ name }) => [name, `${name}-${suffix}`])) as Record<TableName, string>;
  for (const spec of tables) await client.send(new CreateTableCommand(createTable(spec, names[spec.name])));
  const stop = async () => {
    client.destroy();
    await server?.stop();
  };
  return { client, endpoint, names, stop };
}

/** What creates one table of the product: keys and indexes as tables.ts says, on demand, with its stream. */
export function createTable(spec: TableSpec, name: string): CreateTableCommandInput {
  const attributes = new Map<string, 'S' | 'N'>([['pk', 'S']]);
  for (const index of spec.indexes) attributes.set(index.partition, 'S').set(index.sort.name, index.sort.type);
  return {
    TableName: name,
    BillingMode: 'PAY_PER_REQUEST',
    AttributeDefinitions: [...attributes].map(([AttributeName, AttributeType]) => ({ AttributeName, AttributeType })),
    KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
    ...(spec.indexes.length > 0 ? { GlobalSecondaryIndexes: spec.indexes.map(indexOf) } : {}),
    ...(spec.stream ? { StreamSpecification: { StreamEnabled: true, StreamViewType: 'NEW_AND_OLD_IMAGES' } } : {}),
  };
}

function indexOf(index: TableSpec['indexes'][number]) {
  return {
    IndexName: index.name,
    KeySchema: [
      { AttributeName: index.partition, KeyType: 'HASH' as const },
      { AttributeName: index.sort.name, KeyType: 'RANGE' as const },
    ],
    Projection: { ProjectionType: index.projection },
  };
}

/** A port picked as free can be taken before the server binds it: then another is tried. */
async function launch(): Promise<{ endpoint: string; stop: () => Promise<void> }> {
  for (let attempt = 0; attempt < 5; attempt += 1) {
    const port = await freePort();
    const child = spawn(binary, ['serve', '--host', '127.0.0.1', '--port', String(port)], { stdio: 'ignore' });
    const endpoint = `http://127.0.0.1:${port}`;
    if (await answers(endpoint, child)) return { endpoint, stop: () => stopped(child) };
    await stopped(child);
  }
  throw new Error(`${binary} did not start; give an endpoint in PLUMBLINE_TEST_DYNAMODB instead`);
}

async function answers(endpoint: string, child: ChildProcess): Promise<boolean> {
  for (let i = 0; i < 400 && child.exitCode === null; i += 1) {
    try {
      await (await fetch(endpoint, { signal: AbortSignal.timeout(1000) })).arrayBuffer();
      return child.exitCode === null;
    } catch {
      await wait(25);
    }
  }
  return false;
}

async function stopped(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await gone;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no loopback port');
  return address.port;
}
