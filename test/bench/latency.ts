import { ms, percentiles, printTable, timed } from './measure.ts';
import type { Note, Variant } from './variants.ts';

/** What one variant needed for one kind of call. */
type Figures = { readonly requests: number; readonly samples: number[] };

/** How many calls each variant makes in each round, and how many rounds. */
export type Load = { readonly rounds: number; readonly callsPerRound: number; readonly of: string };

/**
 * Runs all variants interleaved, call by call, in one process against one endpoint: noise of the machine meets all alike.
 * A first call carries a new note; its replay follows later in the same round.
 */
export async function measureLatency(variants: readonly Variant[], load: Load) {
  const first = new Map<Variant, Figures>(variants.map((variant) => [variant, { requests: 0, samples: [] }]));
  const replay = new Map<Variant, Figures>(variants.map((variant) => [variant, { requests: 0, samples: [] }]));
  for (let round = 0; round < load.rounds; round += 1) {
    const notes = Array.from(
      { length: load.callsPerRound },
      (_, i): Note => ({ contact: String(1001 + i), text: `${load.of}, round ${round}, note ${i}` }),
    );
    for (const [kind, figures] of [
      ['first', first],
      ['replay', replay],
    ] as const) {
      for (const note of notes) {
        for (const variant of rotated(variants, round)) await once(variant, note, kind, figures);
      }
    }
  }
  return { first, replay };
}

async function once(variant: Variant, note: Note, _kind: string, figures: Map<Variant, Figures>): Promise<void> {
  const before = variant.requests();
  const { ms: took } = await timed(() => variant.run(note));
  const row = figures.get(variant);
  if (!row) return;
  row.samples.push(took);
  figures.set(variant, { requests: row.requests + variant.requests() - before, samples: row.samples });
}

/** No variant always comes first. */
function rotated<T>(list: readonly T[], by: number): readonly T[] {
  const at = by % list.length;
  return [...list.slice(at), ...list.slice(0, at)];
}

/** Prints requests a call and what each variant adds to the bare handler. */
export function printLatency(
  title: string,
  figures: Map<Variant, Figures>,
): { added: Map<string, number>; requests: Map<string, number> } {
  const base = percentiles([...figures.values()][0]?.samples ?? []);
  const added = new Map<string, number>();
  const requests = new Map<string, number>();
  const rows = [...figures].map(([variant, { requests: made, samples }]) => {
    const { p50, p99 } = percentiles(samples);
    added.set(variant.name, p50 - base.p50);
    requests.set(variant.name, made / samples.length);
    return [variant.name, (made / samples.length).toFixed(2), ms(p50), ms(p99), ms(p50 - base.p50), ms(p99 - base.p99)];
  });
  printTable(title, ['', 'requests', 'p50', 'p99', 'p50 added', 'p99 added'], rows);
  return { added, requests };
}
