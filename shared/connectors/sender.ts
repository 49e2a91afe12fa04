import type { Classified, HttpAnswer, RequestSpec } from '../model/operation.ts';

/**
 * What became of one request. `not_sent`: proof that no byte of the request head left this process.
 * `lost`: it may have arrived (reset, timeout, unreadable answer after the head was written).
 */
export type SendResult =
  | { readonly kind: 'answer'; readonly answer: HttpAnswer; readonly fetchedAtMs: number }
  | { readonly kind: 'not_sent'; readonly error: Classified }
  | { readonly kind: 'lost'; readonly error: Classified };

/** One request to one configured system. */
export type SendInput = {
  readonly system: string;
  readonly spec: RequestSpec;
  readonly purpose: 'read' | 'write' | 'probe';
  /** Absolute time by which an answer must be there. */
  readonly deadlineMs: number;
  /** Asked in the moment the request head is written; false means `not_sent`. The lease of a write is checked here. */
  readonly mayWrite?: () => boolean;
  /** W3C trace context to pass on. */
  readonly traceparent?: string;
};

/**
 * The one way out to a system: credential, account check, breaker, rate limit, deadline, one replay after a refreshed 401,
 * then the one HTTP client. It sends and does not judge what the answer means.
 */
export type Sender = (input: SendInput) => Promise<SendResult>;
