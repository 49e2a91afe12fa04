import type { StateName } from '../model/action.ts';
import type { LedgerEntry } from '../model/ledger-entry.ts';
import { allPages } from './evidence.ts';
import type { LedgerStore } from './ports.ts';

/** How an action or read of a run stands, in the words operators read. */
export type Standing = 'read' | 'applied' | 'waiting' | 'queued' | 'running' | 'unknown' | 'failed' | 'refused';

/** One line of a run: the newest state of one action, one read, or one call that was refused before it became an action. */
export type RunLine = {
  readonly atMs: number;
  readonly effect: string;
  readonly tool: string;
  readonly record: string | null;
  readonly system: string | null;
  readonly standing: Standing;
  readonly code: string | null;
  readonly actionId: string | null;
  /** How many calls this action answered; more than one is a replay. */
  readonly calls: number;
  readonly contextHash: string | null;
  readonly decidedBy: string | null;
};

/** What ran, what succeeded, what failed, which records were affected, who was notified. */
export type RunView = {
  readonly runId: string;
  readonly principal: string;
  readonly workflow: string | null;
  readonly period: string | null;
  readonly fromMs: number;
  readonly toMs: number;
  readonly calls: number;
  readonly actions: number;
  readonly counts: Readonly<Partial<Record<Standing, number>>>;
  /** Writes that were made without prompt context. */
  readonly withoutContext: number;
  readonly records: readonly string[];
  readonly notified: readonly string[];
  readonly lines: readonly RunLine[];
  /** True where the run has more entries than were read. */
  readonly truncated: boolean;
};

const maxEntries = 5000;

const standingOf: Readonly<Record<StateName, Standing>> = {
  AWAITING_APPROVAL: 'waiting',
  RETRYABLE: 'queued',
  STARTED: 'running',
  UNKNOWN: 'unknown',
  NEEDS_HUMAN: 'unknown',
  SUCCEEDED: 'applied',
  FAILED: 'failed',
  REJECTED: 'refused',
  EXPIRED: 'refused',
  CANCELLED: 'refused',
};

/** The run of a principal, or null where this principal has no such run: another one's run of that id is not looked at. */
export async function runView(
  ledger: Pick<LedgerStore, 'byRun'>,
  principal: string,
  runId: string,
): Promise<RunView | null> {
  const entries = await allPages((cursor) => ledger.byRun(principal, runId, cursor), maxEntries);
  return entries.length === 0 ? null : viewOf(principal, runId, entries);
}

/** The runs of a workflow in a period, oldest first. */
export async function runsOf(
  ledger: Pick<LedgerStore, 'byWorkflow'>,
  workflow: string,
  period: string,
): Promise<readonly RunView[]> {
  const entries = await allPages((cursor) => ledger.byWorkflow(workflow, period, cursor), maxEntries);
  const runs = Map.groupBy(
    entries.filter((entry) => entry.runId !== null),
    (entry) => JSON.stringify([entry.principal, entry.runId]),
  );
  return [...runs.entries()].map(([name, of]) => {
    const [principal, runId] = JSON.parse(name) as [string, string];
    return { ...viewOf(principal, runId, of), truncated: entries.length >= maxEntries };
  });
}

/** Builds the view of one run from its entries, oldest first; pure. */
export function viewOf(principal: string, runId: string, entries: readonly LedgerEntry[]): RunView {
  const calls = entries.filter((entry) => entry.kind === 'call');
  const lines = linesOf(entries);
  const counts: Partial<Record<Standing, number>> = {};
  for (const { standing } of lines) counts[standing] = (counts[standing] ?? 0) + 1;
  const writes = calls.filter((call) => call.effect !== null && call.effect !== 'read');
  const notices = entries.flatMap((entry) => (entry.kind === 'operation' && entry.notified ? [entry.notified] : []));
  return {
    runId,
    principal,
    workflow: entries.find((entry) => entry.workflow !== null)?.workflow ?? null,
    period: entries.find((entry) => entry.period !== null)?.period ?? null,
    fromMs: Math.min(...entries.map((entry) => entry.atMs)),
    toMs: Math.max(...entries.map((entry) => entry.atMs)),
    calls: calls.length,
    actions: lines.filter((line) => line.actionId !== null).length,
    counts,
    withoutContext: writes.filter((call) => call.contextHash === null).length,
    records: [...new Set(lines.flatMap(({ standing, record }) => (standing === 'applied' && record ? [record] : [])))],
    notified: [...new Set(notices)],
    lines,
    truncated: entries.length >= maxEntries,
  };
}

function linesOf(entries: readonly LedgerEntry[]): RunLine[] {
  const byAction = Map.groupBy(
    entries.filter((entry) => entry.actionId !== null && entry.kind !== 'operation'),
    (entry) => entry.actionId as string,
  );
  const alone = entries.flatMap((entry) => (entry.kind === 'call' && entry.actionId === null ? [callLine(entry)] : []));
  const actions = [...byAction.entries()].map(([id, of]) => actionLine(id, of));
  return [...actions, ...alone].sort((a, b) => a.atMs - b.atMs);
}

function actionLine(id: string, entries: readonly LedgerEntry[]): RunLine {
  const transitions = entries.filter((entry) => entry.kind === 'transition').sort(byEpoch);
  const calls = entries.filter((entry) => entry.kind === 'call');
  const last = transitions.at(-1);
  const first = entries[0] as LedgerEntry;
  return {
    atMs: Math.min(...entries.map((entry) => entry.atMs)),
    effect: first.effect ?? 'read',
    tool: first.tool ?? '',
    record: last?.record ?? first.record,
    system: first.system,
    standing: last ? standingOf[last.state] : callStanding(calls.at(-1)),
    code: last ? last.code : (calls.at(-1)?.code ?? null),
    actionId: id,
    calls: calls.length,
    contextHash: calls.find((call) => call.contextHash !== null)?.contextHash ?? null,
    decidedBy: transitions.findLast((entry) => entry.by !== null)?.by ?? null,
  };
}

type Transition = Extract<LedgerEntry, { kind: 'transition' }>;

/** An owner's verdict keeps the epoch of its claim, and clocks may stand still or go back between the two. */
function byEpoch(a: Transition, b: Transition): number {
  return a.epoch - b.epoch || Number(b.state === 'STARTED') - Number(a.state === 'STARTED');
}

type Call = Extract<LedgerEntry, { kind: 'call' }>;

function callLine(call: Call): RunLine {
  return {
    atMs: call.atMs,
    effect: call.effect ?? 'read',
    tool: call.tool ?? '',
    record: call.record,
    system: call.system,
    standing: callStanding(call),
    code: call.code,
    actionId: null,
    calls: 1,
    contextHash: call.contextHash,
    decidedBy: null,
  };
}

function callStanding(call: Call | undefined): Standing {
  const status = call?.status ?? 'unknown';
  if (status === 'ok') return 'read';
  if (status === 'applied' || status === 'replayed') return 'applied';
  if (status === 'pending_approval') return 'waiting';
  if (status === 'in_progress') return 'running';
  return status;
}
