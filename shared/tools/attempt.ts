import type { Attempt, Probe } from '../action/types.ts';
import type { PlumblineConfig } from '../config/schema.ts';
import type { SystemGate } from '../connectors/gate.ts';
import type { Sender } from '../connectors/sender.ts';
import { requestDigest } from '../http/digest.ts';
import type { ActionRecord } from '../model/action.ts';
import { PlumblineError } from '../model/errors.ts';
import type { Json } from '../model/json.ts';
import type {
  Classified,
  FailureClass,
  HttpAnswer,
  Operation,
  PlannedCall,
  ReadOperation,
  RecordRef,
  WriteOperation,
  WriteVerdict,
} from '../model/operation.ts';
import type { ControlGate } from '../policy/control.ts';

/** What sending needs. `operations` answers null for an id that no connector has. */
export type SystemDeps = {
  readonly send: Sender;
  /** Asked before a waiting write is tried and, where a system wants it, before one is claimed. */
  readonly gate?: SystemGate;
  readonly operations: (id: string) => Operation | null;
  readonly systems: PlumblineConfig['systems'];
  readonly control: Pick<ControlGate, 'check'>;
  readonly traceparent?: string;
};

/** How long a switched-off write waits before it is looked at again, milliseconds. */
const switchedOffWaitMs = 60_000;

/** The provider key in digests: the digest speaks of what is asked, and must not differ between attempts. */
const digestKey = 'digest';

/** The agent's name in a principal id, or null where no agent asks. */
export function agentOf(principal: string): string | null {
  return principal.startsWith('agent:') ? principal.slice('agent:'.length) : null;
}

/** The write operation of a call and the API version to build it with. Throws `config_invalid` where it does not exist. */
export function writeOperationOf(deps: Pick<SystemDeps, 'operations' | 'systems'>, call: PlannedCall) {
  return { operation: operationOf(deps, call, 'write') as WriteOperation, apiVersion: apiVersionOf(deps, call) };
}

function operationOf(deps: Pick<SystemDeps, 'operations'>, call: PlannedCall, kind: Operation['kind']): Operation {
  const operation = deps.operations(call.operation);
  if (operation?.kind === kind) return operation;
  throw new PlumblineError(`There is no ${kind} operation ${call.operation}.`, {
    code: 'config_invalid',
    retry: 'never',
    hint: 'The tool and its connector do not fit together: deploy them from one build.',
  });
}

function apiVersionOf(deps: Pick<SystemDeps, 'systems'>, call: PlannedCall): string {
  const system = Object.hasOwn(deps.systems, call.system) ? deps.systems[call.system] : undefined;
  if (system) return system.apiVersion;
  throw new PlumblineError(`The system ${call.system} is not configured.`, {
    code: 'config_invalid',
    retry: 'never',
    hint: 'Add it to config/systems and deploy again.',
  });
}

/** SHA-256 of what a planned write asks for, without its provider key: equal for every attempt of one intent and build. */
export function digestOfCall(deps: Pick<SystemDeps, 'operations' | 'systems'>, call: PlannedCall): string {
  const { operation, apiVersion } = writeOperationOf(deps, call);
  return requestDigest(operation.request({ apiVersion, providerKey: digestKey }, call.input));
}

/**
 * Makes the one way the kernel sends a write. Switches are judged right before the send, the lease when the head is written.
 * `not_applied` only where no byte left or the connector proves it; every other surprise is `unknown`.
 */
export function makeAttempt(deps: SystemDeps): Attempt {
  return async (input) => {
    const { record, call, providerKey, deadlineMs, mayWrite } = input;
    const { operation, apiVersion } = writeOperationOf(deps, call);
    const off = await switchedOff(deps, record, call.system);
    if (off) return { kind: 'not_applied', error: off };
    const spec = operation.request({ apiVersion, providerKey }, call.input);
    const trace = deps.traceparent === undefined ? {} : { traceparent: deps.traceparent };
    const sent = await deps.send({ system: call.system, spec, purpose: 'write', deadlineMs, mayWrite, ...trace });
    if (sent.kind === 'not_sent') return { kind: 'not_applied', error: sent.error };
    if (sent.kind === 'lost') return { kind: 'unknown', error: sent.error };
    return judgedFor(deps, input, operation.judge(sent.answer, call.input));
  };
}

