import { createHmac } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { lambdaRefreshInvoker } from '../shared/aws/refresh-invoker.ts';
import { awsSecretStore, secretsClient } from '../shared/aws/secret-store.ts';
import { readAwsEnv } from '../shared/config/env.ts';
import { loadConfig } from '../shared/config/load.ts';
import type { PlumblineConfig } from '../shared/config/schema.ts';
import { projectDir } from './build.ts';
import { defaultStage, SettingsError, settingsOf, useEnvironment, verifyApiKey } from './settings.ts';

/** How a deployed stage is reached. */
type Access = {
  readonly agents: string;
  readonly webhooks: string;
  /** The address that webhook signatures cover. */
  readonly webhooksSigned: string;
  readonly apiKey: string;
  readonly refreshFunction: string;
  readonly config: PlumblineConfig;
};

type Check = readonly [name: string, run: (access: Access) => Promise<string>];

/** What a stage must do before it is trusted; each answers in words or throws. */
const checks: readonly Check[] = [
  ['one read', oneRead],
  ['a forged webhook', forgedWebhook],
  ['a true webhook', trueWebhook],
  ['a refresh', oneRefresh],
];

async function oneRead({ agents, apiKey }: Access): Promise<string> {
  const answer = await send(`${agents}/v1/tools/contact_find/calls`, JSON.stringify({ arguments: { email: nobody } }), {
    authorization: `Bearer ${apiKey}`,
  });
  const body = JSON.parse(answer.text) as { status?: string; error?: { code?: string }; code?: string };
  // Nobody has this address: the system said so itself, over the whole way there and back.
  if (body.error?.code === 'no_match') return 'contact_find asked the system, which knows no such contact';
  throw new Error(`contact_find answered ${answer.status} ${body.error?.code ?? body.code ?? body.status ?? ''}`);
}

const nobody = 'plumbline-verify@example.invalid';

async function forgedWebhook({ webhooks, config }: Access): Promise<string> {
  const { path } = channelOf(config);
  const answer = await send(`${webhooks}${path}`, '[]', {
    'x-hubspot-signature-v3': Buffer.from('forged').toString('base64'),
    'x-hubspot-request-timestamp': String(Date.now()),
  });
  if (answer.status === 401) return 'refused with 401';
  throw new Error(`answered ${answer.status} instead of 401`);
}

async function trueWebhook({ webhooks, webhooksSigned, config }: Access): Promise<string> {
  const { path, secret } = channelOf(config);
  const [current] = await awsSecretStore(secretsClient()).current(secret);
  if (!current) throw new Error(`the secret ${secret} does not exist`);
  // An empty batch is a true delivery in which nothing happened: it leaves no event behind.
  const [body, timestamp] = ['[]', String(Date.now())];
  const signed = `POST${webhooksSigned}${path}${body}${timestamp}`;
  const answer = await send(`${webhooks}${path}`, body, {
    'x-hubspot-signature-v3': createHmac('sha256', current.value).update(signed).digest('base64'),
    'x-hubspot-request-timestamp': timestamp,
  });
  if (answer.status >= 200 && answer.status < 300) return `acknowledged with ${answer.status}`;
  throw new Error(`answered ${answer.status} instead of 2xx`);
}

async function oneRefresh({ config, refreshFunction }: Access): Promise<string> {
  const system = Object.keys(config.systems).find((name) => 'refresh' in (config.systems[name]?.auth ?? {}));
  if (system === undefined) return 'no system has a grant that is refreshed';
  const invoker = lambdaRefreshInvoker({ functionName: refreshFunction, readEnv: readAwsEnv });
  const newerThan = async (seenVersion: number) => {
    const result = await invoker.refresh({ system, seenVersion });
    if (result.kind === 'version') return result.version;
    throw new Error(`${system}: ${result.kind}${result.kind === 'broken' ? ` (${result.code})` : ''}`);
  };
  const known = await newerThan(0);
  // Who has seen the newest version gets another one: this is the refresh.
  const next = await newerThan(known);
  if (next <= known) throw new Error(`${system} has version ${next} after version ${known}`);
  return `${system} went from token version ${known} to ${next}`;
}

