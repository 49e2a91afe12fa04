import type { PayloadStore } from '../ledger/ports.ts';
import { sha256Hex } from '../model/ids.ts';
import { storeFault } from './dynamo.ts';
import { type BucketDeps, s3Bucket } from './s3-bucket.ts';

const timeoutMs = 3_000;
const attempts = 3;

/**
 * Content-addressed objects over S3: key `sha256/<hash>`. A repeated put writes the same bytes again.
 * S3 checks the bytes against their hash on the way in; `get` checks them on the way out.
 * Throws `store_unavailable` where S3 did not answer or the bytes are not the ones that were stored.
 */
export function s3PayloadStore(deps: BucketDeps): PayloadStore {
  return {
    put: async (bytes) => {
      const hash = sha256Hex(bytes);
      const answer = await send(deps, hash, 'PUT', bytes);
      if (!answer.ok) throw storeFault('payloads.put', new Error(`S3 answered ${answer.status}`));
      return hash;
    },
    get: async (hash) => {
      if (!/^[0-9a-f]{64}$/.test(hash)) return null;
      const answer = await send(deps, hash, 'GET', null);
      if (answer.status === 404) return null;
      if (!answer.ok) throw storeFault('payloads.get', new Error(`S3 answered ${answer.status}`));
      if (sha256Hex(answer.bytes) !== hash)
        throw storeFault('payloads.get', new Error('the bytes do not have their hash'));
      return answer.bytes;
    },
  };
}

type Answer = { readonly ok: boolean; readonly status: number; readonly bytes: Uint8Array };

async function send(deps: BucketDeps, hash: string, method: 'PUT' | 'GET', body: Uint8Array | null): Promise<Answer> {
  const { client, origin } = s3Bucket(deps);
  let fault: unknown = null;
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    try {
      const headers = { 'x-amz-content-sha256': sha256Hex(body ?? new Uint8Array()) };
      const signal = AbortSignal.timeout(timeoutMs);
      const init = { method, headers, signal, ...(body ? { body: Buffer.from(body) } : {}) };
      const answer = await client.fetch(`${origin}/sha256/${hash}`, init);
      const bytes = new Uint8Array(await answer.arrayBuffer());
      if (answer.status < 500 && answer.status !== 429) return { ok: answer.ok, status: answer.status, bytes };
      fault = new Error(`S3 answered ${answer.status}`);
    } catch (error) {
      fault = error;
    }
  }
  throw storeFault(`payloads.${method.toLowerCase()}`, fault);
}
