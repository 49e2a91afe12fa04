import https from 'node:https';
import type { LookupFunction } from 'node:net';
import net from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { clientOf, closeAll, codeOf, listening, ok, raw, request } from '../kit/http-servers.ts';
import { selfSigned, testHost } from '../kit/self-signed.ts';

afterEach(closeAll);

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
