import type { DroppedFile, DropStore } from '../files/ports.ts';
import { sha256Hex } from '../model/ids.ts';
import { storeFault } from './dynamo.ts';
import { type BucketDeps, s3Bucket } from './s3-bucket.ts';

const timeoutMs = 10_000;
const attempts = 3;

/**
 * Files over S3: listed by ListObjectsV2, read by ranges under the ETag that was listed, so that a file which is replaced
 * meanwhile is never read half old and half new. Throws `store_unavailable` where S3 did not answer.
 */
export function s3DropStore(deps: BucketDeps): DropStore {
  return {
    async *list(prefix) {
      let token: string | null = null;
      do {
        const next: string = token === null ? '' : `&continuation-token=${encodeURIComponent(token)}`;
        const answer = await send(deps, 'list', `/?list-type=2&prefix=${encodeURIComponent(prefix)}${next}`, {});
        if (answer.status !== 200) throw storeFault('files.list', new Error(`S3 answered ${answer.status}`));
        const page = new TextDecoder().decode(answer.bytes);
        yield* filesIn(page);
        token = tagIn(page, 'IsTruncated') === 'true' ? tagIn(page, 'NextContinuationToken') : null;
      } while (token !== null);
    },
    async read({ key, etag }, from, length) {
      const path = `/${key.split('/').map(encodeURIComponent).join('/')}`;
      const range = `bytes=${from}-${from + length - 1}`;
      const answer = await send(deps, 'read', path, { range, 'if-match': etag });
      if (answer.status === 404 || answer.status === 412) return null;
      if (answer.status === 416) return new Uint8Array();
      if (answer.status === 206) return answer.bytes;
      throw storeFault('files.read', new Error(`S3 answered ${answer.status}`));
    },
  };
}

type Answer = { readonly status: number; readonly bytes: Uint8Array };

async function send(
  deps: BucketDeps,
  what: 'list' | 'read',
  path: string,
  conditions: Readonly<Record<string, string>>,
): Promise<Answer> {
  const { client, origin } = s3Bucket(deps);
  const headers = { 'x-amz-content-sha256': sha256Hex(''), ...conditions };
  let fault: unknown = null;
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    try {
      const answer = await client.fetch(origin + path, { headers, signal: AbortSignal.timeout(timeoutMs) });
      const bytes = new Uint8Array(await answer.arrayBuffer());
      if (answer.status < 500 && answer.status !== 429) return { status: answer.status, bytes };
      fault = new Error(`S3 answered ${answer.status}`);
    } catch (error) {
      fault = error;
    }
  }
  throw storeFault(`files.${what}`, fault);
}

function filesIn(page: string): readonly DroppedFile[] {
  return page
    .split('<Contents>')
    .slice(1)
    .map((entry) => ({
      key: tagIn(entry, 'Key') ?? '',
      etag: tagIn(entry, 'ETag') ?? '',
      size: Number(tagIn(entry, 'Size')),
    }));
}

function tagIn(xml: string, name: string): string | null {
  const [from, to] = [xml.indexOf(`<${name}>`), xml.indexOf(`</${name}>`)];
  return from < 0 || to < from ? null : unescaped(xml.slice(from + name.length + 2, to));
}

const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

function unescaped(text: string): string {
  return text.replace(/&(?:#(\d{1,7})|#x([0-9a-fA-F]{1,6})|([a-z]{2,4}));/g, (whole, decimal, hex, name) => {
    if (name !== undefined) return entities[name] ?? whole;
    const code = decimal === undefined ? Number.parseInt(hex, 16) : Number(decimal);
    return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
  });
}
