import { describe, expect, it } from 'vitest';
import type { EffectLog } from '../../infra/local/systems/effect-log.ts';
import type { FaultSpec } from '../../infra/local/systems/faults.ts';
import { execute } from '../../shared/action/execute.ts';
import type { Operation, PlannedCall } from '../../shared/model/operation.ts';
import { claimOf, type SystemWorld, settle } from './system-world.ts';

type FaultWorld = SystemWorld & {
  readonly simulator: { readonly effects: EffectLog; addFault(spec: FaultSpec): unknown };
};

/** Faults by what they do to a write. */
export type Faults = Readonly<Record<string, FaultSpec>>;

/** The writes of one system in the world of the test that runs. */
export type WritesInput = {
  readonly world: () => FaultWorld;
  /** Plans each write on records that it makes for it. A name is that of the operation, and more after a blank. */
  readonly plans: Readonly<Record<string, () => PlannedCall | Promise<PlannedCall>>>;
  /** Which of the system's requests is the write. */
  readonly isWrite: (name: string) => FaultSpec['match'];
};

/** Claims writes and lets them meet faults; the log of effects judges. */
export function writesUnderFaults({ world, plans, isWrite }: WritesInput) {
  /** Plans a write and claims it; what was made for it does not show among the effects. */
  const planned = async (name: string) => {
    const call = await plans[name]?.();
    if (!call) throw new Error(name);
    const request = await claimOf(world(), call);
    world().simulator.effects.clear();
    return { call, request, key: request.identity.key };
  };
  return {
    names: Object.keys(plans),
    world,
    planned,
    /** Plans a write, breaks the next request that makes it, and executes it. */
    async meet(name: string, fault: FaultSpec) {
      const one = await planned(name);
      world().simulator.addFault({ ...fault, match: isWrite(name) });
      return { ...one, first: await execute(world().kernel, one.request) };
    },
    applied: () => world().simulator.effects.effects().length,
  };
}

/** What {@link writesUnderFaults} makes. */
export type WritesUnderFaults = ReturnType<typeof writesUnderFaults>;

/** The test that no write of a connector is left out. */
export function itIsRunForEveryWrite(operations: Iterable<Operation>, names: readonly string[]): void {
  const snake = (text: string) => text.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  it('is run for every write there is', () => {
    const all = [...operations].filter(({ kind }) => kind === 'write').map(({ id }) => id.replace(/^[^.]+\./, ''));
    expect(all.sort()).toEqual([...new Set(names.map((name) => snake(name.split(' ')[0] ?? '')))].sort());
  });
}

/**
 * The tests that each write takes effect once, whatever it meets.
 * @param made how many records a write makes, where it is not one
 */
export function itTakesEffectOnce(
  { names, world, meet, applied }: WritesUnderFaults,
  faults: Faults,
  made: (name: string) => number = () => 1,
): void {
  describe.each(names)('%s takes effect exactly once', (name) => {
    it.each(Object.entries(faults))('after %s, and a repeat is answered and not sent', async (_what, fault) => {
      const { request, key } = await meet(name, fault);
      expect([(await settle(world(), key)).state, applied()]).toEqual(['SUCCEEDED', made(name)]);
      const repeat = await execute(world().kernel, { ...request, deadlineMs: world().clock.now() + 20_000 });
      expect([repeat.outcome.kind, applied()]).toEqual(['replayed', made(name)]);
    });
  });
}

const readBacks: Faults = {
  'a failing server': { kind: 'server_error' },
  'a page that says 404': { kind: 'html_error', status: 404 },
  'a connection that ends': { kind: 'reset' },
  'a limit': { kind: 'rate_limited' },
};

/** The tests that a write whose answer was lost is sent once, whatever its read-back meets. Reads are those with GET. */
export function itIsNotSentAgain(
  { names, world, meet, applied }: WritesUnderFaults,
  made: (name: string) => number = () => 1,
): void {
  describe.each(names)('%s whose answer was lost is not sent again', (name) => {
    it.each(Object.entries(readBacks))('where its read-back meets %s', async (_what, fault) => {
      const { key } = await meet(name, { kind: 'commit_then_lose_response' });
      world().simulator.addFault({ ...fault, match: { method: 'GET' }, times: 3 });
      const record = await settle(world(), key);
      expect([record.state, applied(), record.attempts]).toEqual(['SUCCEEDED', made(name), 1]);
    });
  });
}