function channelOf(config: PlumblineConfig): { readonly path: string; readonly secret: string } {
  for (const [system, { webhooks }] of Object.entries(config.systems)) {
    for (const [channel, { scheme, secret }] of Object.entries(webhooks)) {
      if (scheme === 'hubspot-v3') return { path: `/${system}/${channel}`, secret };
    }
  }
  throw new Error('no system of config/ has a webhook channel of the scheme hubspot-v3');
}

type Answer = { readonly status: number; readonly text: string };

async function send(url: string, body: string, headers: Record<string, string>): Promise<Answer> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body,
    redirect: 'manual',
    signal: AbortSignal.timeout(25_000),
  }).catch((cause: unknown) => {
    throw new Error(`${new URL(url).origin} does not answer`, { cause });
  });
  return { status: response.status, text: await response.text() };
}

/** What `npm start` writes for this command: addresses, a key, and where its AWS stand-ins listen. */
type LocalAccess = Pick<Access, 'agents' | 'webhooks' | 'apiKey'> & {
  readonly webhooksSigned?: string;
  readonly environment: Readonly<Record<string, string>>;
};

function accessOf(stage: string): Access {
  const settings = settingsOf(stage);
  const loaded = loadConfig(join(projectDir, 'config'));
  if (loaded.kind === 'problems') throw new SettingsError('config/ is not valid: npm run build says why.');
  const common = { refreshFunction: `plumbline-${stage}-token-refresh`, config: loaded.config };
  if (stage === 'local') {
    const file = readJson('.plumbline/keys/verify.json', 'npm start') as LocalAccess;
    useEnvironment(file.environment);
    return { ...common, ...file, webhooksSigned: file.webhooksSigned ?? file.webhooks };
  }
  const outputs = readJson('cdk.out/outputs.json', 'npm run deploy') as Record<string, Record<string, string>>;
  const service = outputs[`plumbline-${stage}-service`] ?? {};
  const apiKey = verifyApiKey();
  if (!service.AgentUrl || !service.WebhookUrl) throw new SettingsError(`Stage ${stage} is not deployed from here.`);
  if (!apiKey) throw new SettingsError('Set PLUMBLINE_API_KEY to the key of an agent that may use contact_find.');
  // Where the settings name no region, it was that of the credentials that deployed; the address says which.
  const region = /\.execute-api\.([a-z0-9-]+)\./.exec(service.AgentUrl)?.[1] ?? settings.region;
  useEnvironment({ AWS_REGION: region });
  const webhooks = service.WebhookUrl.replace(/\/$/, '');
  const webhooksSigned = settings.webhookPublicUrl?.replace(/\/$/, '') ?? webhooks;
  return { ...common, agents: service.AgentUrl, webhooks, webhooksSigned, apiKey };
}

function readJson(file: string, writtenBy: string): unknown {
  const path = join(projectDir, file);
  if (!existsSync(path)) throw new SettingsError(`${file} is missing: ${writtenBy} writes it.`);
  return JSON.parse(readFileSync(path, 'utf8'));
}

/** `npm run verify -- --stage <stage>`: knocks at every door of a deployed stage; non-zero where one answers wrongly. */
async function verify(): Promise<void> {
  const { values } = parseArgs({ options: { stage: { type: 'string', default: defaultStage } } });
  const access = accessOf(values.stage);
  for (const [name, run] of checks) {
    try {
      console.log(`ok      ${name}: ${await run(access)}`);
    } catch (error) {
      console.log(`failed  ${name}: ${error instanceof Error ? error.message : error}`);
      process.exitCode = 1;
    }
  }
}

try {
  await verify();
} catch (error) {
  if (!(error instanceof SettingsError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
