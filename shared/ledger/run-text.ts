import type { RunLine, RunView } from './run-view.ts';

/**
 * A run as an operator reads it: one head line and one line per action or read, times in UTC.
 * It shows names and hashes only; what was written stands in the evidence.
 */
export function runText(view: RunView): string {
  const who = view.principal.slice(view.principal.indexOf(':') + 1);
  const where = view.workflow === null ? [] : [[view.workflow, view.period].filter((part) => part !== null).join(' ')];
  const head = [view.runId, who, ...where, `${time(view.fromMs)} to ${time(view.toMs)}`, summary(view)].join('  ');
  const rows = view.lines.map((line) => [time(line.atMs), line.effect, line.tool, line.record ?? '', story(line)]);
  const widths = [0, 1, 2, 3].map((column) => Math.max(0, ...rows.map((row) => row[column]?.length ?? 0)));
  const body = rows.map((row) => `  ${row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join('  ')}`.trimEnd());
  const tail = view.notified.map((who) => `  notified ${who}`);
  const more = view.truncated ? ['  and more entries than are shown'] : [];
  return [head, ...body, ...tail, ...more].join('\n');
}

function summary(view: RunView): string {
  const actions = view.actions === 1 ? '1 action' : `${view.actions} actions`;
  const counts = Object.entries(view.counts).map(([standing, count]) =>
    standing === 'read' ? (count === 1 ? '1 read' : `${count} reads`) : `${count} ${standing}`,
  );
  return [actions, ...counts].join(', ');
}

function story(line: RunLine): string {
  if (line.standing === 'read') return line.system ?? '';
  const parts: string[] = [line.code === null ? line.standing : `${line.standing}: ${line.code}`];
  if (line.calls > 1) parts.push(`${line.calls} calls`);
  if (line.decidedBy !== null) parts.push(`decided by ${line.decidedBy}`);
  if (line.actionId !== null)
    parts.push(line.contextHash === null ? 'no prompt' : `prompt ${line.contextHash.slice(0, 8)}`);
  return parts.join(', ');
}

function time(atMs: number): string {
  return new Date(atMs).toISOString().slice(11, 19);
}
