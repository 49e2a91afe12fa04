import type { Recheck } from '../action/resume.ts';
import type { Probe } from '../action/types.ts';
import type { PlumblineConfig } from '../config/schema.ts';
import { failureOf } from '../connectors/failure.ts';
import { heldBackCodes } from '../connectors/gate.ts';
import type { ActionRecord } from '../model/action.ts';
import type { Clock } from '../model/clock.ts';
import type { Failure } from '../model/errors.ts';
import { isObject, type Json, type JsonObject } from '../model/json.ts';
import type { PlannedCall } from '../model/operation.ts';
import { decideWrite } from '../policy/decide.ts';
import { ownFailure } from './answer.ts';
import { agentOf, makeProbe, type SystemDeps } from './attempt.ts';
import type { Catalog } from './catalog.ts';
import type { WriteTool } from './define.ts';
import { readLive, unchangedSince } from './live-record.ts';

/** What asking again needs. */
export type RecheckDeps = Omit<SystemDeps, 'systems' | 'traceparent'> & {
  readonly config: PlumblineConfig;
  readonly catalog: Pick<Catalog, 'find'>;
  readonly clock: Clock;
  /** Absolute time by which systems must have answered, where the process that asks ends before long. */
  readonly untilMs?: number;
};

const holdMs = 60_000;
const longestAsked = 120;
const readWithinMs = 8000;

type RecheckVerdict = Awaited<ReturnType<Recheck>>;

/**
 * A planned call that carries, beside the connector's input, the tool inputs that policy may ask for at a later claim:
 * the short plain ones, by which conditions and gates are written. Connectors read what they know and ignore it.
 */
export function withAsked(planned: PlannedCall, input: JsonObject): PlannedCall {
  if (!isObject(planned.input)) return planned;
  const asked = Object.entries(input).filter(
    ([, value]) => value !== null && typeof value !== 'object' && String(value).length <= longestAsked,
  );
  return { ...planned, input: { ...planned.input, asked: Object.fromEntries(asked) } };
}

function askedOf(input: Json): JsonObject {
  return isObject(input) && isObject(input.asked) ? input.asked : {};
}

/**
 * Makes the policy re-check of waiting actions: switches, permission, scope, rollout, gates and approval on the live record as
 * it is now, and whether the fields to be written changed since it was asked. Budgets were taken when it was asked.
 */
export function makeRecheck(deps: RecheckDeps): Recheck {
  const system: SystemDeps = { ...deps, systems: deps.config.systems };
  return async ({ record, call, before }) => {
    const nowMs = deps.clock.now();
    const deadlineMs = Math.min(nowMs + readWithinMs, deps.untilMs ?? Number.POSITIVE_INFINITY);
    const agentName = agentOf(record.principal);
    const question = { system: call.system, tool: record.tool, agent: agentName, runId: record.runId };
    if ((await deps.control.check(question)).kind === 'off') return { kind: 'hold', untilMs: nowMs + holdMs };
    const heldUntilMs = await deps.gate?.holdUntil({ system: call.system, deadlineMs, again: isRetry(record) });
    if (heldUntilMs != null) return { kind: 'hold', untilMs: heldUntilMs, unreachable: true };
    // People and the product itself act under their own roles; an agent acts under its configuration.
    if (agentName === null) return { kind: 'go' };
    const agent = Object.hasOwn(deps.config.agents, agentName) ? deps.config.agents[agentName] : undefined;
    const tool = await deps.catalog.find(record.tool);
    if (!agent || tool?.kind !== 'write') return gone(record);
    const { policies } = deps.config;
    const input = askedOf(call.input);
    const live = await liveOf(system, { tool, input, call, record, agent, policies, deadlineMs, nowMs });
    if (live.kind === 'verdict') return live.verdict;
    const { fields, exists } = live.live;
    const verdict = decideWrite({ agent, policies, tool, input, object: record.target[1], fields, exists });
    if (verdict.kind === 'refuse') return refuse(verdict.code, verdict.detail);
    if (!unchangedSince(before, live.live)) return { kind: 'target_changed' };
    const approved = record.approval?.decision !== null && record.approval !== null;
    if (verdict.approval.kind === 'none' || approved) return { kind: 'go' };
    const { rule, by, withinMs } = verdict.approval;
    return { kind: 'approval', rule, by, notAfterMs: nowMs + withinMs };
  };
}

function refuse(code: Failure['code'], detail: string): RecheckVerdict {
  return { kind: 'refuse', failure: ownFailure(code, detail) };
}

function gone(record: ActionRecord): RecheckVerdict {
  return refuse('permission_denied', `The agent or the tool ${record.tool} does not exist any more.`);
}

type LiveInput = Omit<Parameters<typeof readLive>[1], 'planned' | 'target'> & {
  readonly tool: WriteTool;
  readonly call: PlannedCall;
  readonly record: ActionRecord;
};

async function liveOf(system: SystemDeps, { call, record, ...rest }: LiveInput) {
  const read = await readLive(system, { ...rest, planned: call, target: record.target });
  if (read.kind === 'ok') return read;
  const failure = failureOf(read.error, call.system);
  if (failure.retryable || failure.code === 'credential_unavailable') {
    const untilMs = await nextLook(system, call.system, rest.nowMs, failure.retryAfterMs);
    return { kind: 'verdict', verdict: { kind: 'hold', untilMs } } as const;
  }
  return { kind: 'verdict', verdict: { kind: 'refuse', failure } } as const;
}

/** What cannot be looked at now is looked at again in its turn, not together with everything else that waits. */
async function nextLook({ gate }: SystemDeps, system: string, nowMs: number, askedMs = holdMs): Promise<number> {
  return gate ? gate.turn(system, nowMs + askedMs) : nowMs + Math.max(holdMs, askedMs);
}

/** Whether the system has seen this write before, as far as its record says. */
function isRetry(record: ActionRecord): boolean {
  if (record.state === 'UNKNOWN') return record.resend.kind === 'key';
  if (record.state !== 'RETRYABLE' || record.attempts === 0) return false;
  return !heldBackCodes.includes(record.failure?.vendorCode ?? '');
}

/** The read-back of a record's operation, or null where it declares none: what cannot be proven goes to a person. */
export function makeProbeFor(system: SystemDeps): (record: Pick<ActionRecord, 'operation'>) => Probe | null {
  const probe = makeProbe(system);
  return ({ operation }) => {
    const known = system.operations(operation);
    return known?.kind === 'write' && known.probe ? probe : null;
  };
}
