import type { Clock } from '../../../../shared/model/clock.ts';
import { createEffectLog } from '../effect-log.ts';
import { createFaultBook, type Fault, type FaultBook } from '../faults.ts';
import type { SimAnswer, SimRequest } from '../loopback-server.ts';
import { logged, runSimulator, type Simulator } from '../simulator.ts';
import { noStateFile, openStateFile } from '../state-file.ts';
import { adminRoute } from './admin.ts';
import type { Order, Portal } from './portal.ts';
import { apiRoute, ok, PortalError } from './routes.ts';
import { seedArticles, seedOrders, seedShipTos } from './seed.ts';

/** How the simulated portal is set up. Everything but port, seed and clock has a default. */
export type PortalOptions = {
  /** 0 takes a free one. */
  readonly port: number;
  readonly seed: number;
  readonly clock: Clock;
  /** Keeps the orders in `portal.sqlite` there; absent: in memory only. */
  readonly stateDir?: string;
  /** The key it expects as `api_key` in the query. */
  readonly key?: string;
  readonly customerNo?: string;
  readonly environment?: 'TEST' | 'LIVE';
  /** False starts without orders. */
  readonly seeded?: boolean;
};

/** A running simulated portal. */
export type PortalSimulator = Simulator & {
  readonly portal: Portal;
};

type Deps = { readonly portal: Portal; readonly faults: FaultBook; readonly key: string };

/**
 * Starts a supplier portal on 127.0.0.1 as bad as real ones are: its key stands in the query, it answers 200 to everything and
 * HTML when it breaks, knows no repeat, writes times without a zone, and pages by offset over rows that move.
 */
export async function startPortal(options: PortalOptions): Promise<PortalSimulator> {
  const { clock, stateDir } = options;
  const file = stateDir === undefined ? noStateFile : openStateFile(stateDir, 'portal');
  const effects = createEffectLog(file);
  const portal: Portal = {
    ...{ clock, file, effects, articles: seedArticles(), shipTos: seedShipTos(clock, options.seed) },
    customerNo: options.customerNo ?? 'C-4711',
    environment: options.environment ?? 'TEST',
    orders: new Map(file.load<Order>('order').map((order) => [order.order_no, order])),
    knobs: { renamed: new Map(), shownTwice: new Set(), doubled: 0 },
  };
  if (options.seeded !== false && portal.orders.size === 0) file.atomically(() => seedOrders(portal));
  const faults = createFaultBook();
  const deps: Deps = { portal, faults, key: options.key ?? 'local-static-token' };
  const simulator = await runSimulator({
    ...{ port: options.port, state: portal, faults },
    handle: (request) => handle(deps, request),
  });
  return { ...simulator, portal };
}

async function handle(deps: Deps, request: SimRequest): Promise<SimAnswer> {
  const { portal, faults } = deps;
  if (request.path.startsWith('/_')) return adminRoute(deps, request);
  const query = new URLSearchParams(request.query);
  query.delete('api_key');
  return logged({ state: portal, faults }, { ...request, query }, (fault) => faulty(deps, request, fault));
}

async function faulty(deps: Deps, request: SimRequest, fault: Fault | null): Promise<SimAnswer> {
  const { clock } = deps.portal;
  if (fault?.kind === 'reset') return 'drop';
  if (fault?.kind === 'rate_limited') return text(429, 'SLOW DOWN', { 'retry-after': '2' });
  if (fault?.kind === 'fail_before_commit') return html(fault.status ?? 500);
  if (fault?.kind === 'html_error' && !fault.afterCommit) return html(fault.status ?? 200);
  if (fault?.kind === 'server_error' && !fault.afterCommit) return html(fault.status ?? 500);
  if (fault?.kind === 'slow' && !fault.afterCommit) await clock.sleep(fault.ms);
  const answer = answered(deps, request);
  if (fault?.kind === 'slow' && fault.afterCommit) await clock.sleep(fault.ms);
  if (fault?.kind === 'commit_then_lose_response') return 'drop';
  if (fault?.kind === 'html_error') return html(fault.status ?? 200);
  return fault?.kind === 'server_error' ? html(fault.status ?? 500) : answer;
}

function answered({ portal, key }: Deps, request: SimRequest): SimAnswer {
  try {
    if (request.segments[0] !== 'api') return html(404);
    if (request.query.get('api_key') !== key) throw new PortalError('E401', 'KEY IS NOT KNOWN');
    return portal.file.atomically(() => apiRoute(portal, request));
  } catch (error) {
    if (!(error instanceof PortalError)) throw error;
    return ok(portal, { result: 'ERROR', error: { code: error.code, text: error.message } });
  }
}

function text(status: number, bodyText: string, headers: Readonly<Record<string, string>> = {}): SimAnswer {
  return { status, headers: { 'content-type': 'text/plain', ...headers }, bodyText };
}

function html(status: number): SimAnswer {
  const bodyText = '<html><body><h1>Er is een fout opgetreden</h1><p>Probeer het later opnieuw.</p></body></html>';
  return { status, headers: { 'content-type': 'text/html' }, bodyText };
}
