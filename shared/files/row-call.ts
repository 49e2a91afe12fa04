import type { FileConfig } from '../config/file-schema.ts';
import type { Answer } from '../model/answer.ts';
import { PlumblineError } from '../model/errors.ts';
import type { Json, JsonObject } from '../model/json.ts';
import { beginCall, callTool } from '../tools/call.ts';
import type { CallDeps } from '../tools/call-deps.ts';

/**
 * What became of one row. `restMs`: its system takes no more for so long, and the row is kept as an action that waits.
 * `wait`: it was not carried out and may be later; nothing after it is begun.
 */
export type RowOutcome =
  | { readonly kind: 'done'; readonly restMs: number }
  | { readonly kind: 'bad'; readonly why: string }
  | { readonly kind: 'wait'; readonly why: string };

/** One row of one file: what it asks for and what names it for ever. */
export type RowCall = {
  readonly source: string;
  readonly config: FileConfig;
  readonly runId: string;
  readonly input: JsonObject;
  readonly natural: Json;
};

/**
 * Carries out one row as its agent, through the pipeline and policy of every tool call, under a key that never comes again.
 * A row whose action is waiting, unknown or under way belongs to the kernel, which brings it to an end or to a person.
 */
export async function callRow(deps: CallDeps, row: RowCall): Promise<RowOutcome> {
  const { config, source, runId } = row;
  const receivedAtMs = deps.kernel.clock.now();
  const principal = { kind: 'agent', id: config.as, via: 'file' } as const;
  const begun = beginCall(deps, { principal, receivedAtMs });
  if (!begun) return { kind: 'wait', why: `The agent ${config.as} does not exist.` };
  const body = { arguments: row.input, context: { run_id: runId, workflow: source } };
  const given = { principal, tool: config.tool, body, headers: {}, receivedAtMs };
  try {
    const { answer } = await callTool(deps, { ...begun, natural: row.natural }, given);
    return outcomeOf(answer);
  } catch (error) {
    if (!(error instanceof PlumblineError)) throw error;
    if (error.code === 'store_unavailable') return { kind: 'wait', why: 'A store did not answer.' };
    return { kind: 'bad', why: `${error.code}: ${error.message}` };
  }
}

/** Refusals that speak of the agent, the tool or the moment, and not of the row: all rows after it would be refused alike. */
const notTheRow: readonly string[] = [
  'permission_denied',
  'unknown_tool',
  'switched_off',
  'budget_exceeded',
  'rollout_excluded',
  'credential_unavailable',
  'account_mismatch',
  'unsafe_address',
  'store_unavailable',
];

function outcomeOf(answer: Answer): RowOutcome {
  if (answer.status === 'replayed' && answer.warnings?.some(({ code }) => code === 'differs')) {
    return { kind: 'bad', why: 'it was done before with other values, which were not changed' };
  }
  const { error } = answer;
  if (answer.status === 'queued') return { kind: 'done', restMs: answer.poll?.after_ms ?? 1000 };
  if (!error || answer.status === 'unknown') return { kind: 'done', restMs: 0 };
  // Without an action nobody but this file knows of the row.
  const isOurs = answer.action_id === undefined;
  if (isOurs && (error.retryable || notTheRow.includes(error.code))) return { kind: 'wait', why: error.detail };
  const inputs = error.errors?.map(
    ({ path, message, allowed }) => `${path} ${message}${allowed ? ` (${allowed})` : ''}`,
  );
  return { kind: 'bad', why: [`${error.code}: ${error.detail}`, ...(inputs ?? [])].join(' ').slice(0, 500) };
}
