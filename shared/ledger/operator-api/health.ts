import { escalationTeam } from '../notices.ts';
import { anyRole, type OperatorApiDeps, type Route } from './deps.ts';
import { json, type Reply } from './http.ts';

/** How credentials, breakers, waiting actions, cases and switches stand. */
export const healthRoutes: readonly Route[] = [{ method: 'GET', path: '/v1/health', roles: anyRole, handle: health }];

const dueLimit = 100;

async function health(deps: OperatorApiDeps): Promise<Reply> {
  const nowMs = deps.clock.now();
  const [control, systems, dueActions, open] = await Promise.all([
    deps.control.read(),
    Promise.all(Object.keys(deps.config.systems).map((name) => systemHealth(deps, name, nowMs))),
    overdueActions(deps, nowMs),
    deps.cases.list({ state: 'OPEN', cursor: null }),
  ]);
  const overdue = open.cases.filter((one) => one.dueAtMs <= nowMs);
  const on = control?.names === deps.control.tableName && control.allOff === null;
  const healthy = on && systems.every((one) => one.healthy) && overdue.length === 0;
  return json({
    healthy,
    config_version: deps.config.version,
    switched: {
      on,
      reason: on ? null : (control?.allOff?.reason ?? 'The control item is missing or belongs elsewhere.'),
    },
    systems,
    actions: dueActions,
    cases: {
      open: open.cases.length,
      more: open.cursor !== null,
      overdue: overdue.map((one) => ({
        case_id: one.caseId,
        owner: one.owner,
        asks: escalationTeam(deps.config, one),
      })),
    },
  });
}

async function systemHealth(deps: OperatorApiDeps, system: string, nowMs: number) {
  const [token, breakers] = await Promise.all([deps.tokens.get(system), deps.breakers(system)]);
  const auth = deps.config.systems[system]?.auth;
  const credential = auth && !('refresh' in auth) ? 'static' : (token?.health ?? 'never_used');
  const states = Object.fromEntries(Object.entries(breakers).map(([name, { kind }]) => [name, kind]));
  const expiresAtMs = token?.current?.expiresAtMs ?? null;
  return {
    system,
    healthy: !['broken', 'unknown'].includes(credential) && Object.values(states).every((kind) => kind === 'closed'),
    credential,
    token_expires_in_seconds: expiresAtMs === null ? null : Math.round((expiresAtMs - nowMs) / 1000),
    last_refresh_at: token?.lastRefreshAtMs ? new Date(token.lastRefreshAtMs).toISOString() : null,
    last_failure: token?.lastFailure?.code ?? null,
    breakers: states,
  };
}

/** Open actions whose time has come: a number that stays is a worker that does not keep up. */
async function overdueActions(deps: OperatorApiDeps, nowMs: number) {
  const shards = await Promise.all(
    Array.from({ length: deps.actions.dueShards }, (_, shard) =>
      deps.actions.due({ shard, byMs: nowMs, limit: dueLimit }),
    ),
  );
  const due = shards.reduce((sum, keys) => sum + keys.length, 0);
  return { due, more: shards.some((keys) => keys.length === dueLimit) };
}
