import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { issueKey } from '../../shared/auth/api-keys.ts';
import type { ApiKeyStore } from '../../shared/auth/ports.ts';
import { dynamoApiKeyStore } from '../../shared/aws/api-key-store.ts';
import { controlStore } from '../../shared/aws/control-store.ts';
import type { PlumblineConfig } from '../../shared/config/schema.ts';
import type { Clock, Random } from '../../shared/model/clock.ts';
import { changeControl } from '../../shared/policy/control.ts';
import type { ControlStore } from '../../shared/policy/ports.ts';
import type { SecretFile } from './aws/secret-store.ts';
import { credentialOf, type InstallSecrets } from './install-secrets.ts';
import { writePrivateFile } from './state-dir.ts';

/** Writes the secrets that config/ names, where they are not there yet: what a running system rotated stays. */
export function seedSecrets(file: SecretFile, config: PlumblineConfig, secrets: InstallSecrets, random: Random): void {
  const put = (name: string, value: string) => {
    if (file.exists(name)) return;
    file.create(name);
    const versionId = Buffer.from(random(16)).toString('hex');
    file.put(name, { versionId, value, stages: ['AWSCURRENT'] });
  };
  const signing = (name: string) => `whsec_${Buffer.from(secrets.webhookSecret(name), 'hex').toString('base64')}`;
  for (const { endpoint } of Object.values(config.agents)) if (endpoint) put(endpoint.secret, signing(endpoint.secret));
  const handles = config.policies.events?.handleSecret;
  if (handles !== undefined) put(handles, secrets.webhookSecret(handles));
  for (const { auth, webhooks } of Object.values(config.systems)) {
    put(auth.secret, credentialOf(secrets, auth));
    for (const { scheme, secret } of Object.values(webhooks)) {
      put(secret, scheme === 'standard-webhooks' ? signing(secret) : secrets.webhookSecret(secret));
    }
  }
}

/** Writes the control item where there is none: nothing is switched off, and the item names its table. */
export async function seedControl(client: DynamoDBClient, tableName: string): Promise<void> {
  const store = controlStore(client, tableName);
  if ((await store.read()) !== null) return;
  const none = { systemsOff: {}, toolsOff: {}, agentsPaused: {}, runsPaused: {}, keysRevoked: {} };
  await store.write({ names: tableName, version: 1, allOff: null, ...none }, 0);
}

const keyLifeMs = 90 * 86_400_000;

/**
 * A working API key of every agent of config/agents.yaml, kept in a file that only its owner can read: the ones of an earlier
 * start where they still work, new ones otherwise. Throws where the control item is switched off and no key can be replaced.
 */
export async function seedAgentKeys(
  deps: { readonly client: DynamoDBClient; readonly clock: Clock; readonly random: Random },
  input: {
    readonly stateTable: string;
    readonly controlTable: string;
    readonly config: PlumblineConfig;
    readonly directory: string;
  },
): Promise<Readonly<Record<string, string>>> {
  const file = join(input.directory, 'agent-keys.json');
  const known = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Record<string, string>) : {};
  const keys = dynamoApiKeyStore({ client: deps.client, table: input.stateTable });
  const control = controlStore(deps.client, input.controlTable);
  const working: Record<string, string> = {};
  for (const agent of Object.keys(input.config.agents)) {
    const keyId = /^pl_(key_[a-z0-9]+)_/.exec(known[agent] ?? '')?.[1];
    const record = keyId === undefined ? null : await keys.get(keyId);
    const revoked = keyId !== undefined && Object.hasOwn((await control.read())?.keysRevoked ?? {}, keyId);
    const lives = record !== null && !revoked && record.expiresAtMs > deps.clock.now() + 86_400_000;
    working[agent] = lives ? (known[agent] ?? '') : await issueOrReplace({ ...deps, keys, control }, agent);
  }
  writePrivateFile(file, JSON.stringify(working, null, 2));
  return working;
}

/** Issues a key. Where the agent has two live ones and nobody knows their secrets any more, the older one is revoked for it. */
async function issueOrReplace(
  deps: { readonly keys: ApiKeyStore; readonly control: ControlStore; readonly clock: Clock; readonly random: Random },
  agent: string,
): Promise<string> {
  const { keys, control, clock } = deps;
  const issue = () => issueKey({ ...deps, control: () => control.read() }, { agent, lifeMs: keyLifeMs });
  const first = await issue();
  if (first.kind === 'issued') return first.key;
  const live = (await keys.list(agent)).filter(({ keyId }) => first.live.includes(keyId));
  const oldest = live.reduce((one, other) => (other.createdAtMs < one.createdAtMs ? other : one));
  await changeControl(control, clock.now(), (item) => {
    const by = 'service:local';
    const reason = `Replaced: agent-keys.json held no working key of ${agent}.`;
    const revoked = { by, atMs: clock.now(), reason, untilMs: oldest.expiresAtMs };
    return { ...item, keysRevoked: { ...item.keysRevoked, [oldest.keyId]: revoked } };
  });
  const second = await issue();
  if (second.kind === 'issued') return second.key;
  throw new Error(`No key of ${agent} could be issued: two are live. Revoke one at the operator door and start again.`);
}
