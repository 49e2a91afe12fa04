import { join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { projectDir } from '../build.ts';
import { localRegion } from './aws/callers.ts';
import { deployLocal, type LocalDeployment, usualPorts } from './deploy.ts';
import { originsOf } from './function-environment.ts';
import { prepare } from './prepare.ts';
import { simulators as simulatorPlans } from './simulators.ts';
import { writePrivateFile } from './state-dir.ts';

const stateDir = join(projectDir, '.plumbline');
/** Ctrl-C must end everything within 4 s; what hangs is cut off before. */
const stopWithinMs = 3000;

/** `npm start`: builds, deploys on this machine, says what runs where, and stays up until Ctrl-C. */
export async function run(args: readonly string[]): Promise<void> {
  let deployment: LocalDeployment | null = null;
  let stopping = false;
  const stop = (code: number) => {
    if (stopping) return;
    stopping = true;
    setTimeout(() => process.exit(code), stopWithinMs).unref();
    void (deployment?.close() ?? Promise.resolve()).finally(() => process.exit(code));
  };
  whenNpmIsGone(() => stop(1));
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop(0));
  try {
    const publicUrl = publicUrlOf(args);
    const assembly = await prepare();
    const tunnel = publicUrl === null ? {} : { publicUrl };
    deployment = await deployLocal({ stateDir, ports: usualPorts, assembly, ...tunnel });
    if (stopping) return void deployment.close().finally(() => process.exit(0));
    writePrivateFile(
      join(stateDir, 'keys', 'verify.json'),
      JSON.stringify(verifyAccess(deployment, publicUrl), null, 2),
    );
    console.log(banner(deployment, publicUrl));
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    stop(1);
  }
}

/** npm that is killed cannot tell its child to stop: nobody would know of it any more, and its ports would stay taken. */
function whenNpmIsGone(stop: () => void): void {
  if (process.env['npm_lifecycle_event'] === undefined) return;
  const npm = process.ppid;
  setInterval(() => {
    if (process.ppid !== npm) stop();
  }, 500).unref();
}

/** What `npm run verify` and `npm run connect` with `--stage local` knock with; they ask AWS as a caller of their own. */
function verifyAccess(deployment: LocalDeployment, publicUrl: string | null): object {
  const { urls, agentKeys, standIns, config, simulators, hubspot } = deployment;
  const running = Object.fromEntries([...simulators].map(([name, { url }]) => [name, url]));
  const { accessKeyId, secretAccessKey } = standIns.callers.keysOf('verify');
  const [apiKey = ''] = Object.values(agentKeys);
  return {
    ...{ agents: urls.agents, webhooks: urls.webhooks, webhooksSigned: publicUrl ?? urls.webhooks, apiKey },
    origins: originsOf(config, { hubspot: hubspot.url, ...running }),
    environment: {
      ...standIns.endpoints,
      ...{ AWS_REGION: localRegion, AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey },
    },
  };
}

function publicUrlOf(args: readonly string[]): string | null {
  const { values } = parseArgs({ args: [...args], options: { 'public-url': { type: 'string' } } });
  const given = values['public-url'];
  if (given === undefined) return null;
  if (!URL.canParse(given) || new URL(given).protocol !== 'https:') {
    throw new Error('--public-url takes the https address under which webhooks arrive, such as https://x.example.net');
  }
  return new URL(given).origin;
}

/** What is printed when everything is ready; each curl line works when it is pasted. */
export function banner(
  { urls, agentKeys, config, hubspot, simulators }: LocalDeployment,
  publicUrl: string | null,
): string {
  const state = relative(projectDir, stateDir);
  const [agent = '', key = ''] = Object.entries(agentKeys)[0] ?? [];
  const bearer = `-H 'Authorization: Bearer ${key}'`;
  const json = `-H 'Content-Type: application/json'`;
  const find = `-d '{"arguments":{"email":"${emailOf(hubspot)}"}}'`;
  const forged = `-H 'X-HubSpot-Signature-v3: forged' -H 'X-HubSpot-Request-Timestamp: 0' ${json} -d '[]'`;
  const people = Object.keys(config.owners.people).join(', ');
  return [
    `Plumbline is up (local, state in ${state}/)`,
    `  agents     ${urls.agents}/v1   as ${agent}; the keys of all agents are in ${state}/keys/agent-keys.json`,
    `  webhooks   ${publicUrl ?? urls.webhooks}/hubspot/crm   and /{system}/{channel} of every other system`,
    `  operators  ${urls.operators}      console and API; sign in as ${people} with the secret in ${state}/keys/login-secret`,
    `  hubspot    ${urls.hubspot}      simulator, 1,000 contacts, faults at /_faults`,
    ...[...simulators].map(([name, { url }]) => simulatorLine(name, url)),
    `  logs       ${state}/logs/`,
    'Try:',
    `curl -s ${urls.agents}/v1/tools ${bearer}`,
    `curl -s ${urls.agents}/v1/tools/contact_find/calls ${bearer} ${json} ${find}`,
    `curl -s -i ${urls.webhooks}/hubspot/crm ${forged}`,
    'Ctrl-C stops everything; what was acknowledged is kept.',
  ].join('\n');
}

/** One simulator as the start names it, in line with the doors. */
function simulatorLine(name: string, url: string): string {
  const holds = simulatorPlans[name]?.holds ?? '';
  return `  ${name.padEnd(10)} ${url}      simulator, ${holds}, faults at /_faults`;
}

/** The address of a contact that is there exactly once, so that the printed call finds it. */
function emailOf(hubspot: LocalDeployment['hubspot']): string {
  const counts = new Map<string, number>();
  for (const contact of hubspot.portal.objects.contacts.values()) {
    const email = contact.properties['email'] ?? '';
    counts.set(email.toLowerCase(), (counts.get(email.toLowerCase()) ?? 0) + 1);
  }
  const plain = [...counts].find(([email, count]) => count === 1 && /^[a-z0-9.]+@[a-z.-]+$/.test(email));
  return plain?.[0] ?? 'nobody@example.com';
}
