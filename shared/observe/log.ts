/** Fields that may stand in a log line. Anything else does not compile: values of systems and people never reach a log. */
export type LogFields = {
  readonly stage?: string;
  readonly function?: string;
  readonly requestId?: string;
  readonly traceId?: string;
  readonly callId?: string;
  readonly runId?: string;
  readonly actionId?: string;
  readonly caseId?: string;
  readonly principal?: string;
  readonly tool?: string;
  readonly system?: string;
  readonly channel?: string;
  readonly operation?: string;
  readonly state?: string;
  readonly status?: string | number;
  readonly code?: string;
  readonly reason?: string;
  readonly attempt?: number;
  readonly count?: number;
  readonly bytes?: number;
  readonly durationMs?: number;
  readonly ageMs?: number;
  readonly identityHash?: string;
  readonly secretIndex?: number;
  readonly version?: number;
};

/** A structured log: one JSON line a call. */
export type Log = {
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields, cause?: unknown): void;
  /** Adds one to, or records, a metric in CloudWatch embedded metric format. */
  metric(
    name: string,
    value: number,
    unit: 'Count' | 'Milliseconds' | 'Bytes',
    dimensions: Readonly<Record<string, string>>,
  ): void;
};
