import {
  type SalesforceOptions,
  type SalesforceSimulator,
  startSalesforce,
} from '../../infra/local/systems/salesforce/start.ts';
import { systemSchema } from '../../shared/config/schema.ts';
import { operationById } from '../../shared/connectors/salesforce/operations.ts';
import { systemClock } from '../../shared/model/clock.ts';
import { callJson } from './answers.ts';
import { plainSenderTo, systemWorld } from './system-world.ts';

const token = 'local-static-token';

/** The API version the tests speak. */
export const apiVersion = '62.0';

/**
 * A simulated Salesforce organization on a free port, with limits that do not get in the way. Close it in `afterEach` or
 * `afterAll`.
 * @param options anything to have otherwise; `seeded` is false unless asked for
 */
export function startTestSalesforce(options: Partial<SalesforceOptions> = {}): Promise<SalesforceSimulator> {
  return startSalesforce({ port: 0, seed: 1, clock: systemClock, seeded: false, dailyCalls: 1_000_000, ...options });
}

/** One JSON request to a simulated organization; the body of the answer parsed where it is JSON. */
export function callSalesforce(
  salesforce: { readonly url: string },
  method: string,
  path: string,
  body?: unknown,
  headers: Readonly<Record<string, string>> = {},
) {
  const base = path.startsWith('/') ? '' : `/services/data/v${apiVersion}/`;
  return callJson(salesforce.url + base + path, method, body, { authorization: `Bearer ${token}`, ...headers });
}

/** A sender to a simulated organization. */
export const senderTo = (salesforce: { readonly url: string }) => plainSenderTo(salesforce, `Bearer ${token}`);

/** The configured system of the tests. */
export const salesforceConfig = systemSchema.parse({
  connector: 'salesforce',
  owner: 'revops',
  account: { organizationId: '00D000000000001EAA', is: 'sandbox' },
  apiVersion,
  origin: 'https://plumbline-test.my.salesforce.com',
  auth: { grant: 'bearer', secret: 's' },
  limits: [{ calls: 15_000, per: 'day' }],
});

/** The real kernel over memory against a simulated organization; both live by one clock that moves only when told. */
export function salesforceWorld(options: Partial<SalesforceOptions> = {}) {
  return systemWorld({
    ...{ name: 'salesforce', config: salesforceConfig, operations: operationById, senderTo },
    start: (clock) => startTestSalesforce({ clock, ...options }),
  });
}

export type SalesforceWorld = Awaited<ReturnType<typeof salesforceWorld>>;
