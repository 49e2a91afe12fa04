import { tools as index } from '../../config/tools/index.ts';
import type { AgentPrincipal } from '../../shared/auth/api-keys.ts';
import { loadConfig } from '../../shared/config/load.ts';
import type { PlumblineConfig } from '../../shared/config/schema.ts';
import type { Sender } from '../../shared/connectors/sender.ts';
import { encodeBody } from '../../shared/http/digest.ts';
import { encodeQuery } from '../../shared/http/path.ts';
import type { LedgerStore } from '../../shared/ledger/ports.ts';
import type { Answer } from '../../shared/model/answer.ts';
import { type Clock, systemClock, systemRandom } from '../../shared/model/clock.ts';
import type { RequestSpec } from '../../shared/model/operation.ts';
import { silentLog } from '../../shared/observe/json-log.ts';
import { makeControlGate } from '../../shared/policy/control.ts';
import { makeCatalog } from '../../shared/tools/catalog.ts';
import { answerAgent, type DoorDeps } from '../../shared/tools/door.ts';
import type { DoorRequest } from '../../shared/tools/http-request.ts';
import { kernelLimits } from '../../shared/tools/limits.ts';
import { loadTools } from '../../shared/tools/list.ts';
import { loadOperations } from '../../shared/tools/operations.ts';
import { memoryActionStore } from './memory-action-store.ts';
import { memoryBudgetStore } from './memory-budget-store.ts';
import { memoryCaseStore } from './memory-case-store.ts';
import { memoryControlStore } from './memory-control-store.ts';
import { memoryLedgerStore } from './memory-ledger-store.ts';
import { memoryPayloadStore } from './memory-payload-store.ts';
import { callHubSpot, startTestHubSpot, staticToken } from './simulator.ts';

/** The shipped configuration. */
export function shippedConfig(): PlumblineConfig {
  const loaded = loadConfig(new URL('../../config', import.meta.url).pathname);
  if (loaded.kind !== 'ok') throw new Error('the shipped configuration is not valid');
  return loaded.config;
}

/** One answer of the door, parsed. */
export type Told = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Answer;
  readonly text: string;
};

export type CallOptions = {
  readonly agent?: string;
  readonly run?: string;
  readonly body?: object;
  readonly headers?: Readonly<Record<string, string>>;
};

/**
 * The agent door over memory stores and a simulated HubSpot account. Two agents hold keys: `Bearer sales` and `Bearer support`.
 * Close it in `afterEach`.
 */
export async function agentWorld(config: PlumblineConfig = shippedConfig(), clock: Clock = systemClock) {
  const hubspot = await startTestHubSpot();
  const operations = await loadOperations(config.systems);
  const [store, payloads, ledger] = [memoryActionStore(), memoryPayloadStore(), memoryLedgerStore()];
  const [cases, controlStore] = [memoryCaseStore(), memoryControlStore()];
  const control = makeControlGate({ store: controlStore, clock });
  const sent: { readonly purpose: string; readonly spec: RequestSpec }[] = [];
  const wire: { send: Sender } = { send: plainSender(hubspot.url) };
  const deps: DoorDeps = {
    ...{ config, operations, payloads, ledger, cases, controlStore, control, log: silentLog },
    catalog: makeCatalog(await loadTools(index)),
    kernel: { store, payloads, clock, random: systemRandom, limits: kernelLimits },
    budgets: memoryBudgetStore(),
    send: (input) => {
      sent.push(input);
      return wire.send(input);
    },
    byKey: async ({ authorization }) => principals[authorization ?? ''] ?? null,
    byIam: (arn) => (arn === 'arn:aws:iam::1:role/sales' ? (principals['Bearer sales'] ?? null) : null),
  };
  const request = (given: Partial<DoorRequest>) => told(deps, given);
  const call = (tool: string, args: object, options: CallOptions = {}): Promise<Told> =>
    callTool(deps, tool, args, options);
  const get = (path: string, agent = 'sales') =>
    request({ method: 'GET', path, headers: { authorization: `Bearer ${agent}` } });
  const create = async (plural: string, properties: object): Promise<string> =>
    (await callHubSpot(hubspot, 'POST', `/crm/objects/2026-09/${plural}`, { properties })).body.id;
  const read = async (plural: string, id: string, properties: string) =>
    (await callHubSpot(hubspot, 'GET', `/crm/objects/2026-09/${plural}/${id}?properties=${properties}`)).body
      .properties;
  const patch = (plural: string, id: string, properties: object) =>
    callHubSpot(hubspot, 'PATCH', `/crm/objects/2026-09/${plural}/${id}`, { properties });
  return {
    deps,
    hubspot,
    store,
    payloads,
    ledger,
    cases,
    control: controlStore,
    sent,
    wire,
    request,
    call,
    get,
    create,
    read,
    patch,
    close: () => hubspot.close(),
  };
}

export type AgentWorld = Awaited<ReturnType<typeof agentWorld>>;

const agent = (id: string): AgentPrincipal => ({ kind: 'agent', id, via: 'api_key', keyId: `key_${id}` });
const principals: Readonly<Record<string, AgentPrincipal>> = {
  'Bearer sales': agent('sales-assistant'),
  'Bearer support': agent('support-assistant'),
};

/** One call of a tool at the agent door, by default of the sales assistant. */
export async function callTool(deps: DoorDeps, tool: string, args: object, options: CallOptions = {}) {
  const answer = await told(deps, {
    method: 'POST',
    path: `/v1/tools/${tool}/calls`,
    headers: {
      authorization: `Bearer ${options.agent ?? 'sales'}`,
      'content-type': 'application/json',
      ...(options.run === undefined ? {} : { 'x-agent-run-id': options.run }),
      ...options.headers,
    },
    body: new TextEncoder().encode(JSON.stringify({ arguments: args, ...options.body })),
  });
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of any shape
  return { ...answer, body: answer.body as any };
}

async function told(deps: DoorDeps, given: Partial<DoorRequest>): Promise<Told> {
  const request = { method: 'GET', path: '/', headers: {}, body: new Uint8Array(), iamArn: undefined, ...given };
  const { statusCode, headers, body } = await answerAgent(deps, request);
  return { status: statusCode, headers, body: JSON.parse(body) as Answer, text: body };
}

/** One request over plain HTTP: no breaker, no rate limit, no refresh. Those have tests of their own. */
export function plainSender(origin: string): Sender {
  return async ({ spec, mayWrite }) => {
    if (mayWrite && !mayWrite()) {
      return { kind: 'not_sent', error: { class: 'transient', code: 'lease_lost', message: 'too late' } };
    }
    const body = encodeBody(spec);
    const answer = await fetch(origin + spec.path + encodeQuery(spec.query), {
      method: spec.method,
      headers: { authorization: `Bearer ${staticToken}`, ...(body ? { 'content-type': body.contentType } : {}) },
      ...(body ? { body: new Uint8Array(body.bytes) } : {}),
    });
    const headers = Object.fromEntries(answer.headers);
    return {
      kind: 'answer',
      answer: { status: answer.status, headers, bodyText: await answer.text() },
      fetchedAtMs: Date.now(),
    };
  };
}

/** Entries of one kind on a ledger. */
export function callEntries(ledger: LedgerStore & { readonly entries: readonly { readonly kind: string }[] }) {
  return ledger.entries.filter((entry) => entry.kind === 'call');
}