/** A connector's verdict on one action: its records under the configured system's name, an echo of its own told from a duplicate. */
export async function judgedFor(
  deps: SystemDeps,
  input: Parameters<Attempt>[0],
  given: WriteVerdict,
): Promise<WriteVerdict> {
  const { record, call } = input;
  const verdict = withSystem(given, call.system);
  if (verdict.kind !== 'not_applied' || record.attempts <= 1) return verdict;
  const { operation } = writeOperationOf(deps, call);
  return echoes(operation).includes(verdict.error.class)
    ? ownEcho(deps, input, { operation, refusal: verdict })
    : verdict;
}

/** The refusals that a later attempt may meet because an earlier one was carried out after all. */
function echoes({ resend, effect }: WriteOperation): readonly FailureClass[] {
  if (resend.kind === 'probe') return ['duplicate'];
  if (resend.kind !== 'upsert') return [];
  // What was sent is no draft any more: it is not there, or refused as what it is now.
  if (effect === 'send') return ['conflict', 'not_found', 'business'];
  return effect === 'delete' ? ['conflict', 'not_found'] : ['conflict'];
}

/** What looks like a refusal may be what an earlier attempt left behind: only a read-back of the values tells. */
async function ownEcho(
  deps: SystemDeps,
  { record, call, providerKey, deadlineMs }: Parameters<Attempt>[0],
  { operation, refusal }: { readonly operation: WriteOperation; readonly refusal: Refusal },
): Promise<WriteVerdict> {
  const found = await makeProbe(deps)({ record, call, before: null, providerKey, deadlineMs });
  const created = operation.resend.kind === 'probe' ? { created: true } : {};
  if (found.kind === 'equal') return { kind: 'applied', data: found.data, records: found.records, ...created };
  // A create is refused by nobody else's record only where none carries our key; a change, where the record shows other values.
  const refused = operation.resend.kind === 'probe' ? ['absent'] : ['before', 'different'];
  return refused.includes(found.kind) ? refusal : { kind: 'unknown', error: refusal.error };
}

type Refusal = WriteVerdict & { readonly kind: 'not_applied' };

/** Why a write may not be sent now by a switch of a person, or null. */
export async function switchedOff(deps: SystemDeps, record: ActionRecord, system: string): Promise<Classified | null> {
  const question = { system, tool: record.tool, agent: agentOf(record.principal), runId: record.runId };
  const verdict = await deps.control.check(question).catch(unreadable);
  if (verdict.kind === 'unreadable') return { class: 'transient', code: 'switches_unreadable', message: '' };
  if (verdict.kind === 'on') return null;
  return { class: 'transient', code: 'switched_off', message: verdict.what, retryAfterMs: switchedOffWaitMs };
}

/** Nothing has left yet: switches that cannot be read make the action wait, and its outcome is not in doubt. */
function unreadable(error: unknown): { readonly kind: 'unreadable' } {
  if (error instanceof PlumblineError && error.code === 'store_unavailable') return { kind: 'unreadable' };
  throw error;
}

function withSystem(verdict: WriteVerdict, system: string): WriteVerdict {
  return verdict.kind === 'applied' ? { ...verdict, records: refsOn(verdict.records, system) } : verdict;
}

/** Connectors name their records by product; here they get the configured system's name. */
function refsOn(records: readonly RecordRef[], system: string): readonly RecordRef[] {
  return records.map(([, object, id]) => [system, object, id] as const);
}

