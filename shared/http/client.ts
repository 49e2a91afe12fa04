import type { Agent, ClientRequest } from 'node:http';
import https from 'node:https';
import type { LookupFunction, Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { Clock } from '../model/clock.ts';
import { PlumblineError } from '../model/errors.ts';
import { isLoopback, isPublicAddress } from './address.ts';
import { guardedLookup } from './lookup.ts';
import { checkHeader } from './path.ts';
import { readAnswer } from './read-answer.ts';
import type { HttpFault, HttpResult } from './result.ts';

/** One request to a pinned origin. `path` holds the query; header names are lower case. */
export type OutboundRequest = {
  /** `https://host[:port]`; `http://` on loopback only, in the local target. */
  readonly origin: string;
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array | null;
  /** Absolute time by which a complete answer must be there: look-up, connection, request and answer together. */
  readonly deadlineMs: number;
  /** Longest answer that is read, bytes; default 8 MiB. */
  readonly maxResponseBytes?: number;
  /** Asked once, when the connection stands and before the first byte of this request is written. */
  readonly mayWrite?: () => boolean;
};

/** The one way to send HTTP requests to anybody. It sends each request once. */
export type HttpClient = {
  /** Throws `unsafe_address` for an origin that is not one, `invalid_input` for forbidden headers. */
  send(request: OutboundRequest): Promise<HttpResult>;
  /** Ends every open request now: a handler that returns leaves nothing under way. */
  abortAll(): void;
  /** Closes idle connections too. */
  close(): void;
};

export type HttpClientDeps = {
  readonly clock: Clock;
  /** The local target: loopback origins may be called, over http too. */
  readonly local: boolean;
  /** Name resolution; the operating system's by default. */
  readonly lookup?: LookupFunction;
  /** Further trusted certificate authority, PEM; beside nothing else where it is set. */
  readonly ca?: string;
};

// An import of node:http would read its exports of undici too, which costs every start some 25 ms.
const http = process.getBuiltinModule('node:http');

const defaultMaxBytes = 8_388_608;
/** A kept connection idle for longer is not used again: the other side has probably closed it meanwhile. */
const maxIdleMs = 4000;

type Target = { readonly url: URL; readonly secure: boolean; readonly allowed: (address: string) => boolean };
type Transport = { readonly agent: Agent; readonly idleSince: WeakMap<Socket, number> };

/**
 * Makes the client of one process. Addresses are checked at look-up and again on the connected socket; connections are
 * kept alive; nothing is retried, since only the caller knows what a second send would mean.
 */
export function httpClient(deps: HttpClientDeps): HttpClient {
  const options = { keepAlive: true, maxSockets: 64, maxFreeSockets: 16 };
  const idleSince = new WeakMap<Socket, number>();
  const plain: Transport = { agent: new http.Agent(options), idleSince };
  const secure: Transport = { agent: new https.Agent({ ...options, ...(deps.ca ? { ca: deps.ca } : {}) }), idleSince };
  const open = new Set<(fault: HttpFault) => void>();
  return {
    async send(request) {
      const target = targetOf(deps, request.origin);
      for (const [name, value] of Object.entries(request.headers)) checkHeader(name, value);
      if (isBareAddress(target.url) && !target.allowed(bareHost(target.url))) {
        return { kind: 'not_sent', fault: unsafe };
      }
      const transport = target.secure ? secure : plain;
      dropStale(transport, deps.clock.now());
      return exchange({ deps, request, target, transport, open });
    },
    abortAll: () => endAll(open),
    close() {
      endAll(open);
      plain.agent.destroy();
      secure.agent.destroy();
    },
  };
}

function endAll(open: ReadonlySet<(fault: HttpFault) => void>): void {
  for (const end of [...open]) end({ code: 'aborted', message: 'The request was ended with its handler.' });
}

const unsafe: HttpFault = { code: 'unsafe_address', message: 'The host has an address that is never called.' };

function targetOf(deps: HttpClientDeps, origin: string): Target {
  const url = URL.canParse(origin) ? new URL(origin) : null;
  const isOrigin = url !== null && url.origin === origin && url.username === '' && url.hostname !== '';
  const local = deps.local && url !== null && isLoopback(bareHost(url));
  if (!url || !isOrigin || !(url.protocol === 'https:' || (url.protocol === 'http:' && local))) {
    throw new PlumblineError('A request to something that is not an https origin was refused.', {
      code: 'unsafe_address',
      retry: 'never',
      hint: 'Give the origin as https://host without path; http is for loopback in the local target only.',
    });
  }
  return { url, secure: url.protocol === 'https:', allowed: local ? isLoopback : isPublicAddress };
}

function bareHost(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '');
}

