import { refreshTokenIn } from '../../shared/auth/grants.ts';
import type { SecretStore } from '../../shared/auth/ports.ts';
import type { RefreshSystem } from '../../shared/auth/refresh.ts';
import { staticCredential } from '../../shared/auth/static-credential.ts';
import { newVersionId } from '../../shared/auth/token-record.ts';
import type { SystemConfig } from '../../shared/config/schema.ts';
import type { Credential } from '../../shared/connectors/credentials.ts';
import type { Clock, Random } from '../../shared/model/clock.ts';
import type { Consent, ConsentInput } from './consent.ts';
import { type FirstTokenDeps, firstToken } from './first-token.ts';
import type { Identity } from './identity.ts';
import { type Question, questionsOf, shapedSecret } from './secret-form.ts';

/** What connecting a system needs. */
export type ConnectDeps = FirstTokenDeps & {
  readonly secrets: Pick<SecretStore, 'current'>;
  readonly store: (input: { name: string; value: string; versionId: string }) => Promise<'created' | 'replaced'>;
  /** Reads what a person types or pipes in. */
  readonly read: (questions: readonly Question[]) => Promise<string>;
  readonly consent: (input: Omit<ConsentInput, 'port' | 'show'>) => Promise<Consent>;
  readonly identity: (credential: Credential) => Promise<Identity>;
  /** Lets the running stage use a new grant now; false where it has no token from it yet. */
  readonly renew: () => Promise<boolean>;
  readonly print: (line: string) => void;
  readonly clock: Clock;
  readonly random: Random;
};

/** The system to connect; `settings` where a token endpoint issues its tokens. */
export type ConnectInput = {
  readonly system: string;
  readonly config: SystemConfig;
  readonly settings: RefreshSystem | undefined;
  /** The provider's consent page; null where a person brings the credential. */
  readonly authorizeUrl: string | null;
};

/**
 * Gets the credential of one system in: asks the person for it, or for their consent at the provider; presents it once; stores
 * it where it is taken; and says who it is by the system's own word. Nothing is printed of a secret but its name and version.
 * @returns the exit code: 0 where the credential is stored and as configured
 */
export async function connectSystem(deps: ConnectDeps, input: ConnectInput): Promise<number> {
  const { config, system } = input;
  const { print } = deps;
  const stored = await deps.secrets.current(config.auth.secret);
  const given = await collect(deps, input, stored[0]?.value ?? null);
  if (given.kind === 'wrong') return failed(print, given.why);
  const known = stored.map(({ value }) => refreshTokenIn(value)).filter((one) => one !== null);
  if (!given.consent && known.includes(refreshTokenIn(given.value) ?? '')) {
    return failed(
      print,
      'This refresh token is the stored one. Using it here could end the connection it keeps alive.',
    );
  }
  const versionId = newVersionId(deps.random);
  const ready = await present(deps, input, { ...given, assertionId: versionId });
  if (ready.kind === 'wrong') return failed(print, ready.why);
  // A static key can be shown before it is stored; what the provider has just issued is stored at once.
  const before = input.settings === undefined ? await deps.identity(ready.credential) : null;
  if (before?.isRefused) return failed(print, 'The system does not accept this credential.');
  const name = config.auth.secret;
  const done = await deps.store({ name, value: ready.value, versionId });
  print(`${system}: ${done} ${name}, version ${versionId}`);
  if (input.settings !== undefined && !(await deps.renew())) {
    print('The stage has no token from it yet; GET /v1/credentials says how it goes on.');
  }
  const { lines, isRed } = before ?? (await deps.identity(ready.credential));
  for (const line of lines) print(`  ${line}`);
  return isRed ? 1 : 0;
}

function failed(print: ConnectDeps['print'], why: string): number {
  print(why);
  print('Nothing was stored.');
  return 1;
}

type Wrong = { readonly kind: 'wrong'; readonly why: string };
type Given = {
  readonly kind: 'ok';
  readonly value: string;
  readonly consent: Extract<Consent, { kind: 'agreed' }> | null;
};

async function collect(deps: ConnectDeps, input: ConnectInput, stored: string | null): Promise<Given | Wrong> {
  const { auth, scopes } = input.config;
  if (input.authorizeUrl === null) {
    const shaped = shapedSecret(auth, await deps.read(questionsOf(auth, false)));
    return shaped.kind === 'ok' ? { ...shaped, consent: null } : shaped;
  }
  // The client that is stored already is asked for only once.
  const text = clientIn(stored) ?? (await deps.read(questionsOf(auth, true)));
  const client = clientIn(text);
  if (client === null) return { kind: 'wrong', why: 'This needs a JSON object with client_id, client_secret.' };
  const { client_id: clientId } = JSON.parse(client) as { client_id: string };
  const consent = await deps.consent({ authorizeUrl: input.authorizeUrl, clientId, scopes });
  if (consent.kind === 'agreed') return { kind: 'ok', value: client, consent };
  return { kind: 'wrong', why: `There was no consent (${consent.reason}).` };
}

/** The client of an app in a secret's value, as it is or beside a refresh token. */
function clientIn(value: string | null): string | null {
  const shaped = value === null ? null : shapedSecret(clientOnly, value);
  return shaped?.kind === 'ok' ? shaped.value : null;
}

const clientOnly = {
  grant: 'client_credentials',
  clientAuth: 'body',
  secret: '-',
  tokenLifetime: 0,
  refresh: 'never',
} as const;

type Ready = { readonly kind: 'ok'; readonly value: string; readonly credential: Credential };

async function present(
  deps: ConnectDeps,
  { system, config, settings }: ConnectInput,
  given: Given & { readonly assertionId: string },
): Promise<Ready | Wrong> {
  if (settings !== undefined) {
    const first = await firstToken(deps, { system, settings, ...given });
    if (first.kind === 'failed') return { kind: 'wrong', why: first.why };
    return { kind: 'ok', value: first.value, credential: { headers: { authorization: `Bearer ${first.token}` } } };
  }
  const credential = 'refresh' in config.auth ? null : staticCredential(config.auth, given.value, deps.clock);
  return credential === null
    ? { kind: 'wrong', why: 'The value does not have the shape of its grant.' }
    : { kind: 'ok', value: given.value, credential };
}
