import { hashJson } from '../action/canonical.ts';
import { failureOf } from '../connectors/failure.ts';
import { circuitKey } from '../ledger/waiting-cases.ts';
import type { Answer } from '../model/answer.ts';
import type { Failure } from '../model/errors.ts';
import { sha256Hex } from '../model/ids.ts';
import { isObject, type Json, type JsonObject } from '../model/json.ts';
import type { Answered, Call, CallDeps } from './call-deps.ts';
import type { ReadCall } from './read-call.ts';
import { baseOf, openCase } from './record-call.ts';
import type { Judged } from './write-call.ts';

/** The last live answer of one agent to one question: which object holds it, and what it was about. */
type Kept = {
  readonly answerHash: string;
  readonly atMs: number;
  readonly records: number;
  readonly record: { readonly object: string; readonly id: string } | null;
};

/** An earlier answer that stands in for a live one. */
export type LastAnswer = Pick<Kept, 'records' | 'record'> & { readonly answer: Answer };

/**
 * The rule of `fallback`: while its system is left alone, an agent's read is answered with the last live answer that the same
 * agent got to the same question under the same configuration, if it is young enough. It is marked `source: fallback`,
 * `live: false`. Nothing new is kept for it: the object is the one that the ledger's evidence points to, and where that has been
 * erased there is no fallback. Only tool reads come here: no write, gate, before-image or read-back ever sees it. Null: no such answer.
 */
export async function lastAnswer(deps: CallDeps, read: ReadCall, system: string): Promise<LastAnswer | null> {
  const maxAgeMs = deps.config.systems[system]?.breaker.fallback?.maxAge;
  if (maxAgeMs === undefined || !deps.shared) return null;
  const kept = keptOf((await deps.shared.read(nameOf(deps, read))).value);
  const nowMs = deps.kernel.clock.now();
  if (kept === null || nowMs - kept.atMs > maxAgeMs) return null;
  const bytes = await deps.payloads.get(kept.answerHash);
  const earlier = bytes === null ? null : (JSON.parse(new TextDecoder().decode(bytes)) as Answer);
  if (earlier?.status !== 'ok' || earlier.data === undefined) return null;
  const minutes = Math.max(1, Math.round((nowMs - kept.atMs) / 60_000));
  const message = `${system} cannot be asked now. This is what it answered ${minutes} min ago; it may have changed since.`;
  const base = baseOf(read.call);
  const answer: Answer = {
    ...{ status: 'ok', call_id: base.callId, effect: 'none' },
    ...(base.runId === null ? {} : { run_id: base.runId }),
    warnings: [...(base.warnings ?? []), { code: 'fallback', message }],
    ...{ data: earlier.data, source: 'fallback', live: false },
    ...(earlier.fetched_at === undefined ? {} : { fetched_at: earlier.fetched_at }),
  };
  return { answer, records: kept.records, record: kept.record };
}

/** Remembers which object holds a live answer, where the system's `fallback` may need it. It never fails the call. */
export async function keepLastAnswer(
  deps: CallDeps,
  read: ReadCall,
  done: { readonly system: string; readonly answered: Answered } & Pick<Kept, 'records' | 'record'>,
): Promise<void> {
  const { answer, bytes } = done.answered;
  const keepMs = deps.config.systems[done.system]?.breaker.fallback?.maxAge;
  if (keepMs === undefined || !deps.shared || answer.status !== 'ok' || answer.live !== true) return;
  const { records, record } = done;
  const value: Kept = { answerHash: sha256Hex(bytes), atMs: deps.kernel.clock.now(), records, record };
  const name = nameOf(deps, read);
  try {
    const written = await deps.shared.write(name, { value: value as Json, over: 0, keepMs });
    if (written.kind === 'lost') {
      await deps.shared.write(name, { value: value as Json, over: written.version, keepMs });
    }
  } catch (error) {
    deps.log.warn('an answer could not be kept for the time its system fails', {
      system: done.system,
      reason: (error as Error).name,
    });
  }
}

/**
 * The rule of `case`: a write is refused before anything is claimed while its system is left alone, so that a person decides and
 * nothing happens later unasked. What was claimed before stays queued.
 */
export async function refusedWhileOpen(deps: CallDeps, call: Call, system: string, judged: Judged): Promise<Judged> {
  if (judged.kind !== 'claim' || deps.config.systems[system]?.breaker.whileOpen !== 'case') return judged;
  const waits = await deps.gate?.open({ system, deadlineMs: call.deadlineMs });
  if (!waits) return judged;
  const { retryAfterMs } = waits;
  const failure = failureOf({ class: 'transient', code: 'circuit_open', message: '', retryAfterMs }, system);
  return { kind: 'refuse', live: judged.live, failure, nextStep: null, status: 'refused' };
}

/** Opens the one case of a system that is left alone, for its owner, where its rule is `case`; the tick settles it. */
export async function circuitCase(deps: CallDeps, call: Call, system: string, failure: Failure): Promise<void> {
  const config = deps.config.systems[system];
  if (failure.category !== 'circuit_open' || config?.breaker.whileOpen !== 'case') return;
  await openCase(deps, call, {
    reason: 'circuit_open',
    title: `${system} fails, and calls to it are refused`,
    detail: `${system} failed again and again and is left alone, except for a read now and then. Agents are told no; nothing waits. Repair it or tell the agents' owners: this case closes by itself once it works.`,
    owner: config.owner,
    system,
    facts: { agent: call.principal.id, call_id: call.callId },
    dedupeKey: circuitKey(system),
  });
}

/** One agent's one question under one configuration: another agent, input, scope or masking is another name. */
function nameOf({ config }: CallDeps, { call, tool, input }: ReadCall): string {
  const question: JsonObject = { config: config.version, principal: call.principalId, tool: tool.name, input };
  return `answer#${hashJson(question)}`;
}

function keptOf(value: Json | null): Kept | null {
  const known = isObject(value) && typeof value.answerHash === 'string' && typeof value.atMs === 'number';
  return known ? (value as unknown as Kept) : null;
}