function isBareAddress(url: URL): boolean {
  return /^\[|^[0-9.]+$/.test(url.hostname);
}

/** A frozen process thaws with connections that died meanwhile: they are closed before anything is written to them. */
function dropStale({ agent, idleSince }: Transport, nowMs: number): void {
  for (const sockets of Object.values(agent.freeSockets)) {
    for (const socket of sockets ?? []) {
      const since = idleSince.get(socket);
      if (since === undefined || nowMs - since > maxIdleMs || since > nowMs) socket.destroy();
    }
  }
}

type Exchange = {
  readonly deps: HttpClientDeps;
  readonly request: OutboundRequest;
  readonly target: Target;
  readonly transport: Transport;
  readonly open: Set<(fault: HttpFault) => void>;
};

function exchange({ deps, request, target, transport, open }: Exchange): Promise<HttpResult> {
  return new Promise((resolve) => {
    let headWritten = false;
    let settled = false;
    let connection: Socket | null = null;
    const outgoing = startRequest(deps, request, target, transport);
    const end = (fault: HttpFault): void => {
      settle({ kind: headWritten ? 'lost' : 'not_sent', fault });
      outgoing.destroy();
    };
    const settle = (result: HttpResult): void => {
      if (settled) return;
      settled = true;
      clearTimeout(timer);
      open.delete(end);
      resolve(result);
    };
    const remainingMs = Math.max(0, request.deadlineMs - deps.clock.now());
    const timer = setTimeout(() => end({ code: 'deadline', message: 'No complete answer came in time.' }), remainingMs);
    open.add(end);
    outgoing.on('error', (error) => end(faultOf(error, headWritten)));
    // Without this a protocol switch would leave the request open until its deadline.
    outgoing.on('upgrade', () => end({ code: 'unreadable_answer', message: 'The answer switches protocols.' }));
    whenConnected(outgoing, target.secure, (socket) => {
      const fault = refusal(deps, request, target, socket);
      if (fault) return end(fault);
      connection = socket;
      headWritten = true;
      // Everything is handed over in this one call: the head cannot leave later than the question was asked.
      outgoing.end(request.body ?? undefined);
    });
    outgoing.on('response', (response) => {
      const maxBytes = request.maxResponseBytes ?? defaultMaxBytes;
      readAnswer(response, maxBytes, (read) => {
        if ('code' in read) return end(read);
        if (connection) transport.idleSince.set(connection, deps.clock.now());
        settle({ kind: 'answer', answer: read, fetchedAtMs: deps.clock.now() });
      });
    });
  });
}

/** Why a request may not be written on this connection now, or null. */
function refusal(deps: HttpClientDeps, request: OutboundRequest, target: Target, socket: Socket): HttpFault | null {
  if (!target.allowed(socket.remoteAddress ?? '')) return unsafe;
  if (deps.clock.now() >= request.deadlineMs) return { code: 'deadline', message: 'The time was over before sending.' };
  if (request.mayWrite && !request.mayWrite()) {
    return { code: 'not_permitted', message: 'The right to send had ended before the request was written.' };
  }
  return null;
}

function startRequest(
  deps: HttpClientDeps,
  request: OutboundRequest,
  { url, secure, allowed }: Target,
  { agent }: Transport,
): ClientRequest {
  const length = request.body ? { 'content-length': String(request.body.byteLength) } : {};
  const bodyless = request.method === 'GET' || request.method === 'DELETE';
  return (secure ? https : http).request({
    agent,
    protocol: url.protocol,
    hostname: bareHost(url),
    port: url.port === '' ? (secure ? 443 : 80) : Number(url.port),
    method: request.method,
    path: request.path,
    headers: {
      'accept-encoding': 'identity',
      ...request.headers,
      ...(request.body || bodyless ? length : { 'content-length': '0' }),
    },
    lookup: guardedLookup(deps.lookup, allowed),
    setHost: true,
  });
}

/** Calls back once the connection, with TLS where it is secure, stands. */
function whenConnected(outgoing: ClientRequest, secure: boolean, then: (socket: Socket) => void): void {
  outgoing.once('socket', (socket) => {
    const pending = secure ? (socket as TLSSocket & { secureConnecting: boolean }).secureConnecting : socket.connecting;
    if (!pending) then(socket);
    else socket.once(secure ? 'secureConnect' : 'connect', () => then(socket));
  });
}

function faultOf(error: Error & { code?: string; syscall?: string }, headWritten: boolean): HttpFault {
  if (error.code === 'UNSAFE_ADDRESS') return unsafe;
  if (headWritten) {
    const unreadable = error.code?.startsWith('HPE_') ?? false;
    return unreadable
      ? { code: 'unreadable_answer', message: 'The answer is not HTTP that can be read.' }
      : { code: 'connection_lost', message: 'The connection ended before the answer was complete.' };
  }
  return error.syscall?.startsWith('getaddrinfo') || error.code === 'ENOTFOUND'
    ? { code: 'lookup_failed', message: 'The host name could not be resolved.' }
    : { code: 'connect_failed', message: 'No connection could be made.' };
}