/** Makes the read-back of writes of unknown outcome. What cannot be asked or judged is `inconclusive`, never a guess. */
export function makeProbe(deps: SystemDeps): Probe {
  return async ({ call, before, providerKey, deadlineMs }) => {
    const { operation, apiVersion } = writeOperationOf(deps, call);
    if (!operation.probe) {
      const message = `${operation.id} cannot be read back.`;
      return { kind: 'inconclusive', error: { class: 'business', code: 'no_probe', message } };
    }
    const spec = operation.probe.request({ apiVersion, providerKey }, call.input);
    const sent = await deps.send({ system: call.system, spec, purpose: 'probe', deadlineMs });
    if (sent.kind !== 'answer') return { kind: 'inconclusive', error: sent.error };
    const verdict = operation.probe.judge(sent.answer, call.input, before, providerKey);
    return verdict.kind === 'equal' ? { ...verdict, records: refsOn(verdict.records, call.system) } : verdict;
  };
}

/** A read as it was answered, or its classified error. */
export type ReadOutcome =
  | { readonly kind: 'ok'; readonly data: Json; readonly fetchedAtMs: number; readonly answer: HttpAnswer }
  | { readonly kind: 'error'; readonly error: Classified };

/** Sends one planned read and judges its answer. */
export async function readOnce(deps: SystemDeps, call: PlannedCall, deadlineMs: number): Promise<ReadOutcome> {
  const operation = operationOf(deps, call, 'read') as ReadOperation;
  const spec = operation.request({ apiVersion: apiVersionOf(deps, call), providerKey: '' }, call.input);
  return sendRead(deps, call, { spec, judge: (answer) => operation.judge(answer, call.input), deadlineMs });
}

/** Reads the record a write is about to change, where its operation can; null where it cannot. */
export async function readBefore(deps: SystemDeps, call: PlannedCall, deadlineMs: number): Promise<ReadOutcome | null> {
  const { operation, apiVersion } = writeOperationOf(deps, call);
  const { before } = operation;
  if (!before) return null;
  const spec = before.request({ apiVersion, providerKey: '' }, call.input);
  return sendRead(deps, call, { spec, judge: (answer) => before.judge(answer, call.input), deadlineMs });
}

type Sendable = {
  readonly spec: Parameters<Sender>[0]['spec'];
  readonly judge: (answer: HttpAnswer) => ReturnType<ReadOperation['judge']>;
  readonly deadlineMs: number;
};

async function sendRead(
  deps: SystemDeps,
  call: PlannedCall,
  { spec, judge, deadlineMs }: Sendable,
): Promise<ReadOutcome> {
  const trace = deps.traceparent === undefined ? {} : { traceparent: deps.traceparent };
  const sent = await deps.send({ system: call.system, spec, purpose: 'read', deadlineMs, ...trace });
  if (sent.kind !== 'answer') return { kind: 'error', error: sent.error };
  const verdict = judge(sent.answer);
  if (verdict.kind === 'error') return verdict;
  return { kind: 'ok', data: verdict.data, fetchedAtMs: sent.fetchedAtMs, answer: sent.answer };
}

/**
 * Whether the effect of an intent still stands in the live record that was just read.
 * `unknown` where the operation's read-back asks another question than its before-image.
 */
export function stillInEffect(
  deps: Pick<SystemDeps, 'operations' | 'systems'>,
  call: PlannedCall,
  live: HttpAnswer,
): boolean | 'unknown' {
  const { operation, apiVersion } = writeOperationOf(deps, call);
  const { before, probe } = operation;
  if (!before || !probe) return 'unknown';
  const context = { apiVersion, providerKey: digestKey };
  const same = requestDigest(before.request(context, call.input)) === requestDigest(probe.request(context, call.input));
  if (!same) return 'unknown';
  const verdict = probe.judge(live, call.input, null, digestKey);
  if (verdict.kind === 'inconclusive') return 'unknown';
  return verdict.kind === 'equal';
}
