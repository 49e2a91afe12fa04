import { describe, expect, it } from 'vitest';
import { feeds } from '../../shared/connectors/erpnext/feed.ts';
import type { Json } from '../../shared/model/json.ts';

const feed = feeds.customers;
if (!feed) throw new Error('no such feed');

/** Where the next walk begins after one that saw these versions last. */
function sinceAfter(...versions: readonly string[]): string {
  const results = versions.map((version, i) => ({ id: `C${i}`, version }));
  const { next } = feed?.read({ results, after: null } as Json, feed.begin(0)) ?? {};
  return String(feed?.again(next ?? {}, 120_000).since);
}

describe('a walk over what changed on a site', () => {
  it('begins a little before what was seen last', () => {
    expect(sinceAfter('2026-10-24 14:30:00.000000')).toBe('2026-10-24 14:28:00.000000');
  });

  it.each([
    ['2026-10-25 02:59:59.500000', '2026-10-25 02:01:00.000000'],
    ['2026-11-01 01:59:00.000000', '2026-11-01 01:00:00.000000'],
    ['2026-10-25 00:59:00.000000', '2026-10-25 00:00:00.000000'],
    ['2026-04-04 23:59:00.000000', '2026-04-04 23:00:00.000000'],
  ])('sees again what changes after clocks at %s were put back by an hour', (last, changed) => {
    expect(sinceAfter('2026-10-24 14:30:00.000000', last) <= changed).toBe(true);
  });
});
