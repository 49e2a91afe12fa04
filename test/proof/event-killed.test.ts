import { type ChildProcess, fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CreateQueueCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createCallers } from '../../infra/local/aws/callers.ts';
import { serveSqs } from '../../infra/local/aws/sqs.ts';
import { openSqsStore } from '../../infra/local/aws/sqs-store.ts';
import { sqsEventQueue } from '../../shared/aws/event-queue.ts';
import { dynamoInboxStore } from '../../shared/aws/inbox-store.ts';
import { systemClock } from '../../shared/model/clock.ts';
import type { InboxMessage } from '../../shared/model/event.ts';
import { startDynamo, type TestDynamo } from '../kit/dynamo.ts';
import type { KilledWork } from './event-killed-child.ts';

const child = fileURLToPath(new URL('./event-killed-child.ts', import.meta.url));
const deep = process.env['PROOF_DEPTH'] === 'deep';
/** How often a worker is killed, and how many events there are: enough that most kills meet some in the middle. */
const [kills, events] = deep ? [1000, 4000] : [25, 120];
const workers = 2;

const effects = new Map<string, number>();
let asked = 0;
let dynamo: TestDynamo;
let system: Server;
let close = async () => {};
let work: KilledWork;
let send: (messages: readonly InboxMessage[]) => Promise<void>;
let left: () => number;

beforeAll(async () => {
  dynamo = await startDynamo();
  system = createServer((request, response) => {
    const id = request.url?.split('/')[2] ?? '';
    asked += 1;
    if (request.method === 'POST') effects.set(id, (effects.get(id) ?? 0) + 1);
    response.statusCode = effects.has(id) ? 200 : 404;
    response.end();
  });
  await new Promise<void>((resolve) => system.listen(0, '127.0.0.1', resolve));
  const address = system.address();
  const directory = mkdtempSync(join(tmpdir(), 'killed-sqs-'));
  const store = openSqsStore(directory, systemClock);
  const callers = createCallers(Buffer.alloc(32, 7));
  const listener = await serveSqs({ store, clock: systemClock, callers });
  const { accessKeyId, secretAccessKey } = callers.keysOf('tester');
  Object.assign(process.env, { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey });
  const client = new SQSClient({ endpoint: listener.url });
  const { QueueUrl = '' } = await client.send(new CreateQueueCommand({ QueueName: 'inbox' }));
  send = sqsEventQueue({ client, queueUrl: QueueUrl }).send;
  left = () => Object.values(store.counts('inbox')).reduce((sum, count) => sum + count, 0);
  const { actions, inbox, ledger } = dynamo.names;
  work = {
    dynamo: { endpoint: dynamo.endpoint, actions, inbox, ledger },
    sqs: { endpoint: listener.url, queueUrl: QueueUrl },
    system: `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`,
  };
  close = async () => {
    client.destroy();
    await listener.close();
    store.close();
    rmSync(directory, { recursive: true });
  };
});
afterAll(async () => {
  await close();
  system.close();
  await dynamo.stop();
});

const event = (n: number): InboxMessage => ({
  ...{ version: 1, identity: `crm#hooks#e${n}`, system: 'crm', channel: 'hooks', scheme: 'hmac', type: 'note' },
  ...{ bodyHash: `b${n}`, itemHash: `i${n}`, occurredAtMs: null, receivedAtMs: Date.now(), attempt: null },
  ...{ secretIndex: 0, item: { inline: { n } }, replay: null },
});

const start = () => fork(child, [JSON.stringify(work)], { execArgv: [], stdio: 'ignore' });

/** Waits until the business system was asked some more times: a worker is in the middle of its work. */
async function someWork(more: number): Promise<void> {
  const from = asked;
  await expect.poll(() => asked - from >= more || left() === 0, { timeout: 60_000, interval: 5 }).toBe(true);
}

describe('workers that are killed with SIGKILL between acknowledgement and effect', () => {
  it(
    `${kills} times: every event has one DONE claim and one effect`,
    async () => {
      const ids = Array.from({ length: events }, (_, n) => n);
      await send(ids.map(event));
      const running: ChildProcess[] = Array.from({ length: workers }, start);
      let killed = 0;
      while (killed < kills) {
        // More of the same where the kills come faster than the work: a kill that meets nobody proves nothing.
        if (left() === 0) break;
        await someWork(1 + (killed % 4));
        const [victim] = running.splice(killed % workers, 1);
        victim?.kill('SIGKILL');
        killed += 1;
        running.push(start());
      }
      await expect.poll(left, { timeout: 120_000, interval: 100 }).toBe(0);
      for (const one of running) one.kill('SIGKILL');
      expect(killed).toBe(kills);
      const inbox = dynamoInboxStore({ client: dynamo.client, table: dynamo.names.inbox });
      const claims = await Promise.all(ids.map((n) => inbox.get(`crm#hooks#e${n}`)));
      expect(claims.filter((claim) => claim?.state !== 'DONE')).toEqual([]);
      expect(claims.filter((claim) => claim?.outcome?.kind !== 'processed')).toEqual([]);
      expect(ids.filter((n) => effects.get(`e${n}`) !== 1)).toEqual([]);
      // The kills met work: some events were claimed more than once.
      expect(claims.filter((claim) => (claim?.epoch ?? 0) > 1).length).toBeGreaterThan(0);
    },
    deep ? 1_800_000 : 180_000,
  );
});
