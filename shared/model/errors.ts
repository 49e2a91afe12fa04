/** Whether the same request, unchanged, may be made again. */
export type RetryVerdict = 'never' | 'later' | 'after_check';

/** What kind of failure it is, for metrics and for the reader of an answer. */
export type ErrorCategory =
  | 'validation'
  | 'authentication'
  | 'permission'
  | 'policy'
  | 'approval'
  | 'conflict'
  | 'not_found'
  | 'rate_limit'
  | 'upstream'
  | 'circuit_open'
  | 'internal';

/** Every stable error code of the product; what each means and what to do is in docs/operate.md. */
export type ErrorCode =
  // the door
  | 'malformed_json'
  | 'body_too_large'
  | 'unsupported_media_type'
  | 'unauthenticated'
  | 'forbidden'
  | 'unknown_route'
  | 'method_not_allowed'
  | 'unknown_tool'
  | 'unknown_action'
  | 'unknown_run'
  | 'unknown_case'
  | 'unknown_event'
  | 'invalid_input'
  | 'too_many_requests'
  // policy
  | 'permission_denied'
  | 'out_of_scope'
  | 'gate_refused'
  | 'budget_exceeded'
  | 'rollout_excluded'
  | 'switched_off'
  | 'approval_rejected'
  | 'approval_expired'
  | 'cancelled'
  // the kernel
  | 'idempotency_key_reused'
  | 'idempotency_key_not_accepted'
  | 'again_not_matching'
  | 'again_not_allowed'
  | 'attempts_exhausted'
  | 'outcome_unknown'
  | 'in_progress'
  | 'store_unavailable'
  | 'run_too_old'
  | 'event_handle_invalid'
  | 'target_changed'
  // lookups
  | 'no_match'
  | 'several_matches'
  | 'missing_required_field'
  // systems
  | 'system_unavailable'
  | 'system_rate_limited'
  | 'system_rejected'
  | 'system_conflict'
  | 'system_duplicate'
  | 'system_not_found'
  | 'system_schema_changed'
  | 'system_permission'
  | 'credential_unavailable'
  | 'account_mismatch'
  | 'response_too_large'
  | 'unsafe_address'
  // operators and set-up
  | 'illegal_transition'
  | 'config_invalid'
  | 'internal';

/** What an error carries beside its message; never a secret, never personal data. */
export type ErrorDetails = {
  code: ErrorCode;
  retry: RetryVerdict;
  /** A sentence that tells its reader what to do next. */
  hint: string;
  cause?: unknown;
};

/** The one base of every fault the product throws. Expected results are values, not errors. */
export class PlumblineError extends Error {
  readonly code: ErrorCode;
  readonly retry: RetryVerdict;
  readonly hint: string;

  /** @param message what went wrong and where; @param details stable code, retry verdict, hint and cause */
  constructor(message: string, details: ErrorDetails) {
    super(message, { cause: details.cause });
    this.name = 'PlumblineError';
    this.code = details.code;
    this.retry = details.retry;
    this.hint = details.hint;
  }
}

/** The failure of one action or call as it is stored and answered: templates of ours, vendor text quoted and capped. */
export type Failure = {
  code: ErrorCode;
  category: ErrorCategory;
  retryable: boolean;
  /** What happened, in our words. */
  detail: string;
  /** The vendor's own code, such as `VALIDATION_ERROR`. */
  vendorCode?: string;
  /** The vendor's text, at most 300 characters, always marked as quoted. */
  vendorText?: string;
  retryAfterMs?: number;
  /** One row per wrong input. */
  errors?: readonly InputError[];
};

/** One wrong input: where, what is wrong, what is allowed. */
export type InputError = { path: string; message: string; allowed?: string };
