import type { Clock } from '../../../shared/model/clock.ts';
import { createEffectLog } from './effect-log.ts';
import { openPortal, type Values } from './hubspot/portal.ts';
import { seedPortal } from './hubspot/seed.ts';
import { noStateFile } from './state-file.ts';

/** One record of the simulated HubSpot portal: its id there and its properties. */
export type SimulatedRecord = readonly [id: string, values: Values];

/**
 * The people and companies of all simulated systems, as the HubSpot simulator of the same seed knows them: every other
 * simulator seeds them under ids and spellings of its own, so that they can be recognised and not simply joined.
 */
export function simulatedPeople(input: { readonly clock: Clock; readonly seed: number }): {
  readonly contacts: readonly SimulatedRecord[];
  readonly companies: readonly SimulatedRecord[];
} {
  const portal = openPortal({
    ...{ portalId: 1, accountType: 'SANDBOX', searchLagMs: 0, clock: input.clock, file: noStateFile },
    effects: createEffectLog(noStateFile),
  });
  seedPortal(portal, input.seed);
  const list = (type: 'contacts' | 'companies') =>
    [...portal.objects[type].values()].map(({ id, properties }) => [id, properties] as const);
  return { contacts: list('contacts'), companies: list('companies') };
}
