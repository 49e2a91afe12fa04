import type { AgentConfig, PoliciesConfig } from '../config/schema.ts';
import { isObject, type Json, type JsonObject } from '../model/json.ts';
import type { Classified, HttpAnswer, PlannedCall, RecordRef } from '../model/operation.ts';
import { scopeFields } from '../policy/scope.ts';
import { readBefore, readOnce, type SystemDeps } from './attempt.ts';
import type { WriteTool } from './define.ts';

/**
 * What policy judges a write on. `exists`: whether the record was found; where it was not, `fields` are what is about to be
 * written. `before` is the image that is frozen with the claim, `answer` the bytes it came from.
 */
export type LiveRecord = {
  readonly exists: boolean;
  readonly fields: JsonObject;
  readonly before: Json | null;
  readonly answer: HttpAnswer | null;
  /** When the read was begun, milliseconds. */
  readonly readAtMs: number;
};

/** The live record, or why it could not be read. */
export type LiveOutcome =
  | { readonly kind: 'ok'; readonly live: LiveRecord }
  | { readonly kind: 'error'; readonly error: Classified };

/** What reading the live record needs to know of the call. */
export type LiveQuestion = {
  readonly tool: WriteTool;
  readonly input: JsonObject;
  readonly planned: PlannedCall;
  readonly agent: Pick<AgentConfig, 'scope'> | null;
  readonly policies: PoliciesConfig;
  readonly target: RecordRef;
  readonly deadlineMs: number;
  readonly nowMs: number;
};

/**
 * Reads the record a write is about: by the operation's own before-read, else by the tool's `live` read where scope, rollout
 * or a gate needs it, else not at all. A record that cannot be read is never judged as if it had been.
 */
export async function readLive(deps: SystemDeps, question: LiveQuestion): Promise<LiveOutcome> {
  const { tool, input, planned, deadlineMs, nowMs: readAtMs } = question;
  const before = await readBefore(deps, planned, deadlineMs);
  if (before?.kind === 'error') return before;
  if (before) {
    const image = isObject(before.data) ? before.data : {};
    const exists = image.id !== null && image.id !== undefined;
    const found = isObject(image.live) ? image.live : {};
    const fields = exists ? found : writtenFields(planned.input);
    return { kind: 'ok', live: { exists, fields, before: before.data, answer: before.answer, readAtMs } };
  }
  // Words of the caller never stand for a record that must exist: then there is nothing to judge, which refuses.
  const writesNew = tool.effect === 'create' || tool.effect === 'send';
  const writes: LiveOutcome = {
    kind: 'ok',
    live: {
      exists: false,
      fields: writesNew ? writtenFields(planned.input) : {},
      before: null,
      answer: null,
      readAtMs,
    },
  };
  if (!tool.live || !needsRecord(question)) return writes;
  const read = await readOnce(deps, tool.live.call(input), deadlineMs);
  if (read.kind === 'error') return read;
  const [record] = tool.live.records(read.data);
  if (record)
    return { kind: 'ok', live: { exists: true, fields: record.fields, before: null, answer: null, readAtMs } };
  const message = `${question.target[1]} was not found.`;
  return { kind: 'error', error: { class: 'not_found', code: 'not_found', message } };
}

function needsRecord({ tool, agent, policies, target }: LiveQuestion): boolean {
  const scoped = agent !== null && scopeFields(agent, target[1]).length > 0;
  return scoped || tool.gates.length > 0 || policies.rollout[tool.name]?.stage === 'partial';
}

/** The fields a planned write sets, as connectors name them: `properties`, also of the only one of `inputs`. One of several never stands for the others. */
function writtenFields(input: Json): JsonObject {
  if (!isObject(input)) return {};
  if (isObject(input.properties)) return input.properties;
  const [only, ...others] = Array.isArray(input.inputs) ? (input.inputs as readonly Json[]) : [];
  return others.length === 0 && isObject(only) && isObject(only.properties) ? only.properties : {};
}

/** Whether the written fields of a record still are what they were when the action was asked for. */
export function unchangedSince(asked: Json | null, live: LiveRecord): boolean {
  const then = isObject(asked) && isObject(asked.written) ? asked.written : null;
  const now = isObject(live.before) && isObject(live.before.written) ? live.before.written : null;
  if (then === null || now === null) return then === now;
  return Object.entries(then).every(([field, value]) => (now[field] ?? null) === (value ?? null));
}
