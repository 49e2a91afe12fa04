import type { SystemConfig } from '../../config/schema.ts';
import { PlumblineError } from '../../model/errors.ts';
import type { Operation } from '../../model/operation.ts';
import type { RestSystem } from './client.ts';
import { operationId, readOperation } from './reads.ts';
import { shapeOperation } from './shape.ts';
import { writeOperation } from './writes.ts';

/** A configured system of this connector. Throws `config_invalid` where it has no description. */
export function restSystem(name: string, { rest, origin }: Pick<SystemConfig, 'rest' | 'origin'>): RestSystem {
  if (rest && origin) return { name, origin: new URL(origin).origin, rest };
  throw new PlumblineError(`The system ${name} has no description of its API.`, {
    code: 'config_invalid',
    retry: 'never',
    hint: 'Add `origin:` and `rest:` to its file in config/systems.',
  });
}

/** Every operation of one configured system by id, such as `rest.supplier-portal.order_place`. */
export function operationsOf(system: RestSystem): ReadonlyMap<string, Operation> {
  const { rest, name } = system;
  const all = Object.entries(rest.operations).map(([verb, described]): readonly [string, Operation] => [
    operationId(name, verb),
    described.kind === 'read' ? readOperation(system, verb, described) : writeOperation(system, verb, described),
  ]);
  const probed = rest.schemaProbe === undefined ? undefined : rest.operations[rest.schemaProbe];
  if (probed?.kind === 'read') all.push([operationId(name, 'schema_probe'), shapeOperation(system, probed)]);
  return new Map(all);
}

/** This connector has no operation of its own: each stands in the description of a system. */
export function operationById(_id: string): Operation | null {
  return null;
}
