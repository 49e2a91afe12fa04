import type { AgentConfig, PoliciesConfig } from '../config/schema.ts';
import type { JsonObject } from '../model/json.ts';
import type { Effect } from '../model/operation.ts';
import { type ApprovalVerdict, approvalFor } from './approvals.ts';
import { type Gate, judgeGates } from './gates.ts';
import { permissionFor, type Refusal } from './permission.ts';
import { rolloutFor } from './rollout.ts';
import { inScope, outOfScope } from './scope.ts';

/** A write as policy judges it at every claim. */
export type WriteQuestion = {
  readonly agent: AgentConfig;
  readonly policies: PoliciesConfig;
  readonly tool: { readonly name: string; readonly effect: Effect; readonly gates: readonly Gate[] };
  readonly input: JsonObject;
  /** The object of the target, such as `deal`. */
  readonly object: string;
  /** The live record's fields, or those about to be written where there is no record yet. */
  readonly fields: JsonObject;
  readonly exists: boolean;
};

/** What policy says of a write: yes, with approval, or no. Budgets and switches are judged beside it. */
export type WriteVerdict = { readonly kind: 'allow'; readonly approval: ApprovalVerdict } | Refusal;

/**
 * Judges permission, record scope, rollout, gates and approval of one write, in this order; pure.
 * Gates speak of a record that exists: what is about to be created has no live state to move from.
 */
export function decideWrite(question: WriteQuestion): WriteVerdict {
  const { agent, policies, tool, input, object, fields, exists } = question;
  const permission = permissionFor(agent, tool);
  if (permission.kind === 'refuse') return permission;
  if (!inScope(agent, { object, fields })) return outOfScope;
  const excluded = rolloutFor(policies, tool.name, fields);
  if (excluded) return excluded;
  const gate = judgeGates(tool.gates, { input, live: exists ? fields : null });
  if (gate.kind === 'refuse') return { ...gate, code: 'gate_refused' };
  const subject = { tool: tool.name, effect: tool.effect, input };
  const suggestTo = permission.kind === 'suggest' ? agent.owner : null;
  return { kind: 'allow', approval: approvalFor(policies, subject, suggestTo) };
}
