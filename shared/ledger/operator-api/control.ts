import * as z from 'zod/mini';
import { newId } from '../../model/ids.ts';
import { changeControl, initialControl } from '../../policy/control.ts';
import type { Control, Switch } from '../../policy/ports.ts';
import { operationEntry } from '../operations.ts';
import { anyRole, type OperatorApiDeps, type OperatorCall, type Route } from './deps.ts';
import { conflict, forbidden, json, notFound, problem, type Reply, readBody } from './http.ts';

const kinds = ['all', 'system', 'tool', 'agent', 'run', 'key'] as const;
const maxSwitchMs = 400 * 86_400_000;

const changeSchema = z
  .strictObject({
    what: z.enum(kinds),
    name: z.optional(z.string().check(z.minLength(1), z.maxLength(200))),
    off: z.boolean(),
    reason: z.string().check(z.trim(), z.minLength(3), z.maxLength(500)),
    /** How long it stays off by itself, seconds; without it until somebody switches it on. */
    for_seconds: z.optional(z.int().check(z.minimum(1), z.maximum(maxSwitchMs / 1000))),
    /** Writes the control item anew where the table has none or a restored one; admins, after reconciling. */
    reconcile: z.optional(z.literal(true)),
  })
  .check(
    z.refine(({ what, name }) => (what === 'all') === (name === undefined), {
      path: ['name'],
      message: 'needed for everything but `all`',
    }),
  );

type Change = z.output<typeof changeSchema>;

/** Reads and changes the switches: everything, a system, a tool, an agent, a run, a key. */
export const controlRoutes: readonly Route[] = [
  { method: 'GET', path: '/v1/control', roles: anyRole, handle: readControl },
  { method: 'PUT', path: '/v1/control', roles: ['operator', 'admin'], handle: writeControl },
];

async function readControl(deps: OperatorApiDeps): Promise<Reply> {
  const control = await deps.control.read();
  return json({ ...control, belongs_here: control?.names === deps.control.tableName });
}

async function writeControl(deps: OperatorApiDeps, call: OperatorCall): Promise<Reply> {
  const read = readBody(call.request, changeSchema);
  if (read.kind === 'problem') return read.reply;
  const change = read.body;
  if (change.what === 'key' && !change.off) {
    const errors = [{ path: 'off', message: 'a revoked key stays revoked', allowed: 'true' }];
    return problem(422, {
      code: 'invalid_input',
      detail: 'A key cannot be given back.',
      hint: 'Issue another.',
      errors,
    });
  }
  if (change.reconcile) {
    if (!call.operator.principal.roles.includes('admin')) return forbidden('Reconciling needs the role admin.');
    if (!(await reconcile(deps))) return conflict('The control item belongs here already, or was changed just now.');
  }
  const atMs = deps.clock.now();
  const key = change.what === 'key' ? await deps.keys.get(change.name ?? '') : null;
  if (change.what === 'key' && !key) return notFound('unknown_route', 'key');
  // A revocation leaves with its key and never before, whatever was asked.
  const untilMs = key?.expiresAtMs ?? (change.for_seconds === undefined ? null : atMs + change.for_seconds * 1000);
  const state: Switch = { by: call.person, atMs, reason: change.reason, untilMs };
  if (!(await changeControl(deps.control, atMs, (control) => switched(control, change, state)))) {
    return conflict('The control item is missing, belongs to another table, or is being changed by others.');
  }
  await deps.ledger.append(
    operationEntry({
      entryId: `operation:${newId('call', atMs, deps.random)}`,
      atMs,
      what: `${change.reconcile ? 'reconcile_and_' : ''}switch_${change.off ? 'off' : 'on'}_${change.what}`,
      by: call.person,
      reason: change.reason,
      system: change.what === 'system' ? (change.name ?? null) : null,
      tool: change.what === 'tool' ? (change.name ?? null) : null,
      runId: change.what === 'run' ? (change.name ?? null) : null,
      record: change.name ?? null,
    }),
  );
  return readControl(deps);
}

/** Gives this table its own control item with everything off: the change that comes with it says what is switched. */
async function reconcile(deps: OperatorApiDeps): Promise<boolean> {
  const standing = await deps.control.read();
  const { tableName } = deps.control;
  if (standing?.names === tableName) return false;
  const version = (standing?.version ?? 0) + 1;
  // Keys that were revoked stay revoked whatever the item was called.
  const next = { ...initialControl(tableName), ...standing, names: tableName, version };
  return (await deps.control.write(next, standing?.version ?? 0)) === 'written';
}

function switched(control: Control, { what, name = '', off }: Change, state: Switch): Control {
  const set = (entries: { readonly [name: string]: Switch }) => {
    const others = Object.fromEntries(Object.entries(entries).filter(([other]) => other !== name));
    return off ? { ...others, [name]: state } : others;
  };
  if (what === 'all') return { ...control, allOff: off ? state : null };
  if (what === 'system') return { ...control, systemsOff: set(control.systemsOff) };
  if (what === 'tool') return { ...control, toolsOff: set(control.toolsOff) };
  if (what === 'agent') return { ...control, agentsPaused: set(control.agentsPaused) };
  if (what === 'run') return { ...control, runsPaused: set(control.runsPaused) };
  return { ...control, keysRevoked: set(control.keysRevoked) };
}
