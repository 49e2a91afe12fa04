import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** One request as a local listener sees it: the target and the body byte for byte, header names in lower case. */
export type LocalRequest = {
  readonly method: string;
  /** Path and query exactly as they were sent. */
  readonly target: string;
  /** Values of a repeated header joined by commas. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  readonly remoteAddress: string;
  /** Aborted when the caller goes away before it is answered. */
  readonly signal: AbortSignal;
};

/** What goes back; `drop` closes the connection without an answer. */
export type LocalAnswer =
  | {
      readonly status: number;
      readonly headers?: Readonly<Record<string, string | readonly string[]>>;
      readonly body?: string | Uint8Array;
    }
  | 'drop';

/** A running listener. */
export type Listener = { readonly url: string; readonly port: number; close(): Promise<void> };

/** How a listener is set up. */
export type ListenerOptions = {
  /** What it is, for the error of a port in use. */
  readonly name: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly handle: (request: LocalRequest) => Promise<LocalAnswer>;
  /** Further Host values that may be asked for, such as the host of a tunnel. */
  readonly hosts?: readonly string[];
  /** Origins other than its own whose pages may call it; `none` refuses every Origin. */
  readonly origins?: readonly string[] | 'none';
  /** Larger bodies get 413; default 6 MiB, as Lambda takes. */
  readonly maxBodyBytes?: number;
};

const lambdaBodyBytes = 6_291_456;

/**
 * Starts an HTTP listener on 127.0.0.1. A Host that is not this machine, and an Origin that is not the listener's own, get 403
 * and nothing else: no page of another origin and no rebound name reaches what is behind it.
 * Throws where the port is in use, with a sentence that says which and what to do.
 */
export async function listen(options: ListenerOptions): Promise<Listener> {
  const server = createServer({ keepAliveTimeout: 65_000 }, (message, response) => {
    answer(options, message, response).catch(() => message.socket.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const used = `Port ${options.port} (${options.name}) is in use. Stop the other program, or an earlier "npm start".`;
      reject(error.code === 'EADDRINUSE' ? new Error(used, { cause: error }) : error);
    });
    server.listen(options.port, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return { url: `http://127.0.0.1:${port}`, port, close };
}

/** Whether a Host header names this machine, or one of the further hosts. */
export function isAllowedHost(host: string | undefined, hosts: readonly string[] = []): boolean {
  if (host === undefined) return false;
  return /^(127\.0\.0\.1|localhost|\[::1\])(:[0-9]{1,5})?$/i.test(host) || hosts.includes(host.toLowerCase());
}

/** Whether a request with this Origin may be answered: none at all, the listener's own, or one of the further ones. */
export function isAllowedOrigin(
  origin: string | undefined,
  host: string | undefined,
  origins: readonly string[] | 'none' = [],
): boolean {
  if (origin === undefined) return true;
  if (origins === 'none') return false;
  return origin === `http://${host}` || origins.includes(origin);
}

async function answer(options: ListenerOptions, message: IncomingMessage, response: ServerResponse): Promise<void> {
  const { host, origin } = message.headers;
  if (!isAllowedHost(host, options.hosts) || !isAllowedOrigin(origin, host, options.origins)) {
    response.writeHead(403, { connection: 'close' }).end();
    return;
  }
  const body = await readBody(message, options.maxBodyBytes ?? lambdaBodyBytes);
  if (body === null) {
    response.writeHead(413, { 'content-type': 'application/json', connection: 'close' });
    response.end('{"message":"Request Entity Too Large"}');
    return;
  }
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  const request = { ...headOf(message), body, signal: gone.signal };
  const result = await options
    .handle(request)
    .catch(() => ({ status: 500, body: '{"message":"Internal Server Error"}' }));
  if (response.destroyed) return;
  if (result === 'drop') return void message.socket.destroy();
  send(response, result, message.method === 'HEAD');
}

function headOf(message: IncomingMessage): Omit<LocalRequest, 'body' | 'signal'> {
  const headers: Record<string, string> = {};
  for (const [name, values] of Object.entries(message.headersDistinct)) {
    if (values !== undefined) headers[name] = values.join(name === 'cookie' ? '; ' : ',');
  }
  const remoteAddress = message.socket.remoteAddress ?? '127.0.0.1';
  return { method: message.method ?? 'GET', target: message.url ?? '/', headers, remoteAddress };
}

function send(response: ServerResponse, result: Exclude<LocalAnswer, 'drop'>, headOnly: boolean): void {
  const body = result.body ?? '';
  for (const [name, value] of Object.entries(result.headers ?? {})) {
    response.setHeader(name, typeof value === 'string' ? value : [...value]);
  }
  if (!response.hasHeader('content-length') && result.status !== 204) {
    response.setHeader('content-length', typeof body === 'string' ? Buffer.byteLength(body) : body.byteLength);
  }
  response.writeHead(result.status);
  response.end(headOnly ? undefined : body);
}

async function readBody(message: IncomingMessage, maxBytes: number): Promise<Buffer | null> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of message as AsyncIterable<Buffer>) {
    size += chunk.byteLength;
    if (size > maxBytes) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
