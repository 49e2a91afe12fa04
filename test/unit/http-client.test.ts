import { once } from 'node:events';
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo, LookupFunction, Server, Socket } from 'node:net';
import net from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { type HttpClient, type HttpClientDeps, httpClient, type OutboundRequest } from '../../shared/http/client.ts';
import { systemClock } from '../../shared/model/clock.ts';
import { selfSigned, testHost } from '../kit/self-signed.ts';

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

async function listening<S extends Server>(server: S, scheme = 'http'): Promise<string> {
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
async function raw(onData: (socket: Socket, text: string, connection: number) => void) {
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

function clientOf(deps: Partial<HttpClientDeps> = {}): HttpClient {
  const client = httpClient({ clock: systemClock, local: true, ...deps });
  closers.push(() => client.close());
  return client;
}

function request(origin: string, more: Partial<OutboundRequest> = {}): OutboundRequest {
  const deadlineMs = Date.now() + 10_000;
  return { origin, method: 'GET', path: '/x?y=1', headers: {}, body: null, deadlineMs, ...more };
}

const ok = (body: string) => `HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
const codeOf = (result: Awaited<ReturnType<HttpClient['send']>>) =>
  result.kind === 'answer' ? result.kind : `${result.kind} ${result.fault.code}`;

describe('what is sent and answered', () => {
  it('sends method, path, headers and body and returns status, headers and text', async () => {
    const server = http.createServer(async (incoming, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of incoming) chunks.push(chunk as Buffer);
      const { method, url, headers } = incoming;
      response.writeHead(201, { 'X-Thing': 'a' });
      response.end(JSON.stringify({ method, url, test: headers['x-test'], body: Buffer.concat(chunks).toString() }));
    });
    const origin = await listening(server);
    const sent = { method: 'POST', headers: { 'x-test': '1' }, body: Buffer.from('{"ä":1}') };
    const result = await clientOf().send(request(origin, sent));
    expect(result).toMatchObject({ kind: 'answer', answer: { status: 201, headers: { 'x-thing': 'a' } } });
    const { bodyText } = result.kind === 'answer' ? result.answer : { bodyText: '{}' };
    expect(JSON.parse(bodyText)).toEqual({ method: 'POST', url: '/x?y=1', test: '1', body: '{"ä":1}' });
  });

  it('returns a redirect as the answer and asks nobody else', async () => {
    const asked: string[] = [];
    const server = http.createServer((incoming, response) => {
      asked.push(incoming.url ?? '');
      response.writeHead(307, { location: '/elsewhere' }).end();
    });
    const result = await clientOf().send(request(await listening(server)));
    expect(result).toMatchObject({ kind: 'answer', answer: { status: 307 } });
    expect(asked).toEqual(['/x?y=1']);
  });

  it('keeps a connection for the next request', async () => {
    const { origin, seen } = await raw((socket) => socket.write(ok('hi')));
    const client = clientOf();
    await client.send(request(origin));
    await client.send(request(origin));
    expect(seen.connections).toBe(1);
  });

  it('does not use a connection again that was idle for long, as after a frozen process', async () => {
    const { origin, seen } = await raw((socket) => socket.write(ok('hi')));
    let nowMs = 1_000_000;
    const client = clientOf({ clock: { ...systemClock, now: () => nowMs } });
    await client.send(request(origin, { deadlineMs: nowMs + 10_000 }));
    nowMs += 60_000;
    await client.send(request(origin, { deadlineMs: nowMs + 10_000 }));
    expect(seen.connections).toBe(2);
  });
});

describe('the right to write', () => {
  it('is asked when the connection stands and before any byte, and its refusal sends nothing', async () => {
    const { origin, seen } = await raw((socket) => socket.write(ok('hi')));
    const asked: number[] = [];
    const mayWrite = () => {
      asked.push(seen.bytes);
      return false;
    };
    const result = await clientOf().send(request(origin, { method: 'POST', body: Buffer.from('x'), mayWrite }));
    await clientOf().send(request(origin));
    expect(codeOf(result)).toBe('not_sent not_permitted');
    expect(asked).toEqual([0]);
    expect(seen.bytes).toBeLessThan(200);
  });

  it('is not asked while nobody accepts the connection', async () => {
    const server = net.createServer();
    const origin = await listening(server);
    server.close();
    let asked = 0;
    const mayWrite = () => ++asked > 0;
    expect(codeOf(await clientOf().send(request(origin, { mayWrite })))).toBe('not_sent connect_failed');
    expect(asked).toBe(0);
  });

  it('is asked only after TLS stands', async () => {
    const { key, cert } = selfSigned(Date.now());
    const server = https.createServer({ key, cert }, (_incoming, response) => response.end('hi'));
    let secured = 0;
    server.on('secureConnection', () => {
      secured += 1;
    });
    const origin = await listening(server, 'https');
    const asked: number[] = [];
    const mayWrite = () => asked.push(secured) > 0;
    const result = await clientOf({ ca: cert }).send(request(origin, { mayWrite }));
    expect(result).toMatchObject({ kind: 'answer', answer: { bodyText: 'hi' } });
    expect(asked).toHaveLength(1);
  });

  it('is never asked of a server whose certificate is not trusted', async () => {
    const { key, cert } = selfSigned(Date.now());
    const origin = await listening(https.createServer({ key, cert }), 'https');
    let asked = 0;
    const mayWrite = () => ++asked > 0;
    expect(codeOf(await clientOf().send(request(origin, { mayWrite })))).toBe('not_sent connect_failed');
    expect(asked).toBe(0);
  });

  it('is asked again on a connection that is used again', async () => {
    const { origin } = await raw((socket) => socket.write(ok('hi')));
    const client = clientOf();
    let asked = 0;
    const mayWrite = () => ++asked > 0;
    await client.send(request(origin, { mayWrite }));
    await client.send(request(origin, { mayWrite }));
    expect(asked).toBe(2);
  });
});

describe('requests without an answer', () => {
  it('calls a reset after the request a loss', async () => {
    const { origin } = await raw((socket) => socket.resetAndDestroy());
    expect(codeOf(await clientOf().send(request(origin)))).toBe('lost connection_lost');
  });

  it('calls a reset on a kept connection a loss, and does not send again', async () => {
    let requests = 0;
    const { origin, seen } = await raw((socket) => {
      requests += 1;
      if (requests === 1) socket.write(ok('hi'));
      else socket.resetAndDestroy();
    });
    const client = clientOf();
    await client.send(request(origin));
    expect(codeOf(await client.send(request(origin, { method: 'POST', body: Buffer.from('x') })))).toBe(
      'lost connection_lost',
    );
    expect([requests, seen.connections]).toEqual([2, 1]);
  });

  it('calls an answer that does not come in time a loss', async () => {
    const { origin } = await raw(() => {});
    expect(codeOf(await clientOf().send(request(origin, { deadlineMs: Date.now() + 80 })))).toBe('lost deadline');
  });

  it('ends an answer that trickles at the deadline', async () => {
    const { origin } = await raw((socket) => {
      socket.write('HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nab');
    });
    expect(codeOf(await clientOf().send(request(origin, { deadlineMs: Date.now() + 80 })))).toBe('lost deadline');
  });

  it('sends nothing when the time is already over', async () => {
    const { origin, seen } = await raw((socket) => socket.write(ok('hi')));
    const result = await clientOf().send(request(origin, { deadlineMs: Date.now() - 1 }));
    expect([codeOf(result), seen.bytes]).toEqual(['not_sent deadline', 0]);
  });

  it('calls an answer that is cut off a loss', async () => {
    const { origin } = await raw((socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nab'));
    expect(codeOf(await clientOf().send(request(origin)))).toBe('lost connection_lost');
  });

  it('refuses an answer whose declared length is too large', async () => {
    const { origin } = await raw((socket) => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2000\r\n\r\n'));
    const result = await clientOf().send(request(origin, { maxResponseBytes: 1000 }));
    expect(codeOf(result)).toBe('lost response_too_large');
  });

  it('stops reading an answer that grows too large', async () => {
    const chunk = `3e8\r\n${'a'.repeat(1000)}\r\n`;
    const { origin } = await raw((socket) =>
      socket.write(`HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${chunk}${chunk}`),
    );
    const result = await clientOf().send(request(origin, { maxResponseBytes: 1500 }));
    expect(codeOf(result)).toBe('lost response_too_large');
  });

  it.each([
    ['what is not HTTP', 'SSH-2.0-OpenSSH\r\n'],
    ['a compressed body', 'HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 1\r\n\r\na'],
    ['a body that is not UTF-8', Buffer.from('HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n\xff', 'latin1')],
    ['a protocol switch', 'HTTP/1.1 101 Switching\r\nupgrade: h2c\r\nconnection: upgrade\r\n\r\n'],
  ])('calls %s unreadable', async (_name, bytes) => {
    const { origin } = await raw((socket) => socket.write(bytes));
    expect(codeOf(await clientOf().send(request(origin)))).toBe('lost unreadable_answer');
  });

  it('ends open requests when the handler is over', async () => {
    const client = clientOf();
    const { origin } = await raw(() => client.abortAll());
    expect(codeOf(await client.send(request(origin)))).toBe('lost aborted');
  });
});

describe('where requests may go', () => {
  const answering = (...addresses: string[]): LookupFunction =>
    ((_host, _options, callback) => {
      callback(
        null,
        addresses.map((address) => ({ address, family: net.isIP(address) })),
      );
    }) as LookupFunction;

  it.each([
    ['10.0.0.8'],
    ['127.0.0.1'],
    ['169.254.169.254'],
    ['::1'],
    ['fd00:ec2::254'],
    ['::ffff:10.0.0.8'],
    ['fe80::1'],
  ])('refuses a name that resolves to %s', async (address) => {
    const client = clientOf({ local: false, lookup: answering(address) });
    expect(codeOf(await client.send(request('https://api.example.test')))).toBe('not_sent unsafe_address');
  });

  it('refuses a name with one private address among public ones', async () => {
    const client = clientOf({ local: false, lookup: answering('93.184.216.34', '192.168.1.1') });
    expect(codeOf(await client.send(request('https://api.example.test')))).toBe('not_sent unsafe_address');
  });

  it('refuses loopback by name in the local target too', async () => {
    const client = clientOf({ local: true, lookup: answering('127.0.0.1') });
    expect(codeOf(await client.send(request('https://api.example.test')))).toBe('not_sent unsafe_address');
  });

  it.each([['https://127.0.0.1'], ['https://10.0.0.8'], ['https://[::1]'], ['https://0x7f.1']])(
    'refuses the address %s outside the local target',
    async (origin) => {
      const url = new URL(origin).origin;
      expect(codeOf(await clientOf({ local: false }).send(request(url)))).toBe('not_sent unsafe_address');
    },
  );

  it('reports a name that does not resolve as not sent', async () => {
    const lookup = ((_host, _options, callback) => {
      callback(Object.assign(new Error('no'), { code: 'ENOTFOUND' }), '');
    }) as LookupFunction;
    expect(codeOf(await clientOf({ lookup }).send(request('https://api.example.test')))).toBe('not_sent lookup_failed');
  });

  it.each([
    ['http://127.0.0.1:1', false],
    ['http://api.example.test', true],
    ['http://localhost:1', true],
    ['https://user@api.example.test', true],
    ['https://api.example.test/path', true],
    ['ftp://127.0.0.1', true],
    ['nonsense', true],
  ])('refuses %s as an origin (local target: %s)', async (origin, local) => {
    await expect(clientOf({ local }).send(request(origin))).rejects.toMatchObject({ code: 'unsafe_address' });
  });

  it('checks the address of the connection itself, whatever the look-up said', async () => {
    const { key, cert } = selfSigned(Date.now());
    let requests = 0;
    const server = https.createServer({ key, cert }, (_incoming, response) => {
      requests += 1;
      response.end('hi');
    });
    const { port } = new URL(await listening(server, 'https'));
    let reads = 0;
    const lying = ((_host, _options, callback) => {
      // Public when it is judged, loopback when it is connected to.
      const found = {
        family: 4,
        get address() {
          return reads++ === 0 ? '93.184.216.34' : '127.0.0.1';
        },
      };
      callback(null, [found]);
    }) as LookupFunction;
    const client = clientOf({ local: false, lookup: lying, ca: cert });
    expect(codeOf(await client.send(request(`https://${testHost}:${port}`)))).toBe('not_sent unsafe_address');
    expect(requests).toBe(0);
  });

  it('refuses headers that would frame the message or smuggle another', async () => {
    const { origin } = await raw((socket) => socket.write(ok('hi')));
    for (const headers of [
      { 'x-a': 'b\r\nx: y' },
      { 'transfer-encoding': 'chunked' },
      { Host: 'other' },
      { 'x a': 'b' },
    ]) {
      await expect(clientOf().send(request(origin, { headers }))).rejects.toMatchObject({ code: 'invalid_input' });
    }
  });
});
