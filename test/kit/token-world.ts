import { createOAuthServer } from '../../infra/local/systems/hubspot/oauth.ts';
import { noStateFile } from '../../infra/local/systems/state-file.ts';
import { type RefreshDeps, refresh } from '../../shared/auth/refresh.ts';
import { silentLog } from '../../shared/observe/json-log.ts';
import { memoryCaseStore } from './memory-case-store.ts';
import { memorySecretStore } from './memory-secret-store.ts';
import { memoryTokenStore } from './memory-token-store.ts';
import { manualClock } from './simulator.ts';

/** What a process does when one of its requests goes wrong: dies before or after it took effect, or never gets its answer. */
export type Accident = 'dies_before' | 'dies_after' | 'answer_lost_before' | 'answer_lost_after';

/** One request of a refresher, as the accident may hit it. */
export type Step = { readonly name: string; readonly isPost: boolean };

/** Thrown by a request of a process that was killed. */
export class Killed extends Error {}

type Gate = <T>(step: Step, work: () => Promise<T>) => Promise<T>;

/** A provider that rotates with reuse detection, the stores, and any number of processes that refresh one system's token. */
export function tokenWorld(options: { graceMs?: number; rotates?: boolean } = {}) {
  const clock = manualClock();
  let counter = 0;
  const random = (count: number) => {
    counter += 1;
    return new Uint8Array(count).map((_, index) => (counter >>> ((index % 4) * 8)) & 255);
  };
  const uses = new Map<string, number>();
  const app = {
    clientId: 'app',
    clientSecret: 'secret',
    refreshToken: 'refresh-1',
    redirectUri: 'http://127.0.0.1/callback',
    accessTokenMs: 1_800_000,
    rotates: options.rotates ?? true,
    graceMs: options.graceMs ?? 0,
  };
  const provider = createOAuthServer({
    clock,
    random,
    file: noStateFile,
    app,
    scopes: [],
    staticTokens: [],
    portalId: 1,
  });
  const [tokens, secrets, cases] = [memoryTokenStore(), memorySecretStore(), memoryCaseStore()];
  const grantOf = (refreshToken: string) =>
    JSON.stringify({ client_id: 'app', client_secret: 'secret', refresh_token: refreshToken });
  secrets.set('grant', grantOf('refresh-1'), 'v1');

  const send = (form: readonly (readonly [string, string])[]) => {
    const bodyText = new URLSearchParams(form.map(([name, value]): [string, string] => [name, value])).toString();
    const presented = new URLSearchParams(bodyText).get('refresh_token') ?? '';
    uses.set(presented, (uses.get(presented) ?? 0) + 1);
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    const request = {
      method: 'POST',
      path: '/oauth/v3/token',
      segments: ['oauth', 'v3', 'token'],
      query: new URLSearchParams(),
    };
    try {
      const answer = provider.route({ ...request, headers, bodyText });
      return answer === 'drop' ? { status: 502, bodyText: '' } : { status: answer.status, bodyText: answer.bodyText };
    } catch {
      return { status: 400, bodyText: '{"status":"error","category":"BAD_REFRESH_TOKEN"}' };
    }
  };

  /** One process; `gate` decides about each of its requests. */
  const process = (gate: Gate = (_step, work) => work()): RefreshDeps => {
    const guarded = <A extends unknown[], R>(name: string, work: (...args: A) => Promise<R>) => {
      return (...args: A) => gate({ name, isPost: false }, () => work(...args));
    };
    return {
      systems: {
        hubspot: {
          grant: 'refresh_token',
          owner: 'revops',
          secret: 'grant',
          tokenUrl: '/oauth/v3/token',
          tokenLifetimeMs: 1_800_000,
          ...(options.graceMs === undefined ? {} : { rotationGraceMs: options.graceMs }),
        },
      },
      tokens: { get: guarded('tokens.get', tokens.get), write: guarded('tokens.write', tokens.write) },
      secrets: {
        get: guarded('secrets.get', secrets.get),
        current: guarded('secrets.current', secrets.current),
        putPending: guarded('secrets.putPending', secrets.putPending),
        promote: guarded('secrets.promote', secrets.promote),
      },
      cases: { open: guarded('cases.open', cases.open), settle: guarded('cases.settle', cases.settle) },
      post: ({ form, mayWrite }) =>
        gate({ name: 'post', isPost: true }, async () =>
          mayWrite()
            ? { kind: 'answer' as const, ...send(form) }
            : { kind: 'not_sent' as const, code: 'not_permitted' },
        ),
      originOf: async () => 'https://api.hubapi.com',
      clock,
      random,
      log: silentLog,
    };
  };
  const ask = (seenVersion: number, deps = process()) => refresh(deps, { system: 'hubspot', seenVersion });
  return { clock, provider, tokens, secrets, cases, uses, grantOf, process, ask };
}

/** A gate that lets the accident happen at the nth request of one process; `steps` tells which requests there were. */
export function accidentAt(n: number, accident: Accident): { gate: Gate; steps: Step[] } {
  const steps: Step[] = [];
  let isDead = false;
  const gate: Gate = async (step, work) => {
    if (isDead) throw new Killed('a dead process asks for nothing');
    steps.push(step);
    if (steps.length !== n) return work();
    isDead = accident.startsWith('dies');
    if (accident.endsWith('after')) await work();
    if (!isDead && step.isPost) return { kind: 'lost', code: 'connection_lost' } as never;
    throw isDead ? new Killed(step.name) : new Error(`${step.name} did not answer`);
  };
  return { gate, steps };
}
