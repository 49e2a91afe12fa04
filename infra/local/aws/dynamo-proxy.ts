import { Agent, request as httpRequest } from 'node:http';
import type { Clock } from '../../../shared/model/clock.ts';
import { type Listener, type LocalAnswer, type LocalRequest, listen } from '../listener.ts';
import type { Callers } from './callers.ts';

/** A fault for the next matching requests. */
export type DynamoFault = {
  /** `throttle`: refused before anything happens. `lose_response`: it happens and the answer never comes. `slow`: late. */
  readonly kind: 'throttle' | 'lose_response' | 'slow' | 'unavailable';
  /** Such as `PutItem`; absent: any. */
  readonly operation?: string;
  /** Such as `agent-door`; absent: any. */
  readonly caller?: string;
  /** Only requests whose body contains this text, such as a table's name. */
  readonly bodyContains?: string;
  /** How many matching requests pass before it strikes; default 0. */
  readonly after?: number;
  /** How often it strikes; default 1. */
  readonly times?: number;
  /** For `slow`: how late, milliseconds. */
  readonly delayMs?: number;
};

/** DynamoDB behind a counting proxy on loopback. */
export type DynamoProxy = Listener & { addFault(fault: DynamoFault): void; clearFaults(): void };

type Armed = { readonly fault: DynamoFault; passes: number; left: number };

/** Serves a DynamoDB endpoint on 127.0.0.1: counts requests by caller and operation, and plays the faults it is given. */
export async function serveDynamo(endpoint: string, clock: Clock, callers: Callers, port = 0): Promise<DynamoProxy> {
  const agent = new Agent({ keepAlive: true, maxSockets: 64 });
  let armed: Armed[] = [];
  const listener = await listen({
    name: 'dynamodb stand-in',
    port,
    origins: 'none',
    maxBodyBytes: 33_554_432,
    async handle(request) {
      const caller = callers.callerOf(request.headers);
      if (caller === null) return failure(400, 'UnrecognizedClientException', 'The security token is invalid.');
      const operation = (request.headers['x-amz-target'] ?? '').split('.').at(-1) ?? '';
      callers.count(caller, `dynamodb:${operation}${tableIn(request.body)}`);
      const fault = strike(armed, { caller, operation, body: request.body });
      return fault === null ? forward(endpoint, agent, request) : faulty(fault, endpoint, agent, request, clock);
    },
  });
  return {
    ...listener,
    addFault: (fault) => void armed.push({ fault, passes: fault.after ?? 0, left: fault.times ?? 1 }),
    clearFaults() {
      armed = [];
    },
    async close() {
      await listener.close();
      agent.destroy();
    },
  };
}

/** `:` and the table that a request names first, or nothing. */
function tableIn(body: Buffer): string {
  const name = /"TableName"\s*:\s*"([^"]{1,255})"/.exec(body.toString('latin1'))?.[1];
  return name === undefined ? '' : `:${name}`;
}

function strike(
  armed: readonly Armed[],
  call: { caller: string; operation: string; body: Buffer },
): DynamoFault | null {
  for (const one of armed) {
    const { fault } = one;
    const matches =
      one.left > 0 &&
      (fault.operation ?? call.operation) === call.operation &&
      (fault.caller ?? call.caller) === call.caller &&
      (fault.bodyContains === undefined || call.body.includes(fault.bodyContains));
    if (!matches) continue;
    if (one.passes > 0) {
      one.passes -= 1;
      continue;
    }
    one.left -= 1;
    return fault;
  }
  return null;
}

async function faulty(
  fault: DynamoFault,
  endpoint: string,
  agent: Agent,
  request: LocalRequest,
  clock: Clock,
): Promise<LocalAnswer> {
  switch (fault.kind) {
    case 'throttle':
      return failure(400, 'ThrottlingException', 'Rate exceeded.');
    case 'unavailable':
      return failure(503, 'ServiceUnavailable', 'The service is unavailable.');
    case 'lose_response':
      await forward(endpoint, agent, request);
      return 'drop';
    case 'slow':
      await clock.sleep(fault.delayMs ?? 1000);
      return forward(endpoint, agent, request);
  }
}

function failure(status: number, type: string, message: string): LocalAnswer {
  const headers = { 'content-type': 'application/x-amz-json-1.0' };
  return { status, headers, body: JSON.stringify({ __type: `com.amazonaws.dynamodb.v20120810#${type}`, message }) };
}

function forward(endpoint: string, agent: Agent, request: LocalRequest): Promise<LocalAnswer> {
  const { host: _host, connection: _connection, 'transfer-encoding': _chunked, ...rest } = request.headers;
  const headers = { ...rest, 'content-length': String(request.body.byteLength) };
  return new Promise((resolve, reject) => {
    const url = new URL(request.target, endpoint);
    const call = httpRequest(url, { method: request.method, headers, agent }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.once('error', reject);
      answer.once('end', () => {
        const kept = ['content-type', 'x-amzn-requestid', 'x-amz-crc32'].flatMap((name) => {
          const value = answer.headers[name];
          return typeof value === 'string' ? [[name, value] as const] : [];
        });
        const body = Buffer.concat(chunks);
        resolve({ status: answer.statusCode ?? 502, headers: Object.fromEntries(kept), body });
      });
    });
    call.once('error', reject);
    call.end(request.body);
  });
}
