import type { FunctionPool } from '../lambda/pool.ts';
import { type Listener, type LocalAnswer, type LocalRequest, listen } from '../listener.ts';
import type { Callers } from './callers.ts';

/**
 * Serves Lambda Invoke (RequestResponse) on 127.0.0.1. A function is named by its name or ARN, with or without a qualifier.
 * @see https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
 */
export function serveLambda(
  poolOf: (functionName: string) => FunctionPool | undefined,
  callers: Callers,
  port = 0,
): Promise<Listener> {
  return listen({
    name: 'lambda stand-in',
    port,
    origins: 'none',
    handle: (request) => serve(poolOf, callers, request),
  });
}

async function serve(
  poolOf: (functionName: string) => FunctionPool | undefined,
  callers: Callers,
  request: LocalRequest,
): Promise<LocalAnswer> {
  const caller = callers.callerOf(request.headers);
  if (caller === null) return failure(403, 'UnrecognizedClientException', 'The security token is invalid.');
  const match = /^\/2015-03-31\/functions\/([^/?]+)\/invocations(\?.*)?$/.exec(request.target);
  if (request.method !== 'POST' || !match)
    return failure(404, 'UnknownOperationException', 'The local Lambda has Invoke only.');
  callers.count(caller, 'lambda:Invoke');
  const type = request.headers['x-amz-invocation-type'] ?? 'RequestResponse';
  if (type !== 'RequestResponse') {
    return failure(400, 'InvalidParameterValueException', 'The local Lambda has synchronous invocations only.');
  }
  const name = functionNameOf(decodeURIComponent(match[1] ?? ''));
  const pool = poolOf(name);
  if (pool === undefined) return failure(404, 'ResourceNotFoundException', `Function not found: ${name}`);
  const event = parse(request.body);
  if (event === undefined) return failure(400, 'InvalidRequestContentException', 'The payload is not JSON.');
  const outcome = await pool.invoke(event);
  const headers = { 'content-type': 'application/json', 'x-amz-executed-version': '$LATEST' };
  if (outcome.kind === 'returned') return { status: 200, headers, body: outcome.payload };
  const body = JSON.stringify({ errorType: outcome.errorType, errorMessage: outcome.errorMessage });
  return { status: 200, headers: { ...headers, 'x-amz-function-error': 'Unhandled' }, body };
}

/** The bare name in a function's name, partial ARN or ARN, with or without a qualifier. */
export function functionNameOf(reference: string): string {
  return /(?:^|:function:)([A-Za-z0-9_-]+)(?::[A-Za-z0-9$_-]+)?$/.exec(reference)?.[1] ?? reference;
}

function parse(body: Buffer): unknown {
  if (body.byteLength === 0) return {};
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
}

function failure(status: number, type: string, message: string): LocalAnswer {
  const headers = { 'content-type': 'application/json', 'x-amzn-errortype': type };
  return { status, headers, body: JSON.stringify({ Type: 'User', Message: message, message }) };
}
