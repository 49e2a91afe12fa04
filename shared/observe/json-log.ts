import type { Clock } from '../model/clock.ts';
import { PlumblineError } from '../model/errors.ts';
import { redactSecrets } from '../model/secret-shape.ts';
import type { Log, LogFields } from './log.ts';

export type JsonLogDeps = {
  readonly clock: Pick<Clock, 'now'>;
  /** Takes one line without its end; standard output in a function. */
  readonly write: (line: string) => void;
  /** Fields of every line, such as stage, function and request id. */
  readonly fields: LogFields;
};

/** CloudWatch's name for the metrics of the product. */
const namespace = 'Plumbline';

const allowed: readonly (keyof LogFields)[] = [
  'stage',
  'function',
  'requestId',
  'traceId',
  'callId',
  'runId',
  'actionId',
  'caseId',
  'principal',
  'tool',
  'system',
  'channel',
  'operation',
  'state',
  'status',
  'code',
  'reason',
  'attempt',
  'count',
  'bytes',
  'durationMs',
  'ageMs',
  'identityHash',
  'secretIndex',
  'version',
];

/**
 * A log of one JSON line a call. Only the fields of {@link LogFields} are written, also where a value was cast; text that
 * has the shape of a credential is redacted. Of a cause only its class and stable code are written, never its message:
 * messages of libraries quote requests.
 */
export function jsonLog(deps: JsonLogDeps): Log {
  const line = (level: string, message: string, fields?: LogFields, cause?: unknown): void => {
    const at = new Date(deps.clock.now()).toISOString();
    const facts = safeFields({ ...deps.fields, ...fields });
    deps.write(JSON.stringify({ at, level, message: safe(message), ...facts, ...causeOf(cause) }));
  };
  return {
    info: (message, fields) => line('info', message, fields),
    warn: (message, fields) => line('warn', message, fields),
    error: (message, fields, cause) => line('error', message, fields, cause),
    metric(name, value, unit, dimensions) {
      const names = Object.keys(dimensions);
      const metrics = [{ Namespace: namespace, Dimensions: [names], Metrics: [{ Name: name, Unit: unit }] }];
      const values = Object.fromEntries(Object.entries(dimensions).map(([key, text]) => [key, safe(text)]));
      const stage = deps.fields.stage === undefined ? {} : { stage: deps.fields.stage };
      const emf = { _aws: { Timestamp: deps.clock.now(), CloudWatchMetrics: metrics } };
      deps.write(JSON.stringify({ ...stage, ...values, ...emf, [name]: value }));
    },
  };
}

/** A log that writes nothing, for code whose lines nobody reads. */
export const silentLog: Log = { info() {}, warn() {}, error() {}, metric() {} };

function safeFields(fields: LogFields): Record<string, string | number> {
  const out: Record<string, string | number> = {};
  for (const name of allowed) {
    const value = fields[name];
    if (typeof value === 'string') out[name] = safe(value);
    else if (typeof value === 'number') out[name] = value;
  }
  return out;
}

function safe(text: string): string {
  return redactSecrets(text.slice(0, 1000)).text;
}

function causeOf(cause: unknown): { cause?: string } {
  if (cause === undefined || cause === null) return {};
  if (cause instanceof PlumblineError) {
    const inner = cause.cause === undefined ? '' : ` <- ${causeOf(cause.cause).cause ?? ''}`;
    return { cause: `${cause.code}: ${safe(cause.message)}${inner}` };
  }
  if (!(cause instanceof Error)) return { cause: typeof cause };
  const { code } = cause as Error & { code?: unknown };
  return { cause: typeof code === 'string' ? `${cause.name} ${safe(code)}` : cause.name };
}
