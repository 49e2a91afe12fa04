import type { PoliciesConfig } from '../config/schema.ts';
import type { Json, JsonObject } from '../model/json.ts';
import type { Effect } from '../model/operation.ts';

/** A call as conditions of policies.yaml see it. */
export type ConditionSubject = { readonly tool: string; readonly effect: Effect; readonly input: JsonObject };

/**
 * Whether a condition of policies.yaml holds: `tool`, `effect` and inputs by name; a list means any of; all must match.
 * An input is compared after the tool's own normalisation; an absent input matches nothing.
 */
export function conditionHolds(when: Readonly<Record<string, unknown>>, subject: ConditionSubject): boolean {
  return Object.entries(when).every(([name, allowed]) => {
    const actual = name === 'tool' ? subject.tool : name === 'effect' ? subject.effect : subject.input[name];
    const options: readonly unknown[] = Array.isArray(allowed) ? allowed : [allowed];
    return options.some((option) => same(option, actual));
  });
}

function same(option: unknown, actual: Json | undefined): boolean {
  if (actual === undefined || actual === null || typeof actual === 'object') return false;
  if (typeof option === 'string' && option.endsWith('*')) return String(actual).startsWith(option.slice(0, -1));
  return String(option).toLowerCase() === String(actual).toLowerCase();
}

/** The inputs a condition speaks of, in words: `stage closedwon or closedlost and amount 5`; empty where it names none. */
export function conditionWords(inputs: Readonly<Record<string, unknown>>): string {
  return Object.entries(inputs)
    .map(([name, value]) => `${name} ${[value].flat().join(' or ')}`)
    .join(' and ');
}

/** What policy demands of a call before it may run: nothing, or a decision by a team within a time. */
export type ApprovalVerdict =
  | { readonly kind: 'none' }
  | { readonly kind: 'needed'; readonly rule: string; readonly by: string; readonly withinMs: number };

/**
 * The first approval rule that holds; rules stand in the order of policies.yaml. `mode: suggest` asks for a person on every
 * write that no rule covers, of the agent's owner.
 */
export function approvalFor(
  policies: PoliciesConfig,
  subject: ConditionSubject,
  suggestTo: string | null,
): ApprovalVerdict {
  for (const [i, rule] of policies.approvals.entries()) {
    if (conditionHolds(rule.when, subject)) {
      return { kind: 'needed', rule: `approvals[${i}]`, by: rule.by, withinMs: rule.within };
    }
  }
  if (suggestTo === null) return { kind: 'none' };
  return { kind: 'needed', rule: 'mode suggest', by: suggestTo, withinMs: 24 * 3_600_000 };
}

/** The rules that can apply to a tool, with the inputs they speak of in words; null where they cover every call. */
export function approvalRulesOf(
  policies: PoliciesConfig,
  tool: { readonly name: string; readonly effect: Effect },
): readonly { readonly by: string; readonly inputs: string | null }[] {
  return policies.approvals.flatMap(({ when, by }) => {
    const { tool: named, effect, ...inputs } = when;
    const fixed = { ...(named === undefined ? {} : { tool: named }), ...(effect === undefined ? {} : { effect }) };
    if (!conditionHolds(fixed, { tool: tool.name, effect: tool.effect, input: {} })) return [];
    return [{ by, inputs: conditionWords(inputs) || null }];
  });
}

/** What {@link mayDecide} judges: who decides, and about whose request. */
export type DeciderQuestion = {
  readonly person: { readonly id: string; readonly roles: readonly string[]; readonly teams: readonly string[] };
  readonly by: string;
  /** The agent that asked, with its responsible persons, or null where a person or the product asked. */
  readonly agent: { readonly responsible: readonly string[] } | null;
  readonly requestedBy: string;
};

/** Whether a person may decide an approval: role approver, member of the named team, not responsible for the agent, not the requester. */
export function mayDecide({ person, by, agent, requestedBy }: DeciderQuestion): boolean {
  return (
    person.roles.includes('approver') &&
    person.teams.includes(by) &&
    requestedBy !== `person:${person.id}` &&
    !(agent?.responsible.includes(person.id) ?? false)
  );
}
