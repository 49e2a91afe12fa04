import { testIdentity } from './kernel.ts';

/** What a process of this test is to do; sent to it as its first message. */
export type BatchJob = {
  readonly endpoint: string;
  readonly table: string;
  readonly hubspot: string;
  /** The contacts to repair; each is one action that can never be new again. */
  readonly ids: readonly string[];
  /** The contact that gets a value which HubSpot refuses. */
  readonly bad: string | null;
  /** `repair`: executes all repairs. `work`: works on what they left open until nothing is. */
  readonly mode: 'repair' | 'work';
  /** By how much this process's clock is ahead, milliseconds: the time that leases and proofs need has passed for it. */
  readonly aheadMs: number;
  /** Where the process kills itself: at this write to the store after this many answers of HubSpot. */
  readonly dieAt: { readonly answers: number; readonly writes: number } | null;
};

/** What it says when it is done: how many repairs ended how. */
export type BatchReport = { readonly outcomes: Readonly<Record<string, number>>; readonly writes: number };

/** The identity of one repair: whoever repeats it means the same. */
export function repairIdentity(id: string) {
  return testIdentity({
    ...{ principal: 'service:sync', actionType: 'repair', occasion: 'ever', natural: ['repair', id] },
    ...{ target: ['hubspot', 'contact', id], identifying: { id }, input: { id } },
  });
}
