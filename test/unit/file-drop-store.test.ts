import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createCallers } from '../../infra/local/aws/callers.ts';
import { type ObjectFile, openObjectFile, serveS3 } from '../../infra/local/aws/s3.ts';
import { s3DropStore } from '../../shared/aws/drop-store.ts';
import type { DroppedFile, DropStore } from '../../shared/files/ports.ts';
import { systemClock } from '../../shared/model/clock.ts';
import { memoryDropStore } from '../kit/portal-files.ts';

type World = { readonly store: DropStore; readonly put: (key: string, content: string) => void };

async function all(store: DropStore, prefix: string): Promise<readonly DroppedFile[]> {
  const files: DroppedFile[] = [];
  for await (const file of store.list(prefix)) files.push(file);
  return files;
}

const text = (bytes: Uint8Array | null) => (bytes === null ? null : new TextDecoder().decode(bytes));

function contract(world: () => World): void {
  it('lists what stands below a prefix, in order, whatever the names', async () => {
    const { store, put } = world();
    const names = ['a b.csv', 'a&b<c>"d\'.csv', 'b+1.csv', 'größe.csv', 'z/deep.csv'];
    for (const name of names) put(`list/${name}`, 'x,y');
    put('lists/other.csv', 'x');
    const files = await all(store, 'list/');
    expect(files.map(({ key }) => key)).toEqual(names.map((name) => `list/${name}`).sort());
    for (const file of files) expect([file.size, text(await store.read(file, 0, 99))]).toEqual([3, 'x,y']);
  });

  it('lists more than one page of them', async () => {
    const { store, put } = world();
    for (let i = 0; i < 1003; i += 1) put(`many/${String(i).padStart(5, '0')}`, '');
    expect(await all(store, 'many/')).toHaveLength(1003);
  });

  it('reads a part, the last part, and nothing behind the end', async () => {
    const { store, put } = world();
    put('read/a', '0123456789');
    const [file] = await all(store, 'read/');
    if (!file) throw new Error('no file');
    const parts = [await store.read(file, 2, 3), await store.read(file, 8, 100), await store.read(file, 10, 5)];
    expect(parts.map(text)).toEqual(['234', '89', '']);
  });

  it('reads nothing of a file that was replaced or removed since it was listed', async () => {
    const { store, put } = world();
    put('replaced/a', 'old');
    const [file] = await all(store, 'replaced/');
    if (!file) throw new Error('no file');
    put('replaced/a', 'new');
    expect(await store.read(file, 0, 3)).toBeNull();
    expect(await store.read({ ...file, key: 'replaced/b' }, 0, 3)).toBeNull();
  });
}

describe('files in memory', () => {
  const store = memoryDropStore();
  contract(() => ({ store, put: store.drop }));
});

describe('files in S3', () => {
  const directory = mkdtempSync(join(tmpdir(), 's3-'));
  const callers = createCallers(Buffer.alloc(32, 7));
  let file: ObjectFile;
  let endpoint = '';
  let stop = async () => {};
  const env = () => ({
    region: 'eu-central-1',
    ...callers.keysOf('tester'),
    sessionToken: undefined,
    endpoint: () => endpoint,
  });
  const store = s3DropStore({ bucket: 'payloads', env });

  beforeAll(async () => {
    file = openObjectFile(directory, systemClock);
    file.createBucket('payloads');
    const listener = await serveS3(file, systemClock, callers);
    endpoint = listener.url;
    stop = () => listener.close();
  });
  afterAll(async () => {
    await stop();
    file.close();
    rmSync(directory, { recursive: true });
  });

  contract(() => ({ store, put: (key, content) => file.put('payloads', key, Buffer.from(content)) }));

  it('says that it did not answer where it is away or refuses', async () => {
    const away = s3DropStore({ bucket: 'elsewhere', env });
    await expect(all(away, 'x/')).rejects.toMatchObject({ code: 'store_unavailable' });
    const strange = s3DropStore({ bucket: 'payloads', env: () => ({ ...env(), accessKeyId: 'AKIAUNKNOWN' }) });
    await expect(strange.read({ key: 'a', etag: '"x"', size: 1 }, 0, 1)).rejects.toMatchObject({
      code: 'store_unavailable',
    });
  });
});
