import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { type PortalOptions, startPortal } from '../../infra/local/systems/portal/start.ts';
import { workOn } from '../../shared/action/resolve.ts';
import type { KernelDeps } from '../../shared/action/types.ts';
import { type SystemConfig, systemSchema } from '../../shared/config/schema.ts';
import { loadConnector } from '../../shared/connectors/registry.ts';
import type { Sender } from '../../shared/connectors/sender.ts';
import { httpClient } from '../../shared/http/client.ts';
import { encodeBody } from '../../shared/http/digest.ts';
import { encodeQuery } from '../../shared/http/path.ts';
import type { ActionRecord } from '../../shared/model/action.ts';
import { systemClock } from '../../shared/model/clock.ts';
import type { Json } from '../../shared/model/json.ts';
import type { PlannedCall } from '../../shared/model/operation.ts';
import {
  digestOfCall,
  makeAttempt,
  makeProbe,
  readBefore,
  readOnce,
  type SystemDeps,
} from '../../shared/tools/attempt.ts';
import { loadOperations } from '../../shared/tools/operations.ts';
import { testClock, testIdentity, testKernel, testRequest } from './kernel.ts';

const key = 'local-static-token';

/** config/systems/supplier-portal.yaml as it is shipped, parsed as YAML. */
export function portalYaml(): Record<string, unknown> {
  return parse(readFileSync(new URL('../../config/systems/supplier-portal.yaml', import.meta.url), 'utf8')) as Record<
    string,
    unknown
  >;
}

/** A system of this connector with another `rest:` block. */
export function restConfig(rest: object, more: object = {}): SystemConfig {
  return systemSchema.parse({ ...portalYaml(), ...more, rest });
}

/** One request over the real HTTP client with the key in the query: no breaker, no rate limit, no account check. */
export function senderTo(system: { readonly url: string }, deadlineInMs = 5000): Sender {
  const http = httpClient({ clock: systemClock, local: true });
  return async ({ spec, purpose, mayWrite }) => {
    const body = encodeBody(spec);
    const result = await http.send({
      origin: system.url,
      method: spec.method,
      path: spec.path + encodeQuery([...(spec.query ?? []), ['api_key', key]]),
      headers: { ...spec.headers, ...(body ? { 'content-type': body.contentType } : {}) },
      body: body?.bytes ?? null,
      deadlineMs: Date.now() + deadlineInMs,
      ...(mayWrite ? { mayWrite } : {}),
    });
    if (result.kind === 'answer') return result;
    const { code, message } = result.fault;
    if (result.kind === 'not_sent') return { kind: 'not_sent', error: { class: 'transient', code, message } };
    return { kind: 'lost', error: { class: purpose === 'write' ? 'unknown_outcome' : 'transient', code, message } };
  };
}

/** The simulated portal, spoken to as its shipped description says, under the real kernel over memory and one clock. */
export async function portalWorld(options: Partial<PortalOptions> = {}, config = systemSchema.parse(portalYaml())) {
  const clock = testClock();
  const portal = await startPortal({ port: 0, seed: 1, clock, ...options });
  const systems = { 'supplier-portal': config };
  const system: SystemDeps = {
    ...{ send: senderTo(portal), operations: await loadOperations(systems), systems },
    control: { check: async () => ({ kind: 'on' }) },
  };
  const kernel = testKernel({ attempt: makeAttempt(system), clock, digest: (call) => digestOfCall(system, call) });
  const read = (call: PlannedCall) => readOnce(system, call, clock.now() + 5000);
  return { clock, portal, system, kernel, read, close: () => portal.close() };
}

export type PortalWorld = Awaited<ReturnType<typeof portalWorld>>;

/** The manifest as the shipped description has it. */
export async function portalManifest(config = systemSchema.parse(portalYaml())) {
  const own = (await loadConnector('rest')).onSystem?.('supplier-portal', config);
  if (!own) throw new Error('the connector rest has no systems');
  return own.manifest;
}

/** The claim of one planned write, with its before-image. */
export async function claimOf({ system, clock }: PortalWorld, call: PlannedCall, n = 1) {
  const operation = system.operations(call.operation);
  if (operation?.kind !== 'write') throw new Error(`${call.operation} is no write`);
  const before = await readBefore(system, call, clock.now() + 5000);
  if (before?.kind === 'error') throw new Error(before.error.code);
  const target = ['supplier-portal', 'order', String(n)] as const;
  return testRequest({
    identity: testIdentity({ actionType: call.operation, target, identifying: { n }, input: { n } }),
    effect: operation.effect,
    resend: operation.resend,
    call,
    requestDigest: digestOfCall(system, call),
    before: before ? (before.data as Json) : null,
    target,
    deadlineMs: clock.now() + 20_000,
  });
}

/** Works on an action as the tick would, moving the clock to each due time, until it is settled or a person's. */
export async function settle({ kernel, system, clock }: PortalWorld, actionKey: string): Promise<ActionRecord> {
  for (let step = 0; step < 60; step += 1) {
    const record = await (kernel as KernelDeps).store.get(actionKey);
    if (!record) throw new Error('no record');
    if (!['RETRYABLE', 'STARTED', 'UNKNOWN'].includes(record.state)) return record;
    if ('dueMs' in record) clock.advance(Math.max(0, record.dueMs - clock.now()) + 1);
    const probe = makeProbe(system);
    const recheck = async () => ({ kind: 'go' }) as const;
    await workOn(kernel, { key: actionKey, deadlineMs: clock.now() + 20_000, recheck, probeFor: () => probe });
  }
  throw new Error('never settled');
}
