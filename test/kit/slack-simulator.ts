import type { documentedLimits } from '../../infra/local/systems/slack/limits.ts';
import { type SlackOptions, type SlackSimulator, startSlack } from '../../infra/local/systems/slack/start.ts';
import { systemSchema } from '../../shared/config/schema.ts';
import { operationById } from '../../shared/connectors/slack/operations.ts';
import { systemClock } from '../../shared/model/clock.ts';
import { answerOf } from './answers.ts';
import { plainSenderTo, systemWorld } from './system-world.ts';

const token = 'local-static-token';

/** Limits that do not get in the way. */
export const noLimits = {
  perMinute: { 1: 1e6, 2: 1e6, 3: 1e6, 4: 1e6, special: 1e6 },
  burst: 1e6,
} satisfies typeof documentedLimits;

/** A simulated workspace on a free port with two channels, `C0GENERAL` and `C0SUPPORT`. Close it in `afterEach`. */
export function startTestSlack(options: Partial<SlackOptions> = {}): Promise<SlackSimulator> {
  const quiet = { limits: noLimits, searchLagMs: 0, seeded: false };
  return startSlack({ port: 0, seed: 1, clock: systemClock, ...quiet, ...options });
}

/** One call of a method as a form; the parsed answer. */
export async function callSlack(
  slack: { readonly url: string },
  method: string,
  args: Readonly<Record<string, string>> = {},
  as: string = token,
) {
  return answerOf(
    await fetch(`${slack.url}/api/${method}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${as}` },
      body: new URLSearchParams(args),
    }),
  );
}

/** A sender to a simulated workspace. */
export const slackSender = (slack: { readonly url: string }) => plainSenderTo(slack, `Bearer ${token}`);

/** The configured system of the tests. */
export const slackConfig = systemSchema.parse({
  connector: 'slack',
  owner: 'platform',
  account: { teamId: 'T0PLUMBLINE', is: 'sandbox' },
  apiVersion: 'v2',
  auth: { grant: 'bearer', secret: 's' },
  limits: [{ calls: 50, per: 'minute' }],
});

/** The real kernel over memory against a simulated workspace; both live by one clock that moves only when told. */
export function slackWorld(options: Partial<SlackOptions> = {}) {
  return systemWorld({
    name: 'slack',
    config: slackConfig,
    operations: operationById,
    senderTo: slackSender,
    start: (clock) => startTestSlack({ clock, ...options }),
  });
}

export type SlackWorld = Awaited<ReturnType<typeof slackWorld>>;
