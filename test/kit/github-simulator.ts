import { type GithubOptions, type GithubSimulator, startGithub } from '../../infra/local/systems/github/start.ts';
import { systemSchema } from '../../shared/config/schema.ts';
import { operationById } from '../../shared/connectors/github/operations.ts';
import { systemClock } from '../../shared/model/clock.ts';
import { plainSenderTo, systemWorld } from './system-world.ts';

/** A simulated repository on a free port. Close it in `afterEach`. */
export function startTestGithub(options: Partial<GithubOptions> = {}): Promise<GithubSimulator> {
  return startGithub({ port: 0, clock: systemClock, ...options });
}

/** A sender to a simulated repository. */
export const githubSender = (github: { readonly url: string }, token = 'local-static-token') =>
  plainSenderTo(github, `Bearer ${token}`);

/** The configured system of the tests. */
export const githubConfig = systemSchema.parse({
  ...{ connector: 'github', owner: 'platform', account: { userId: 4711, is: 'sandbox' }, apiVersion: '2022-11-28' },
  ...{ auth: { grant: 'bearer', secret: 's' }, limits: [{ calls: 5000, per: 'hour' }] },
  webhooks: { code: { scheme: 'github', secret: 's', params: { repository: 'acme/widgets' } } },
});

/** The real kernel over memory against a simulated repository; both live by one clock that moves only when told. */
export function githubWorld(options: Partial<GithubOptions> = {}) {
  return systemWorld({
    ...{
      name: 'github',
      config: githubConfig,
      operations: operationById,
      senderTo: (to: GithubSimulator) => githubSender(to),
    },
    start: (clock) => startTestGithub({ clock, ...options }),
  });
}
