import { createHash } from 'node:crypto';
import type { Clock } from '../../../../shared/model/clock.ts';
import type { SimAnswer, SimRequest } from '../loopback-server.ts';
import type { StateFile } from '../state-file.ts';
import { StripeError } from './errors.ts';

/** What was answered under a key. */
type Kept = {
  readonly key: string;
  readonly fingerprint: string;
  readonly requestId: string;
  readonly atMs: number;
  readonly answer: Exclude<SimAnswer, 'drop'>;
};

/** Answers by Idempotency-Key. */
export type KeyStore = {
  /**
   * Whether a request may begin: null, or the answer that its key already has.
   * @throws StripeError 400 where the key belongs to another request, 409 while one is under way under it
   */
  begin(key: string, request: SimRequest): SimAnswer | null;
  /** Ends a request. @param answer what to keep, or null where its endpoint never began */
  end(key: string, request: SimRequest, answer: { readonly id: string; readonly kept: SimAnswer } | null): void;
  /** How many keys are known now. */
  size(): number;
};

/** How long a key is known, milliseconds. @see https://docs.stripe.com/api/idempotent_requests */
export const keptForMs = 24 * 3_600_000;

/** Opens the keys over what the state file holds. Errors are kept like successes, also 500, once the endpoint has begun. */
export function createKeyStore(clock: Clock, file: StateFile): KeyStore {
  const kept = new Map(file.load<Kept>('key').map((entry) => [entry.key, entry]));
  const running = new Map<string, string>();
  const prune = () => {
    for (const [key, { atMs }] of kept) {
      if (clock.now() < atMs + keptForMs) continue;
      kept.delete(key);
      file.remove('key', key);
    }
  };
  return {
    begin(key, request) {
      prune();
      if (key.length > 255) {
        const message = 'Idempotency keys can be at most 255 characters.';
        throw new StripeError(400, { type: 'invalid_request_error', message });
      }
      const fingerprint = fingerprintOf(request);
      const known = kept.get(key);
      const holder = known?.fingerprint ?? running.get(key);
      if (holder !== undefined && holder !== fingerprint) throw otherRequest(key);
      if (running.has(key)) throw underWay(key);
      if (known) {
        const headers = { ...known.answer.headers, 'idempotent-replayed': 'true', 'original-request': known.requestId };
        return { ...known.answer, headers };
      }
      running.set(key, fingerprint);
      return null;
    },
    end(key, request, answer) {
      running.delete(key);
      if (answer === null || answer.kept === 'drop') return;
      const fingerprint = fingerprintOf(request);
      const entry = { key, fingerprint, requestId: answer.id, atMs: clock.now(), answer: answer.kept };
      kept.set(key, entry);
      file.save('key', key, entry);
    },
    size() {
      prune();
      return kept.size;
    },
  };
}

/** The same endpoint with the same parameters, in whatever order they come. */
function fingerprintOf(request: SimRequest): string {
  const body = [...new URLSearchParams(request.bodyText)].sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash('sha256')
    .update(JSON.stringify([request.method, request.path, body]))
    .digest('hex');
}

function otherRequest(key: string): StripeError {
  const message = `Keys for idempotent requests can only be used with the same parameters they were first used with. Try using a key other than '${key}' if you meant to execute a different request.`;
  return new StripeError(400, { type: 'idempotency_error', message });
}

function underWay(key: string): StripeError {
  const message = `There is currently another in-progress request using this Idempotent Key (that probably means you submitted twice, and the other request is still going through): ${key}. Please try again later.`;
  const headers = { 'stripe-should-retry': 'true' };
  return new StripeError(409, { type: 'idempotency_error', code: 'idempotency_key_in_use', message }, false, headers);
}
