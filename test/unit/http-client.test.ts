import http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../shared/model/clock.ts';
import { clientOf, closeAll, codeOf, listening, ok, raw, request } from '../kit/http-servers.ts';
import { selfSigned } from '../kit/self-signed.ts';

afterEach(closeAll);

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
