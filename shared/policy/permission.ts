import type { AgentConfig } from '../config/schema.ts';
import type { ErrorCode } from '../model/errors.ts';
import type { Effect } from '../model/operation.ts';

/** A refusal by policy: our code, our words, what to do instead. */
export type Refusal = {
  readonly kind: 'refuse';
  readonly code: ErrorCode;
  readonly detail: string;
  readonly nextStep: string;
};

/** What an agent may do with a tool. `suggest`: every call waits for a person. */
export type PermissionVerdict = { readonly kind: 'allow' } | { readonly kind: 'suggest' } | Refusal;

/** What permission looks at of a tool. */
export type Permitted = { readonly name: string; readonly effect: Effect };

/**
 * Whether an agent's list names a tool. An exact name grants it; a pattern grants reads and appends only, so that a tool that
 * is added later never widens what an agent may change.
 */
function isGranted(agent: Pick<AgentConfig, 'tools'>, tool: Permitted): boolean {
  const mild = tool.effect === 'read' || tool.effect === 'append';
  return agent.tools.some((name) =>
    name.endsWith('*') ? mild && tool.name.startsWith(name.slice(0, -1)) : name === tool.name,
  );
}

/** Judges list and mode of an agent for one tool. */
export function permissionFor(agent: AgentConfig, tool: Permitted): PermissionVerdict {
  if (!isGranted(agent, tool)) {
    return refusal(
      `This agent may not use ${tool.name}.`,
      'Use a tool of GET /v1/tools, or tell the user that it is not allowed.',
    );
  }
  if (tool.effect === 'read' || agent.mode === 'write') return { kind: 'allow' };
  if (agent.mode === 'suggest') return { kind: 'suggest' };
  if (agent.mode === 'append' && tool.effect === 'append') return { kind: 'allow' };
  const detail = `This agent runs in the mode ${agent.mode}, which does not cover ${tool.effect}.`;
  return refusal(detail, 'Tell the user what you would have done; a person has to do it.');
}

function refusal(detail: string, nextStep: string): Refusal {
  return { kind: 'refuse', code: 'permission_denied', detail, nextStep };
}

/** Whether a tool is shown to an agent at all: what it cannot call is hidden and refused. */
export function isVisible(agent: AgentConfig, tool: Permitted): boolean {
  return permissionFor(agent, tool).kind !== 'refuse';
}
