import { once } from 'node:events';
import type { AddressInfo, Server, Socket } from 'node:net';
import net from 'node:net';
import { type HttpClient, type HttpClientDeps, httpClient, type OutboundRequest } from '../../shared/http/client.ts';
import { systemClock } from '../../shared/model/clock.ts';

const closers: (() => void)[] = [];
/** Closes every server and client a test opened. Call in `afterEach`. */
export function closeAll(): void {
  for (const close of closers.splice(0)) close();
}

/** Lets a server listen on a free loopback port and returns its origin. */
export async function listening<S extends Server>(server: S, scheme = 'http'): Promise<string> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A server that answers by hand, and counts connections and the bytes that arrived. */
export async function raw(onData: (socket: Socket, text: string, connection: number) => void) {
  const seen = { connections: 0, bytes: 0 };
  const server = net.createServer((socket) => {
    seen.connections += 1;
    const connection = seen.connections;
    socket.on('data', (data) => {
      seen.bytes += data.length;
      onData(socket, data.toString(), connection);
    });
  });
  return { origin: await listening(server), seen };
}

/** A client of the local target. */
export function clientOf(deps: Partial<HttpClientDeps> = {}): HttpClient {
  const client = httpClient({ clock: systemClock, local: true, ...deps });
  closers.push(() => client.close());
  return client;
}

/** A GET with ten seconds to go. */
export function request(origin: string, more: Partial<OutboundRequest> = {}): OutboundRequest {
  const deadlineMs = Date.now() + 10_000;
  return { origin, method: 'GET', path: '/x?y=1', headers: {}, body: null, deadlineMs, ...more };
}

/** A whole answer with this body, as bytes on the wire. */
export const ok = (body: string) => `HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
/** What became of a request, as one line. */
export const codeOf = (result: Awaited<ReturnType<HttpClient['send']>>) =>
  result.kind === 'answer' ? result.kind : `${result.kind} ${result.fault.code}`;
