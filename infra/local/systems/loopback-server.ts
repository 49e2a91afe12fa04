import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** One request as a simulated system sees it. `segments` are the decoded path segments. */
export type SimRequest = {
  readonly method: string;
  readonly path: string;
  readonly segments: readonly string[];
  readonly query: URLSearchParams;
  readonly headers: Readonly<Record<string, string>>;
  readonly bodyText: string;
};

/** What goes back: an answer, or `drop`, which closes the connection without one. */
export type SimAnswer =
  | { readonly status: number; readonly headers: Readonly<Record<string, string>>; readonly bodyText: string }
  | 'drop';

/** A running listener. */
export type SimListener = { readonly url: string; close(): Promise<void> };

const maxBodyBytes = 10_485_760;

/**
 * Starts an HTTP listener on 127.0.0.1 that refuses any Host that is not loopback, and any request of a web page.
 * @param input.port 0 takes a free one; @param input.handle must not throw, a throw becomes a 500 without a body
 */
export async function listenLoopback(input: {
  port: number;
  handle: (request: SimRequest) => Promise<SimAnswer>;
}): Promise<SimListener> {
  const server = createServer((message, response) => {
    answer(message, response, input.handle).catch(() => message.socket.destroy());
  });
  server.keepAliveTimeout = 5_000;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(input.port, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** True where a Host header names this machine; a page under another name that resolves here is refused. */
export function isLoopbackHost(host: string | undefined): boolean {
  return /^(127\.0\.0\.1|localhost|\[::1\])(:[0-9]{1,5})?$/i.test(host ?? '');
}

// Browsers send one of the two with every request a page makes to another origin; servers and curl send neither.
function isFromWebPage(message: IncomingMessage): boolean {
  const site = message.headers['sec-fetch-site'];
  return message.headers.origin !== undefined || (site !== undefined && site !== 'none');
}

async function answer(
  message: IncomingMessage,
  response: ServerResponse,
  handle: (request: SimRequest) => Promise<SimAnswer>,
): Promise<void> {
  if (!isLoopbackHost(message.headers.host)) return reply(response, 403, 'This listener answers to loopback only.\n');
  if (isFromWebPage(message)) return reply(response, 403, 'Requests of web pages are refused here.\n');
  const bodyText = await readBody(message);
  if (bodyText === null) return reply(response, 413, 'The body is larger than 10 MiB.\n');
  const request = toRequest(message, bodyText);
  if (request === null) return reply(response, 400, 'The request target cannot be read.\n');
  const result = await handle(request);
  if (result === 'drop') {
    message.socket.destroy();
    return;
  }
  response.writeHead(result.status, { ...result.headers, 'content-length': Buffer.byteLength(result.bodyText) });
  response.end(request.method === 'HEAD' ? undefined : result.bodyText);
}

function reply(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'content-type': 'text/plain', connection: 'close' });
  response.end(text);
}

async function readBody(message: IncomingMessage): Promise<string | null> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of message as AsyncIterable<Buffer>) {
    size += chunk.byteLength;
    if (size > maxBodyBytes) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function toRequest(message: IncomingMessage, bodyText: string): SimRequest | null {
  try {
    const url = new URL(`http://127.0.0.1${message.url ?? '/'}`);
    const headers: Record<string, string> = {};
    for (const [name, value] of Object.entries(message.headers)) {
      if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(', ') : value;
    }
    return {
      method: message.method ?? 'GET',
      path: url.pathname,
      segments: url.pathname.split('/').slice(1).map(decodeURIComponent),
      query: url.searchParams,
      headers,
      bodyText,
    };
  } catch {
    return null;
  }
}
