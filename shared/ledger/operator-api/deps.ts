import type { ActionStore } from '../../action/store.ts';
import type { Operator, OperatorAuth } from '../../auth/operators.ts';
import type { ApiKeyStore, CredentialStore, TokenStore } from '../../auth/ports.ts';
import type { PlumblineConfig } from '../../config/schema.ts';
import type { ActionRecord, Decision } from '../../model/action.ts';
import type { Clock, Random } from '../../model/clock.ts';
import type { InboxMessage } from '../../model/event.ts';
import type { Role } from '../../model/principal.ts';
import type { Log } from '../../observe/log.ts';
import type { ControlStore } from '../../policy/ports.ts';
import type { BreakerState } from '../../resilience/ports.ts';
import type { InboxStore } from '../../webhooks/ports.ts';
import type { CaseStore, LedgerStore, PayloadStore } from '../ports.ts';
import type { OperatorRequest, Reply } from './http.ts';

/** What became of a person's decision about an action. */
export type DecisionResult =
  | { readonly kind: 'done'; readonly record: ActionRecord }
  | { readonly kind: 'refused'; readonly detail: string };

/** The kernel as the operator door uses it. Every method names the generation, so that no later one is decided by mistake. */
export type ActionDesk = {
  get(key: string): Promise<ActionRecord | null>;
  due: ActionStore['due'];
  readonly dueShards: number;
  decide(input: { actionId: string; approve: boolean; decision: Decision }): Promise<DecisionResult>;
  settle(input: {
    actionId: string;
    verdict: 'succeeded' | 'failed' | 'retry';
    /** The record that the person found, for what was created; null where it is the target itself. */
    recordId: string | null;
    decision: Decision;
  }): Promise<DecisionResult>;
  cancel(input: { actionId: string; decision: Decision }): Promise<DecisionResult>;
};

/** Everything the operator door works with. */
export type OperatorApiDeps = {
  readonly config: PlumblineConfig;
  readonly authenticate: (authorization: string | undefined) => Promise<OperatorAuth>;
  readonly cases: CaseStore;
  readonly ledger: LedgerStore;
  readonly payloads: PayloadStore;
  readonly actions: ActionDesk;
  readonly control: ControlStore;
  readonly keys: ApiKeyStore;
  readonly tokens: Pick<TokenStore, 'get'>;
  readonly credentials: Pick<CredentialStore, 'get'>;
  /** Breakers of a system by operation class. */
  readonly breakers: (system: string) => Promise<{ readonly [name: string]: BreakerState }>;
  readonly inbox: Pick<InboxStore, 'get'>;
  readonly events: { send(messages: readonly InboxMessage[]): Promise<void> };
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Files of the console by path, such as `/app.js`, and what the page may know of the way to sign in. */
  readonly console: { readonly files: ReadonlyMap<string, string>; readonly issuer: string; readonly client: string };
};

/** One authenticated call of a route. */
export type OperatorCall = {
  readonly request: OperatorRequest;
  readonly operator: Operator;
  readonly person: string;
  /** The part of the path that the route's `{id}` stands for, decoded. */
  readonly id: string;
};

/** One route: who may use it, and what it does. */
export type Route = {
  readonly method: 'GET' | 'POST' | 'PUT';
  readonly path: string;
  readonly roles: readonly Role[];
  handle(deps: OperatorApiDeps, call: OperatorCall): Promise<Reply>;
};

/** Every role: for what each person named in config/owners.yaml may read. */
export const anyRole: readonly Role[] = ['viewer', 'operator', 'approver', 'auditor', 'admin'];
