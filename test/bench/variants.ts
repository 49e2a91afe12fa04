import { randomBytes } from 'node:crypto';
import { IdempotencyConfig, makeIdempotent } from '@aws-lambda-powertools/idempotency';
import { DynamoDBPersistenceLayer } from '@aws-lambda-powertools/idempotency/dynamodb';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { Context } from 'aws-lambda';
import { execute } from '../../shared/action/execute.ts';
import { deriveIdentity } from '../../shared/action/keys.ts';
import type { ClaimRequest, KernelDeps } from '../../shared/action/types.ts';
import { dynamoActionStore } from '../../shared/aws/action-store.ts';
import type { Clock } from '../../shared/model/clock.ts';
import type { JsonObject } from '../../shared/model/json.ts';
import { kernelLimits } from '../../shared/tools/limits.ts';

/** The input of the measured handler: one note on one contact. */
export type Note = { readonly contact: string; readonly text: string };

/** The business effect behind the handler; counts what it applied. */
export type Effect = (note: Note) => Promise<JsonObject>;

/** One way to run the handler, with the DynamoDB requests it has made. */
export type Variant = { readonly name: string; run(note: Note): Promise<unknown>; requests(): number };

/** A client of its own whose every attempt on the wire is counted. `fault` may throw before or after a request. */
export function countedClient(
  endpoint: string,
  fault?: (command: string, send: () => Promise<unknown>) => Promise<unknown>,
) {
  const client = new DynamoDBClient({ endpoint, maxAttempts: 3 });
  const count = { requests: 0 };
  client.middlewareStack.add(
    (next, context) => (args) => {
      count.requests += 1;
      const send = () => next(args);
      return (fault ? fault(String(context['commandName']), send) : send()) as ReturnType<typeof next>;
    },
    { step: 'deserialize', priority: 'low', name: 'count' },
  );
  return { client, count };
}

/** The handler as it is. */
export function bare(effect: Effect): Variant {
  return { name: 'bare handler', run: effect, requests: () => 0 };
}

/** The handler under Powertools idempotency at its best settings: context registered, payload validated, one day of expiry. */
export function powertools(input: {
  client: DynamoDBClient;
  count: { requests: number };
  table: string;
  effect: Effect;
  remainingMs: number;
}): Variant {
  const config = new IdempotencyConfig({
    expiresAfterSeconds: 86_400,
    hashFunction: 'sha256',
    payloadValidationJmesPath: 'text',
  });
  config.registerLambdaContext({ getRemainingTimeInMillis: () => input.remainingMs, awsRequestId: 'bench' } as Context);
  const persistenceStore = new DynamoDBPersistenceLayer({
    tableName: input.table,
    keyAttr: 'pk',
    awsSdkV3Client: input.client,
  });
  const run = makeIdempotent((note: Note) => input.effect(note), { persistenceStore, config, keyPrefix: 'bench' });
  return { name: 'Powertools idempotency', run, requests: () => input.count.requests };
}

/** The kernel's dependencies over one client, clock and effect. */
export function kernelOver(input: { client: DynamoDBClient; table: string; effect: Effect; clock: Clock }): KernelDeps {
  return {
    store: dynamoActionStore({ client: input.client, table: input.table }),
    payloads: {
      put: () => Promise.reject(new Error('nothing of this size is stored')),
      get: () => Promise.resolve(null),
    },
    clock: input.clock,
    random: (count) => randomBytes(count),
    limits: kernelLimits,
    digest: () => 'd'.repeat(64),
    failureOf: (error) => ({ code: 'system_unavailable', category: 'upstream', retryable: false, detail: error.code }),
    attempt: async ({ call }) => ({ kind: 'applied', data: await input.effect(call.input as Note), records: [] }),
    render: null,
  };
}

/** The claim of one note, as the call pipeline makes it after policy said yes. */
export function claimOf(note: Note, nowMs: number): ClaimRequest {
  const target = ['hubspot', 'contact', note.contact] as const;
  const derived = deriveIdentity(
    {
      principal: 'agent:bench',
      actionType: 'contact_append_note',
      occasion: 'window',
      windowMs: null,
      target,
      identifying: { text: note.text },
      input: note,
      runId: null,
      event: null,
      idempotencyKey: null,
    },
    { nowMs, retentionMs: 400 * 86_400_000 },
  );
  if (derived.kind !== 'identity') throw new Error(derived.detail);
  return {
    identity: derived.identity,
    again: null,
    againAllowed: true,
    principal: 'agent:bench',
    tool: 'contact_append_note',
    effect: 'append',
    resend: { kind: 'probe', settleMs: 60_000 },
    call: { operation: 'hubspot.notes.append', system: 'hubspot', input: note },
    requestDigest: 'd'.repeat(64),
    before: null,
    target,
    context: {
      callId: `call_${randomBytes(12).toString('hex')}`,
      runId: null,
      workflow: null,
      period: null,
      eventId: null,
      contextHash: null,
    },
    permission: { kind: 'allow' },
    deadlineMs: nowMs + 20_000,
  };
}

/** The handler under the action kernel. */
export function ours(name: string, deps: KernelDeps, count: { requests: number }): Variant {
  return {
    name,
    run: (note) => execute(deps, claimOf(note, deps.clock.now())),
    requests: () => count.requests,
  };
}
