import { conditionTrue, parseCondition } from '../config/condition.ts';
import type { AgentConfig } from '../config/schema.ts';
import type { Json, JsonObject } from '../model/json.ts';
import { maskEmails, masked } from '../model/personal-shape.ts';
import type { Refusal } from './permission.ts';

/** A live record as scope sees it. */
export type ScopedRecord = { readonly object: string; readonly fields: JsonObject };

/** Whether a live record lies inside an agent's scope. Objects without a condition are inside; a field that is not there is outside. */
export function inScope(agent: Pick<AgentConfig, 'scope'>, record: ScopedRecord): boolean {
  const text = agent.scope.records[record.object];
  if (text === undefined) return true;
  const condition = parseCondition(text);
  return condition !== null && conditionTrue(condition, record.fields);
}

/** Names of the fields a scope's conditions read for an object: a live read must ask for them. */
export function scopeFields(agent: Pick<AgentConfig, 'scope'>, object: string): readonly string[] {
  return (parseCondition(agent.scope.records[object] ?? '') ?? []).map(({ field }) => field);
}

/** The refusal of a record outside scope. It says nothing about the record, not even that it exists. */
export const outOfScope: Refusal = {
  kind: 'refuse',
  code: 'out_of_scope',
  detail: 'No record with this id lies inside what this agent may work on.',
  nextStep: 'Tell the user that this record is outside your scope; a person has to do it.',
};

/**
 * Replaces personal values in data meant for an agent: fields the system calls personal and the agent's scope does not list,
 * at any depth, and e-mail addresses inside any text unless `email` is listed.
 */
export function maskPersonal(data: Json, personal: readonly string[], agent: Pick<AgentConfig, 'scope'>): Json {
  const allowed = new Set(agent.scope.personal.map((name) => name.toLowerCase()));
  const hidden = new Set(personal.map((name) => name.toLowerCase()).filter((name) => !allowed.has(name)));
  return maskValue(data, hidden, !allowed.has('email'));
}

function maskValue(value: Json, hidden: ReadonlySet<string>, hideEmails: boolean): Json {
  if (typeof value === 'string') return hideEmails ? maskEmails(value) : value;
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((item: Json) => maskValue(item, hidden, hideEmails));
  return Object.fromEntries(
    Object.entries(value as JsonObject).map(([key, item]) => {
      const empty = item === null || item === '';
      return [key, hidden.has(key.toLowerCase()) && !empty ? masked : maskValue(item, hidden, hideEmails)];
    }),
  );
}
