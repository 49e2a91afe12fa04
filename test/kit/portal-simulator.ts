import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { type PortalOptions, startPortal } from '../../infra/local/systems/portal/start.ts';
import { type SystemConfig, systemSchema } from '../../shared/config/schema.ts';
import { loadConnector } from '../../shared/connectors/registry.ts';
import type { Sender } from '../../shared/connectors/sender.ts';
import type { PlannedCall } from '../../shared/model/operation.ts';
import { readOnce } from '../../shared/tools/attempt.ts';
import { loadOperations } from '../../shared/tools/operations.ts';
import { plainSenderTo, systemWorld } from './system-world.ts';

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

/** A sender to a simulated portal: its key stands in the query. */
export function senderTo(portal: { readonly url: string }): Sender {
  const send = plainSenderTo(portal, null);
  return (input) => {
    const { spec } = input;
    return send({ ...input, spec: { ...spec, query: [...(spec.query ?? []), ['api_key', key]] } });
  };
}

/** The simulated portal, spoken to as its shipped description says, under the real kernel over memory and one clock. */
export async function portalWorld(options: Partial<PortalOptions> = {}, config = systemSchema.parse(portalYaml())) {
  const name = 'supplier-portal';
  const world = await systemWorld({
    ...{ name, config, operations: await loadOperations({ [name]: config }), senderTo },
    start: (clock) => startPortal({ port: 0, seed: 1, clock, ...options }),
  });
  return { ...world, read: (call: PlannedCall) => readOnce(world.system, call, world.clock.now() + 5000) };
}

export type PortalWorld = Awaited<ReturnType<typeof portalWorld>>;

/** The manifest as the shipped description has it. */
export async function portalManifest(config = systemSchema.parse(portalYaml())) {
  const own = (await loadConnector('rest')).onSystem?.('supplier-portal', config);
  if (!own) throw new Error('the connector rest has no systems');
  return own.manifest;
}
