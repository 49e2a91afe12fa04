import type { CaseStore } from '../../shared/ledger/ports.ts';
import type { Case } from '../../shared/model/case.ts';
import { newId } from '../../shared/model/ids.ts';

/** Cases in memory; `cases` is every case in the order opened. */
export function memoryCaseStore(pageSize = 50): CaseStore & { readonly cases: readonly Case[] } {
  const cases: Case[] = [];
  const openByKey = new Map<string, string>();
  let count = 0;
  const random = (size: number) => {
    count += 1;
    return new Uint8Array(size).fill(count % 256, size - 1).fill(Math.floor(count / 256), size - 2, size - 1);
  };
  const replace = (next: Case) => {
    cases[cases.findIndex((one) => one.caseId === next.caseId)] = next;
  };
  const resolve: CaseStore['resolve'] = async (caseId, resolution) => {
    const found = cases.find((one) => one.caseId === caseId);
    if (found?.state !== 'OPEN') return 'lost';
    replace({ ...found, state: 'RESOLVED', resolution });
    for (const [key, id] of openByKey) if (id === caseId) openByKey.delete(key);
    return 'resolved';
  };
  return {
    cases,
    resolve,
    open: async ({ dedupeKey, dueInMs, ...opening }, nowMs) => {
      const open = cases.find((one) => one.caseId === openByKey.get(dedupeKey));
      if (open) return open;
      const caseId = newId('case', nowMs, random);
      const times = { openedAtMs: nowMs, dueAtMs: nowMs + dueInMs, escalatedAtMs: null };
      const made: Case = { ...opening, caseId, state: 'OPEN', ...times, resolution: null };
      cases.push(made);
      openByKey.set(dedupeKey, caseId);
      return made;
    },
    get: async (caseId) => cases.find((one) => one.caseId === caseId) ?? null,
    list: async ({ state, owner, cursor }) => {
      const found = cases
        .filter((one) => one.state === state && (owner === undefined || one.owner === owner))
        .sort((a, b) => a.dueAtMs - b.dueAtMs);
      const from = cursor === null ? 0 : Number(cursor);
      const to = from + pageSize;
      return { cases: found.slice(from, to), cursor: to < found.length ? String(to) : null };
    },
    escalate: async (caseId, nowMs) => {
      const found = cases.find((one) => one.caseId === caseId);
      if (found?.state !== 'OPEN' || found.escalatedAtMs !== null) return 'lost';
      replace({ ...found, escalatedAtMs: nowMs });
      return 'escalated';
    },
    settle: async (dedupeKey, resolution) => {
      const caseId = openByKey.get(dedupeKey);
      if (caseId !== undefined) await resolve(caseId, resolution);
    },
  };
}
