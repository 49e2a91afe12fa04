import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { s3PayloadStore } from '../../shared/aws/payload-store.ts';
import type { PayloadStore } from '../../shared/ledger/ports.ts';
import { sha256Hex } from '../../shared/model/ids.ts';
import { memoryPayloadStore } from '../kit/memory-payload-store.ts';

function contract(store: () => PayloadStore): void {
  it('gives back the bytes under their hash', async () => {
    const bytes = Uint8Array.from([0, 255, 10, 13]);
    const hash = await store().put(bytes);
    expect([hash, [...((await store().get(hash)) ?? [])]]).toEqual([sha256Hex(bytes), [...bytes]]);
  });

  it('takes the same bytes twice', async () => {
    const bytes = Buffer.from('twice');
    expect(await store().put(bytes)).toBe(await store().put(bytes));
  });

  it('answers null for what was never put', async () => {
    expect(await store().get('0'.repeat(64))).toBeNull();
  });
}

describe('payloads in memory', () => {
  const store = memoryPayloadStore();
  contract(() => store);
});

describe('payloads in S3', () => {
  const objects = new Map<string, Buffer>();
  const faults: number[] = [];
  let asked: { method: string; url: string; auth: string; hash: string }[] = [];
  let server: Server;
  let endpoint = '';
  const env = () => ({
    region: 'eu-central-1',
    accessKeyId: 'AKID',
    secretAccessKey: 'not a secret',
    sessionToken: 'session',
    endpoint: () => endpoint,
  });
  const store = () => s3PayloadStore({ bucket: 'payloads', env });

  beforeAll(async () => {
    server = createServer(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const { method = '', url = '', headers } = request;
      const hash = String(headers['x-amz-content-sha256']);
      asked.push({ method, url, auth: String(headers.authorization), hash });
      const fault = faults.shift();
      if (fault) return void response.writeHead(fault).end();
      if (method === 'PUT') objects.set(url, Buffer.concat(chunks));
      const found = objects.get(url);
      response.writeHead(found ? 200 : 404).end(method === 'GET' ? found : undefined);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => new Promise((resolve) => server.close(resolve)));

  contract(store);

  it('signs the request with the hash of its bytes, under the key of the hash', async () => {
    asked = [];
    const hash = await store().put(Buffer.from('signed'));
    expect(asked).toEqual([
      {
        method: 'PUT',
        url: `/payloads/sha256/${hash}`,
        auth: expect.stringContaining('/eu-central-1/s3/aws4_request'),
        hash,
      },
    ]);
  });

  it('tries again after a fault of S3', async () => {
    faults.push(503, 500);
    expect(await store().put(Buffer.from('again'))).toBe(sha256Hex('again'));
  });

  it('says that S3 did not answer after three faults', async () => {
    faults.push(503, 503, 503);
    await expect(store().put(Buffer.from('down'))).rejects.toMatchObject({ code: 'store_unavailable' });
  });

  it('refuses bytes that do not have their hash', async () => {
    const hash = await store().put(Buffer.from('true'));
    objects.set(`/payloads/sha256/${hash}`, Buffer.from('false'));
    await expect(store().get(hash)).rejects.toMatchObject({ code: 'store_unavailable' });
  });

  it('asks nothing for a key that is no hash', async () => {
    asked = [];
    expect([await store().get('../other'), asked]).toEqual([null, []]);
  });
});
