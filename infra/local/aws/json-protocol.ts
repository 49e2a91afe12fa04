import { type Listener, type LocalAnswer, type LocalRequest, listen } from '../listener.ts';
import type { Callers } from './callers.ts';

/** An error as the AWS JSON protocols carry it. */
export class AwsError extends Error {
  readonly type: string;
  readonly status: number;

  /** @param type shape name, such as `ResourceNotFoundException`; @param status HTTP status, 400 where not told */
  constructor(type: string, message: string, status = 400) {
    super(message);
    this.name = 'AwsError';
    this.type = type;
    this.status = status;
  }
}

/** The decoded body of a request. Every member has to be checked before it is used. */
export type AwsInput = Readonly<Record<string, unknown>>;

/** One operation of a service. */
export type AwsOperation = (input: AwsInput, request: LocalRequest) => object | Promise<object>;

/** What a JSON service needs to be served. */
export type JsonService = {
  readonly name: string;
  /** Before the dot of `x-amz-target`. */
  readonly target: string;
  readonly version: '1.0' | '1.1';
  readonly operations: Readonly<Record<string, AwsOperation>>;
};

/**
 * Serves one service in AWS JSON on loopback: one POST an operation, named by `x-amz-target`. Calls are counted by caller.
 * @see https://smithy.io/2.0/aws/protocols/aws-json-1_0-protocol.html
 */
export function serveJson(service: JsonService, callers: Callers, port = 0): Promise<Listener> {
  return listen({
    name: `${service.name} stand-in`,
    port,
    origins: 'none',
    maxBodyBytes: 8_388_608,
    handle: (request) => serve(service, callers, request),
  });
}

async function serve(service: JsonService, callers: Callers, request: LocalRequest): Promise<LocalAnswer> {
  const headers = {
    'content-type': `application/x-amz-json-${service.version}`,
    'x-amzn-requestid': crypto.randomUUID(),
  };
  try {
    const caller = callers.callerOf(request.headers);
    if (caller === null) throw new AwsError('UnrecognizedClientException', 'The security token is invalid.');
    const [target, name = ''] = (request.headers['x-amz-target'] ?? '').split('.');
    const operation = Object.hasOwn(service.operations, name) ? service.operations[name] : undefined;
    if (target !== service.target || operation === undefined) {
      throw new AwsError('UnknownOperationException', `The local ${service.name} does not know ${target}.${name}.`);
    }
    callers.count(caller, `${service.name}:${name}`);
    return { status: 200, headers, body: JSON.stringify(await operation(parse(request.body), request)) };
  } catch (error) {
    const known = error instanceof AwsError ? error : new AwsError('InternalFailure', 'internal failure', 500);
    const body = JSON.stringify({ __type: known.type, message: known.message, Message: known.message });
    return { status: known.status, headers, body };
  }
}

function parse(body: Buffer): AwsInput {
  try {
    const value: unknown = JSON.parse(body.toString('utf8') || '{}');
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as AwsInput;
  } catch {
    // Answered below, like any other body that is not an object.
  }
  throw new AwsError('SerializationException', 'The body is not a JSON object.');
}

/** A required text member. Throws a validation error where it is missing or something else. */
export function textOf(input: AwsInput, name: string): string {
  const value = input[name];
  if (typeof value !== 'string' || value === '') throw new AwsError('ValidationException', `${name} is required.`);
  return value;
}

/** An optional text member. */
export function optionalText(input: AwsInput, name: string): string | undefined {
  return input[name] === undefined || input[name] === null ? undefined : textOf(input, name);
}

/** An optional whole number between two bounds; numbers that come as text are accepted. */
export function wholeOf(input: AwsInput, name: string, fallback: number, least: number, most: number): number {
  const raw = input[name];
  if (raw === undefined || raw === null) return fallback;
  const value = Number(raw);
  if (!Number.isInteger(value) || value < least || value > most) {
    throw new AwsError('InvalidParameterValue', `${name} must be a whole number from ${least} to ${most}.`);
  }
  return value;
}

/** A list of objects, or an empty one. */
export function listOf(input: AwsInput, name: string): readonly AwsInput[] {
  const value = input[name];
  return Array.isArray(value) ? value.filter((one) => typeof one === 'object' && one !== null) : [];
}
