import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** One request as it arrived. */
export type Received = {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
};

/**
 * A receiver of webhooks on a free loopback port.
 * @param answer the status of the nth request, from 1; null ends the connection without one
 */
export async function recordingServer(answer: (n: number, request: Received) => number | null = () => 200) {
  const got: Received[] = [];
  const waiting: (() => void)[] = [];
  const server = createServer((message, response) => {
    const parts: Buffer[] = [];
    message.on('data', (part: Buffer) => parts.push(part));
    message.on('end', () => {
      const headers = Object.fromEntries(Object.entries(message.headers).map(([name, value]) => [name, String(value)]));
      const request = { path: message.url ?? '/', headers, body: Buffer.concat(parts).toString() };
      got.push(request);
      const status = answer(got.length, request);
      if (status === null) message.socket.destroy();
      else response.writeHead(status).end();
      for (const look of waiting) look();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    got,
    /** The first `count` requests, once they are there. */
    received: (count: number) =>
      new Promise<readonly Received[]>((resolve) => {
        const look = () => {
          if (got.length >= count) resolve(got.slice(0, count));
        };
        waiting.push(look);
        look();
      }),
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
