import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startDynamoServer } from '../../infra/local/aws/dynamo-server.ts';
import { seedAgentKeys, seedControl } from '../../infra/local/seed.ts';
import { lockDirectory } from '../../infra/local/state-dir.ts';
import { authenticateAgent } from '../../shared/auth/api-keys.ts';
import { dynamoApiKeyStore } from '../../shared/aws/api-key-store.ts';
import { controlStore } from '../../shared/aws/control-store.ts';
import type { PlumblineConfig } from '../../shared/config/schema.ts';
import { systemClock as clock, systemRandom as random } from '../../shared/model/clock.ts';
import { startDynamo, type TestDynamo } from '../kit/dynamo.ts';

const directory = mkdtempSync(join(tmpdir(), 'seed-'));
const config = { agents: { reader: { iam: [] } } } as unknown as PlumblineConfig;
let dynamo: TestDynamo;

beforeAll(async () => {
  dynamo = await startDynamo();
  await seedControl(dynamo.client, dynamo.names.control);
});
afterAll(async () => {
  await dynamo.stop();
  rmSync(directory, { recursive: true });
});

function seed(): Promise<Readonly<Record<string, string>>> {
  const { client, names } = dynamo;
  const tables = { stateTable: names.state, controlTable: names.control };
  return seedAgentKeys({ client, clock, random }, { ...tables, config, directory });
}

async function works(key: string | undefined): Promise<boolean> {
  const { client, names } = dynamo;
  const keys = dynamoApiKeyStore({ client, table: names.state });
  const control = () => controlStore(client, names.control).read();
  const deps = { keys, control, agents: config.agents, clock, cache: new Map() };
  return (await authenticateAgent(deps, { authorization: `Bearer ${key}` })) !== null;
}

it('gives every start a working key, however often the file of keys was lost, and never more than two live ones', async () => {
  const issued: string[] = [];
  for (let i = 0; i < 4; i += 1) {
    issued.push((await seed())['reader'] ?? '');
    rmSync(join(directory, 'agent-keys.json'));
  }
  expect(await Promise.all(issued.map(works))).toEqual([false, false, true, true]);
});

it('keeps the key of an earlier start where the file still has it', async () => {
  const first = await seed();
  expect(await seed()).toEqual(first);
});

it('refuses state that another deployment has', () => {
  const unlock = lockDirectory(join(directory, 'state'));
  expect(() => lockDirectory(join(directory, 'state'))).toThrow('is in use by another Plumbline');
  unlock();
});

it('gives state back when its deployment ends', () => {
  lockDirectory(join(directory, 'again'))();
  expect(lockDirectory(join(directory, 'again'))).toBeTypeOf('function');
});

it('puts the embedded DynamoDB, which answers any Host and Origin, on a loopback address of its own each time', async () => {
  const [one, other] = await Promise.all(['a', 'b'].map((name) => startDynamoServer(join(directory, name), clock, {})));
  await Promise.all([one?.stop(), other?.stop()]);
  const [first, second] = [one, other].map((server) => new URL(server?.endpoint ?? 'http://none').hostname);
  expect(first).toMatch(/^127\./);
  expect(first).not.toBe(second);
});
