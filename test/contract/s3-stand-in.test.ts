import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AwsClient } from 'aws4fetch';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createCallers } from '../../infra/local/aws/callers.ts';
import { openObjectFile, serveS3 } from '../../infra/local/aws/s3.ts';
import { systemClock } from '../../shared/model/clock.ts';

const directory = mkdtempSync(join(tmpdir(), 's3-'));
const callers = createCallers(Buffer.alloc(32, 7));
const aws = new AwsClient({ ...callers.keysOf('tester'), region: 'eu-central-1', service: 's3', retries: 0 });
let base = '';
let stop = async () => {};

beforeAll(async () => {
  const file = openObjectFile(directory, systemClock);
  file.createBucket('payloads');
  const listener = await serveS3(file, systemClock, callers);
  base = `${listener.url}/payloads`;
  stop = async () => {
    await listener.close();
    file.close();
  };
});
afterAll(async () => {
  await stop();
  rmSync(directory, { recursive: true });
});

describe('the S3 stand-in', () => {
  it('gives back the bytes that were put, whatever they are', async () => {
    const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
    await aws.fetch(`${base}/sha256/a%20b`, { method: 'PUT', body: bytes });
    const answer = await aws.fetch(`${base}/sha256/a%20b`);
    expect(new Uint8Array(await answer.arrayBuffer())).toEqual(bytes);
  });

  it('refuses a second put under If-None-Match', async () => {
    const put = () => aws.fetch(`${base}/once`, { method: 'PUT', body: 'x', headers: { 'if-none-match': '*' } });
    expect([(await put()).status, (await put()).status]).toEqual([200, 412]);
  });

  it('lists keys by prefix, page by page', async () => {
    for (const key of ['p/1', 'p/2', 'p/3']) await aws.fetch(`${base}/${key}`, { method: 'PUT', body: key });
    const page = async (more: string) => (await aws.fetch(`${base}?list-type=2&prefix=p/&max-keys=2${more}`)).text();
    const first = await page('');
    expect([...first.matchAll(/<Key>([^<]+)/g)].map((match) => match[1])).toEqual(['p/1', 'p/2']);
    const token = /<NextContinuationToken>([^<]+)/.exec(first)?.[1] ?? '';
    expect(await page(`&continuation-token=${encodeURIComponent(token)}`)).toContain('<Key>p/3</Key>');
  });

  it('answers 404 for what was deleted or never there, and 501 for what it does not have', async () => {
    await aws.fetch(`${base}/gone`, { method: 'PUT', body: 'x' });
    await aws.fetch(`${base}/gone`, { method: 'DELETE' });
    const asked = [`${base}/gone`, `${base}-other/key`, `${base}/gone?acl`].map(
      async (url) => (await aws.fetch(url)).status,
    );
    expect(await Promise.all(asked)).toEqual([404, 404, 501]);
  });
});
