import type { HttpAnswer, Operation } from '../../model/operation.ts';
import type { AccountFacts, ConnectorManifest } from '../manifest.ts';
import { bodyOf, type RestSystem, requestOf, valueAt } from './client.ts';
import { holds, restFailure, succeeded } from './errors.ts';

/** What the house needs to know of any API: nothing, before a system describes it. */
export const manifest: ConnectorManifest = {
  connector: 'rest',
  origin: null,
  originSuffixes: [],
  tokenPath: '/oauth/token',
  scopes: [],
  headroom: () => [],
  classify: () => null,
  // Writes are refused where nothing says who the system is: the build asks for it, and this is what is left without it.
  account: { request: () => ({ method: 'GET', path: '/' }), judge: () => null },
  saysTokenExpired: (answer) => answer.status === 401,
  undo: {},
};

/** The manifest as one configured system has it. */
export function manifestOf(system: RestSystem, operations: ReadonlyMap<string, Operation>): ConnectorManifest {
  const { whoAmI } = system.rest;
  const undo = [...operations.values()]
    .filter((operation) => operation.kind === 'write')
    .map(({ id, undo }) => [id, undo.kind === 'operation' ? undo.operation : null] as const);
  const own = {
    ...manifest,
    classify: (answer: HttpAnswer) => (isFailure(system, answer) ? restFailure(system.rest, answer).error : null),
    undo: Object.fromEntries(undo),
  };
  if (!whoAmI) return own;
  const { path, query } = whoAmI;
  return {
    ...own,
    account: {
      request: () => requestOf(system, { method: 'GET', path, query }, { providerKey: '' }, { properties: {} }),
      judge: (answer) => accountOf(system, answer),
    },
  };
}

/**
 * Whether an answer is a failure whatever was asked: by its status, or by a rule for systems that answer 200 to everything. What
 * any operation would take for its success is none: a write that was carried out must not be sent again for a word in its answer.
 */
function isFailure({ rest }: RestSystem, answer: HttpAnswer): boolean {
  if (answer.status >= 300) return true;
  if (!rest.errors.some(({ when }) => holds(when, answer))) return false;
  const successes = Object.values(rest.operations).map((operation) => operation.success ?? rest.success);
  return !successes.some((success) => succeeded({ success }, {}, answer));
}

/** Production, unless the answer itself says that it is not. An answer that names less than was asked is none. */
function accountOf({ rest }: RestSystem, answer: HttpAnswer): AccountFacts | null {
  const body = bodyOf(answer);
  const { whoAmI } = rest;
  if (!whoAmI || body === undefined || !succeeded(rest, {}, answer)) return null;
  const identity: Record<string, string | number> = {};
  for (const [name, at] of Object.entries(whoAmI.identity)) {
    const value = valueAt(body, at);
    if (typeof value !== 'string' && typeof value !== 'number') return null;
    identity[name] = value;
  }
  return { identity, is: whoAmI.sandboxWhen && holds(whoAmI.sandboxWhen, answer) ? 'sandbox' : 'production' };
}
