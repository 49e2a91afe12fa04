import type { KernelDeps } from '../action/types.ts';
import type { AgentPrincipal } from '../auth/api-keys.ts';
import type { AgentConfig, PlumblineConfig } from '../config/schema.ts';
import type { CaseStore, LedgerStore, PayloadStore } from '../ledger/ports.ts';
import type { Answer } from '../model/answer.ts';
import type { Json } from '../model/json.ts';
import type { Log } from '../observe/log.ts';
import type { ControlGate } from '../policy/control.ts';
import type { BudgetStore, ControlStore } from '../policy/ports.ts';
import type { ResilienceStore } from '../resilience/ports.ts';
import type { SystemDeps } from './attempt.ts';
import type { Catalog } from './catalog.ts';
import type { CallContext } from './context.ts';

/** What a tool call needs. */
export type CallDeps = Omit<SystemDeps, 'traceparent' | 'systems'> & {
  readonly config: PlumblineConfig;
  readonly catalog: Catalog;
  readonly kernel: Omit<KernelDeps, 'attempt' | 'render' | 'digest' | 'failureOf'>;
  readonly ledger: LedgerStore;
  readonly payloads: PayloadStore;
  readonly cases: Pick<CaseStore, 'open'>;
  readonly control: ControlGate;
  readonly controlStore: ControlStore;
  readonly budgets: BudgetStore;
  /** Where the last answers of systems with `fallback` are found; without it there is none. */
  readonly shared?: ResilienceStore;
  readonly log: Log;
  /** Keys of event handles, newest first; without one no event is believed. */
  readonly eventKeys?: () => Promise<readonly Uint8Array[]>;
};

/** One call as the door hands it over: authenticated, its body parsed as JSON. Header names are lower case. */
export type CallInput = {
  readonly principal: AgentPrincipal;
  readonly tool: string;
  readonly body: Json;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly receivedAtMs: number;
};

/** What is answered: the envelope, its exact bytes (their hash stands on the ledger), and the HTTP status. */
export type Answered = {
  readonly answer: Answer;
  readonly bytes: Uint8Array;
  readonly httpStatus: number;
  readonly contentType: 'application/json' | 'application/problem+json';
};

/** One call on its way through the pipeline. */
export type Call = {
  readonly callId: string;
  readonly receivedAtMs: number;
  readonly principal: AgentPrincipal;
  /** `agent:sales-assistant`. */
  readonly principalId: string;
  readonly agent: AgentConfig;
  readonly context: CallContext;
  /** What names the effect by itself and for ever, such as a file's content and line; never from the caller. */
  readonly natural?: Json;
  readonly warnings: NonNullable<Answer['warnings']>;
  /** Absolute time by which every system must have answered. */
  readonly deadlineMs: number;
};

/** What sending on behalf of a call needs: the door's dependencies, and the caller's trace. */
export function systemOf(deps: CallDeps, { context: { traceparent } }: Call): SystemDeps {
  return { ...deps, systems: deps.config.systems, ...(traceparent === null ? {} : { traceparent }) };
}

/** How long a call may take until its answer leaves, milliseconds. */
export const answerWithinMs = 20_000;

/** Kept of it for rendering, payloads and the ledger entry after the last system answered, milliseconds. */
export const answerReserveMs = 2000;
