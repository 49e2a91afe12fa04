import { createServer } from 'node:http';
import type { InboxMessage } from '../../shared/model/event.ts';
import { eventWorld } from './event-world.ts';
import { testDoor, urlEvent } from './webhook-door.ts';

/** The test door behind a real listener that refuses what a test wants it to refuse. Close it in `afterEach`. */
export async function flakyDoor(path: string) {
  const door = testDoor();
  const refuses = { all: false, bodiesWith: [] as string[] };
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks);
      if (refuses.all || refuses.bodiesWith.some((part) => body.includes(part))) return response.writeHead(503).end();
      void door.post(urlEvent(path, body, request.headers)).then((answer) => {
        response.writeHead(answer.statusCode).end(answer.body);
      });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return {
    url: `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}/`,
    refuses,
    /** What the door put into the queue. */
    sent: door.sent,
    /** How often each event was handled by the worker behind the queue. */
    async handled(): Promise<readonly number[]> {
      const plan = async (message: InboxMessage) => ({ kind: 'work' as const, message, call: null, record: null });
      const worker = eventWorld({ plan });
      for (const message of door.sent) await worker.run(message);
      const times = new Map<string, number>();
      for (const id of worker.handled) times.set(id, (times.get(id) ?? 0) + 1);
      return [...times.values()];
    },
    async close(): Promise<void> {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
