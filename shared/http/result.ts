import type { HttpAnswer } from '../model/operation.ts';

/** Why there is no answer; a stable code and a sentence without any value of the request. */
export type HttpFault = { readonly code: HttpFaultCode; readonly message: string };

export type HttpFaultCode =
  | 'unsafe_address'
  | 'lookup_failed'
  | 'connect_failed'
  | 'not_permitted'
  | 'deadline'
  | 'aborted'
  | 'connection_lost'
  | 'response_too_large'
  | 'unreadable_answer';

/**
 * What became of a request. `not_sent` is proof: no byte of it was written. `lost`: it was written, at least in part, and
 * may have been carried out. A redirect is an answer and is never followed.
 */
export type HttpResult =
  | { readonly kind: 'answer'; readonly answer: HttpAnswer; readonly fetchedAtMs: number }
  | { readonly kind: 'not_sent'; readonly fault: HttpFault }
  | { readonly kind: 'lost'; readonly fault: HttpFault };
