import { parseArgs } from 'node:util';
import { refreshSystems } from '../../shared/auth/refresh-systems.ts';
import { tokenEndpoint } from '../../shared/auth/token-endpoint.ts';
import { lambdaRefreshInvoker } from '../../shared/aws/refresh-invoker.ts';
import { awsSecretStore, secretsClient, storeSecret } from '../../shared/aws/secret-store.ts';
import { readAwsEnv } from '../../shared/config/env.ts';
import type { SystemConfig } from '../../shared/config/schema.ts';
import { loadConnector } from '../../shared/connectors/registry.ts';
import { tokenPlaces } from '../../shared/connectors/token-place.ts';
import { httpClient } from '../../shared/http/client.ts';
import { systemClock as clock, systemRandom as random } from '../../shared/model/clock.ts';
import { defaultStage, SettingsError } from '../settings.ts';
import { connectSystem } from './connect-system.ts';
import { askConsent } from './consent.ts';
import { identityOf } from './identity.ts';
import { readValue } from './read-value.ts';
import { type StageAccess, stageAccess } from './stage-access.ts';

/** Where a provider sends a person back to; its app must name it exactly. */
const usualPort = 8917;

const usage = `npm run connect -- <system> [--stage ${defaultStage}] [--port ${usualPort}] [--paste]
  Gets the credential of a system in: by consent at the provider where its authorizeUrl is configured (not with --paste), else
  from what you type or pipe in. A credential on the command line is refused: it would stay in your shell's history.`;

async function main(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { stage: { type: 'string' }, port: { type: 'string' }, paste: { type: 'boolean' } },
  });
  const [system = '', ...more] = positionals;
  if (system === '' || more.length > 0) throw new SettingsError(usage);
  const access = stageAccess(values.stage ?? defaultStage);
  const config = Object.hasOwn(access.config.systems, system) ? access.config.systems[system] : undefined;
  if (config === undefined) {
    const names = Object.keys(access.config.systems).join(', ');
    throw new SettingsError(`config/systems has no such system. There are: ${names}.`);
  }
  const port = Number(values.port ?? usualPort);
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    throw new SettingsError('--port takes a number up to 65535.');
  return connect(access, { system, config, port, paste: values.paste ?? false });
}

async function connect(
  access: StageAccess,
  input: { system: string; config: SystemConfig; port: number; paste: boolean },
): Promise<number> {
  const { system, config, port } = input;
  const { localOrigins } = access;
  const print = (line: string) => void process.stdout.write(`${line}\n`);
  print(`${system}, ${access.where}`);
  const http = httpClient({ clock, local: localOrigins !== undefined });
  const places = tokenPlaces({ systems: access.config.systems, loadConnector, localOrigins });
  const client = secretsClient();
  const show = (url: string, redirectUri: string) =>
    print(`Open this in your browser (the app at the provider must allow the redirect ${redirectUri}):\n${url}`);
  const invoker = lambdaRefreshInvoker({ functionName: access.refreshFunction, readEnv: readAwsEnv });
  // No version is as new as that: the refresher gets another token whatever it has, and finds the new grant.
  const renewed = () => invoker.refresh({ system, seenVersion: Number.MAX_SAFE_INTEGER });
  try {
    const deps = {
      ...{ clock, random, print, post: tokenEndpoint({ http, ...places }), originOf: places.originOf },
      secrets: awsSecretStore(client),
      store: (one: Parameters<typeof storeSecret>[1]) => storeSecret(client, one),
      read: (questions: Parameters<typeof readValue>[1]) =>
        readValue({ input: process.stdin, output: process.stdout }, questions),
      consent: (one: { authorizeUrl: string; clientId: string; scopes: readonly string[] }) =>
        askConsent({ random, clock }, { ...one, port, show }),
      identity: (credential: Parameters<typeof identityOf>[1]['credential']) =>
        identityOf({ ...access, http, clock }, { system, config, credential }),
      renew: () =>
        renewed().then(
          ({ kind }) => kind === 'version',
          () => false,
        ),
    };
    const settings = refreshSystems({ [system]: config })[system];
    const authorizeUrl = input.paste ? null : consentPage(config, localOrigins?.[system]);
    return await connectSystem(deps, { system, config, settings, authorizeUrl });
  } finally {
    http.close();
  }
}

/** The page where a person agrees: the simulator's own in the local target. */
function consentPage({ auth }: SystemConfig, localOrigin: string | undefined): string | null {
  if (auth.grant !== 'refresh_token' || auth.authorizeUrl === undefined) return null;
  return localOrigin === undefined ? auth.authorizeUrl : localOrigin + new URL(auth.authorizeUrl).pathname;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  const isKnown = error instanceof SettingsError || (error as NodeJS.ErrnoException).code?.startsWith('ERR_PARSE_ARGS');
  process.stderr.write(
    `${isKnown ? (error as Error).message : `Not connected: ${(error as Error).name}: ${(error as Error).message}`}\n`,
  );
  process.exitCode = 1;
}
// The consent's time limit would keep the process for its five minutes.
process.exit();
