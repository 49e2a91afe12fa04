import { type StripeOptions, type StripeSimulator, startStripe } from '../../infra/local/systems/stripe/start.ts';
import { systemSchema } from '../../shared/config/schema.ts';
import { operationById } from '../../shared/connectors/stripe/operations.ts';
import { systemClock } from '../../shared/model/clock.ts';
import { answerOf } from './answers.ts';
import { plainSenderTo, systemWorld } from './system-world.ts';

/** The API version the tests speak. */
export const apiVersion = '2026-10-28.endive';
const token = 'local-static-token';

/**
 * A simulated Stripe account on a free port, with limits that do not get in the way. Close it in `afterEach` or `afterAll`.
 * @param options anything to have otherwise; `seeded` is false unless asked for
 */
export function startTestStripe(options: Partial<StripeOptions> = {}): Promise<StripeSimulator> {
  const quiet = { perSecond: 100_000, searchLagMs: 0, seeded: false };
  return startStripe({ port: 0, seed: 1, clock: systemClock, ...quiet, ...options });
}

/** One form request to a simulated account; the body of the answer parsed where it is JSON. */
export async function callStripe(
  stripe: { readonly url: string },
  method: string,
  path: string,
  params: Readonly<Record<string, string>> = {},
  headers: Readonly<Record<string, string>> = {},
) {
  const form = new URLSearchParams(params);
  const isGet = method === 'GET';
  return answerOf(
    await fetch(`${stripe.url}${path}${isGet && form.size > 0 ? `?${form}` : ''}`, {
      method,
      headers: { authorization: `Bearer ${token}`, ...headers },
      ...(isGet || form.size === 0 ? {} : { body: form }),
    }),
  );
}

/** A sender to a simulated account. */
export const senderTo = (stripe: { readonly url: string }) => plainSenderTo(stripe, `Bearer ${token}`);

/** The configured system of the tests. */
export const stripeConfig = systemSchema.parse({
  connector: 'stripe',
  owner: 'billing',
  account: { accountId: 'acct_1SimulatedPlumbline', is: 'sandbox' },
  apiVersion,
  auth: { grant: 'bearer', secret: 's' },
  limits: [{ calls: 25, per: 'second' }],
});

/** The real kernel over memory against a simulated account; both live by one clock that moves only when told. */
export function stripeWorld(options: Partial<StripeOptions> = {}) {
  return systemWorld({
    ...{ name: 'stripe', config: stripeConfig, operations: operationById, senderTo },
    start: (clock) => startTestStripe({ clock, ...options }),
  });
}

export type StripeWorld = Awaited<ReturnType<typeof stripeWorld>>;
