import type { ErrorCategory, ErrorCode, InputError } from './errors.ts';
import type { Json, JsonObject } from './json.ts';

/** Every status an agent can be answered. `ok` answers a read; the others answer an action. */
export type AnswerStatus =
  | 'ok'
  | 'applied'
  | 'replayed'
  | 'pending_approval'
  | 'queued'
  | 'in_progress'
  | 'refused'
  | 'failed'
  | 'unknown';

/** What the agent should do next: a tool to call, or a sentence. */
export type NextStep = { readonly message: string; readonly tool?: string; readonly arguments?: JsonObject };

/** Why a call did not do what was asked. `detail` and `next_step` come from our templates. */
export type AnswerError = {
  readonly code: ErrorCode;
  readonly category: ErrorCategory;
  /** The same request, unchanged, may be made again. */
  readonly retryable: boolean;
  readonly detail: string;
  readonly retry_after_ms?: number;
  readonly errors?: readonly InputError[];
  /** Quoted vendor text; untrusted. */
  readonly vendor?: { readonly code: string; readonly quoted: string };
  readonly next_step: NextStep;
};

/** One system that a read across systems asked. `code`: why it could not be read. */
export type AnswerSource =
  | { readonly system: string; readonly live: true; readonly fetched_at: string; readonly found: number }
  | { readonly system: string; readonly live: false; readonly code: ErrorCode };

/** The one result envelope of every projection (HTTP, MCP, exports). Text from systems stands only under `data`. */
export type Answer = {
  readonly status: AnswerStatus;
  readonly call_id: string;
  readonly run_id?: string;
  readonly action_id?: string;
  readonly effect: 'none' | 'applied' | 'unknown';
  readonly data?: Json;
  readonly source?: string;
  readonly fetched_at?: string;
  readonly live?: boolean;
  /** Of a read across systems: what each of them answered. */
  readonly sources?: readonly AnswerSource[];
  readonly still_in_effect?: boolean | 'unknown';
  readonly warnings?: readonly { readonly code: string; readonly message: string }[];
  readonly expires_at?: string;
  readonly retry_after_ms?: number;
  readonly poll?: { readonly tool: string; readonly arguments: JsonObject; readonly after_ms: number };
  readonly next_step?: NextStep;
  readonly error?: AnswerError;
};
