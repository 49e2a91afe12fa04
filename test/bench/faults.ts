import { setTimeout as wait } from 'node:timers/promises';
import { execute } from '../../shared/action/execute.ts';
import { resolve } from '../../shared/action/resolve.ts';
import type { KernelDeps, Probe } from '../../shared/action/types.ts';
import { printTable } from './measure.ts';
import { claimOf, countedClient, type Effect, kernelOver, type Note, powertools } from './variants.ts';

/** What goes wrong, once, during the first call. */
type Fault =
  | 'none'
  | 'response of the system lost'
  | 'crash after the effect'
  | 'outcome cannot be recorded'
  | 'response of the claim lost';
const faults: readonly Fault[] = [
  'none',
  'response of the system lost',
  'crash after the effect',
  'outcome cannot be recorded',
  'response of the claim lost',
];

/** How many intents were repeated, and how often each was asked for. */
const intents = 20;
const repeats = 3;

/** What became of the intents under one fault. */
type Result = { readonly duplicates: number; readonly lost: number; readonly errors: number };

/** An effect that is applied for good, after which the caller may be left without an answer. */
function business(fault: Fault) {
  const applied = new Map<string, number>();
  const hit = new Set<string>();
  const effect: Effect = async (note) => {
    applied.set(note.text, (applied.get(note.text) ?? 0) + 1);
    const first = !hit.has(note.text);
    hit.add(note.text);
    if (first && fault === 'response of the system lost')
      throw Object.assign(new Error('timeout'), { code: 'ETIMEDOUT' });
    if (first && fault === 'crash after the effect') await new Promise(() => undefined);
    return { ok: true };
  };
  const result = (errors: number): Result => {
    const counts = [...applied.values()];
    const duplicates = counts.reduce((sum, times) => sum + times - 1, 0);
    return { duplicates, lost: intents - counts.length, errors };
  };
  return { applied, effect, result };
}

/** A store fault: the first write of each kind fails after it was done, or is never done. */
function storeFault(fault: Fault) {
  let puts = 0;
  return async (command: string, send: () => Promise<unknown>): Promise<unknown> => {
    if (fault === 'none' || !/PutItem|UpdateItem/.test(command)) return send();
    puts += 1;
    const lostClaim = fault === 'response of the claim lost' && puts === 1;
    const noOutcome = fault === 'outcome cannot be recorded' && puts === 2;
    if (noOutcome) throw Object.assign(new Error('the table does not answer'), { name: 'InternalServerError' });
    const answer = await send();
    if (lostClaim)
      throw Object.assign(new Error('socket hang up'), { name: 'TimeoutError', $retryable: { throttling: false } });
    return answer;
  };
}

/** A caller that gives up on a process that died: the call itself never ends. */
async function orGiveUp(call: Promise<unknown>, afterMs: number): Promise<'answered' | 'failed' | 'gone'> {
  return Promise.race([
    call.then(
      () => 'answered' as const,
      () => 'failed' as const,
    ),
    wait(afterMs, 'gone' as const),
  ]);
}

async function underPowertools(endpoint: string, table: string, fault: Fault): Promise<Result> {
  const { effect, result } = business(fault);
  let errors = 0;
  for (let i = 0; i < intents; i += 1) {
    const { client, count } = countedClient(endpoint, storeFault(fault));
    const note = { contact: '1', text: `powertools, ${fault}, ${i}, ${Math.random()}` };
    const variant = powertools({ client, count, table, effect, remainingMs: 30 });
    for (let n = 0; n < repeats; n += 1) {
      if ((await orGiveUp(variant.run(note), 100)) === 'failed') errors += 1;
      // Its in-progress entry counts as over after the remaining time of the invocation that made it.
      await wait(40);
    }
    client.destroy();
  }
  return result(errors);
}

async function underOurs(endpoint: string, table: string, fault: Fault): Promise<Result> {
  const { applied, effect, result } = business(fault);
  let errors = 0;
  for (let i = 0; i < intents; i += 1) {
    const { client } = countedClient(endpoint, storeFault(fault));
    let nowMs = Date.now();
    const sleep = (ms: number) => {
      nowMs += ms;
      return Promise.resolve();
    };
    const clock = { now: () => nowMs, sleep };
    const deps = kernelOver({ client, table, effect, clock });
    const note = { contact: '1', text: `ours, ${fault}, ${i}, ${Math.random()}` };
    for (let n = 0; n < repeats; n += 1) {
      if ((await orGiveUp(execute(deps, claimOf(note, nowMs)), 100)) === 'failed') errors += 1;
      // What the tick does once the lease is over: the outcome is read back where it is unknown.
      nowMs += 120_000;
      await settle(deps, note, nowMs, probeOf(applied));
      nowMs += 120_000;
      await settle(deps, note, nowMs, probeOf(applied));
    }
    client.destroy();
  }
  return result(errors);
}

async function settle(deps: KernelDeps, note: Note, nowMs: number, probe: Probe): Promise<void> {
  const { key } = claimOf(note, nowMs).identity;
  const recheck = () => Promise.resolve({ kind: 'go' } as const);
  await resolve(deps, { key, deadlineMs: nowMs + 5000, recheck, probeFor: () => probe }).catch(() => null);
}

/** The read-back: the effect log of the business system, asked by the value that was written. */
function probeOf(applied: ReadonlyMap<string, number>): Probe {
  return ({ call }) => {
    const found = applied.has((call.input as Note).text);
    return Promise.resolve(found ? { kind: 'equal', data: { ok: true }, records: [] } : { kind: 'absent' });
  };
}

/** Runs every fault under both and prints duplicates beside each other. Returns ours. */
export async function measureFaults(
  endpoint: string,
  tables: { readonly actions: string; readonly state: string },
): Promise<number> {
  const rows: string[][] = [];
  let ours = 0;
  for (const fault of faults) {
    const theirs = await underPowertools(endpoint, tables.state, fault);
    const own = await underOurs(endpoint, tables.actions, fault);
    ours += own.duplicates + own.lost;
    rows.push([
      fault,
      String(theirs.duplicates),
      String(own.duplicates),
      String(theirs.lost),
      String(own.lost),
      String(theirs.errors),
      String(own.errors),
    ]);
  }
  const head = ['fault in the first call', 'duplicates P', 'ours', 'lost P', 'ours', 'errors P', 'ours'];
  printTable(`${intents} intents, each asked for ${repeats} times (P: Powertools)`, head, rows);
  return ours;
}
