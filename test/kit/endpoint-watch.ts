import type { SystemConfig } from '../../shared/config/schema.ts';
import { loadEndpointKeeper, loadOperation } from '../../shared/connectors/registry.ts';
import type { Sender } from '../../shared/connectors/sender.ts';
import { systemRandom } from '../../shared/model/clock.ts';
import { silentLog } from '../../shared/observe/json-log.ts';
import {
  type EndpointDeps,
  type EndpointState,
  type EndpointStore,
  keepEndpoints,
} from '../../shared/webhooks/keep-endpoints.ts';
import type { testClock } from './kernel.ts';
import { memoryCaseStore } from './memory-case-store.ts';
import { memoryLedgerStore } from './memory-ledger-store.ts';

/** A minute, milliseconds. */
export const minuteMs = 60_000;

/** States of endpoints in memory, with the rules of the port. */
function memoryEndpointStore(): EndpointStore & { readonly states: Map<string, EndpointState> } {
  const states = new Map<string, EndpointState>();
  return {
    states,
    get: async (id) => states.get(id) ?? null,
    write: async (next, expected) => {
      if ((states.get(next.id)?.epoch ?? 0) !== expected) return 'lost';
      states.set(next.id, structuredClone(next));
      return 'written';
    },
  };
}

/** The watch over the endpoints of one system, in memory, by a clock that moves only when told. */
export function endpointWatch(
  on: {
    readonly clock: ReturnType<typeof testClock>;
    readonly send: Sender;
    readonly name: string;
    readonly system: SystemConfig;
  },
  changes: Partial<EndpointDeps> = {},
) {
  const { clock, send, name, system } = on;
  const [endpoints, cases, ledger] = [memoryEndpointStore(), memoryCaseStore(), memoryLedgerStore()];
  const owners = { teams: { platform: { notify: [] } }, people: {} };
  const deps: EndpointDeps = {
    ...{ config: { owners, systems: { [name]: system } }, endpoints, cases, ledger, clock, send },
    ...{ loadEndpointKeeper, loadOperation, random: systemRandom, log: silentLog },
    ...{ publicOrigin: 'https://hooks.example.com', ...changes },
  };
  const watch = () => keepEndpoints(deps, clock.now() + minuteMs);
  /** The minutes of so much time, one run each. */
  const minutes = async (count: number) => {
    for (let n = 0; n < count; n += 1) {
      clock.advance(minuteMs);
      await watch();
    }
  };
  const open = () =>
    cases.cases.filter(({ state }) => state === 'OPEN').map(({ reason, facts }) => [reason, facts?.stands ?? null]);
  return { deps, endpoints, cases, ledger, watch, minutes, open };
}
