import { createHmac } from 'node:crypto';

/** The region and account that local resources say they live in. */
export const localRegion = 'eu-central-1';
/** @see localRegion */
export const localAccount = '000000000000';

/** Credentials of one caller, such as one function. */
export type CallerKeys = { readonly accessKeyId: string; readonly secretAccessKey: string };

/** How often each caller used each operation: `agent-door` -> `sqs:SendMessage` -> 2; of DynamoDB with the table: `dynamodb:PutItem:Actions`. */
export type CallCounts = Readonly<Record<string, Readonly<Record<string, number>>>>;

/** Who may call the stand-ins, and what each has called. */
export type Callers = {
  /** Credentials of a caller, the same at every start of one install. */
  keysOf(caller: string): CallerKeys;
  /** The caller behind a request's signature, or null: unknown keys may do nothing. */
  callerOf(headers: Readonly<Record<string, string>>): string | null;
  secretOf(accessKeyId: string): string | null;
  count(caller: string, operation: string): void;
  counts(): CallCounts;
  resetCounts(): void;
};

/**
 * Gives every function its own access key, derived from a key of this install: the stand-ins then know who calls, and a process
 * that was not started by the deployment cannot.
 */
export function createCallers(key: Buffer): Callers {
  const byAccessKey = new Map<string, { caller: string; secretAccessKey: string }>();
  let counted: Record<string, Record<string, number>> = {};
  const derive = (text: string) => createHmac('sha256', key).update(text).digest('hex');
  return {
    keysOf(caller) {
      const accessKeyId = `LOCAL${derive(`id:${caller}`).slice(0, 27).toUpperCase()}`;
      const secretAccessKey = derive(`secret:${caller}`);
      byAccessKey.set(accessKeyId, { caller, secretAccessKey });
      return { accessKeyId, secretAccessKey };
    },
    callerOf: (headers) => byAccessKey.get(accessKeyIdOf(headers['authorization']) ?? '')?.caller ?? null,
    secretOf: (accessKeyId) => byAccessKey.get(accessKeyId)?.secretAccessKey ?? null,
    count(caller, operation) {
      counted[caller] ??= {};
      counted[caller][operation] = (counted[caller][operation] ?? 0) + 1;
    },
    counts: () => structuredClone(counted),
    resetCounts() {
      counted = {};
    },
  };
}

/** The access key id in an AWS4-HMAC-SHA256 Authorization header. */
export function accessKeyIdOf(authorization: string | undefined): string | null {
  return /^AWS4-HMAC-SHA256 Credential=([A-Za-z0-9]+)\//.exec(authorization ?? '')?.[1] ?? null;
}
