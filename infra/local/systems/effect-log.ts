import { createHash } from 'node:crypto';
import type { SimRequest } from './loopback-server.ts';
import type { StateFile } from './state-file.ts';

/** One write that was applied: the judge of every claim about effects. */
export type AppliedEffect = {
  readonly n: number;
  readonly atMs: number;
  readonly method: string;
  readonly path: string;
  readonly change: 'create' | 'update' | 'archive' | 'associate' | 'dissociate' | 'define';
  readonly object: string;
  readonly id: string;
  /** The caller's own value it carried (`plumbline_ref`), or null. */
  readonly key: string | null;
  readonly properties: Readonly<Record<string, unknown>>;
  /** SHA-256 over method, path, query and body. */
  readonly requestHash: string;
};

/** One request that arrived, whatever became of it. */
export type LoggedRequest = {
  readonly n: number;
  readonly atMs: number;
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly requestHash: string;
  /** Null while it is under way; 0 where the connection was closed without an answer. */
  status: number | null;
  fault: string | null;
};

/** Both logs of one system. Effects survive a restart, requests do not. */
export type EffectLog = {
  applied(effect: Omit<AppliedEffect, 'n'>): void;
  arrived(atMs: number, request: SimRequest): LoggedRequest;
  effects(): readonly AppliedEffect[];
  requests(): readonly LoggedRequest[];
  clear(): void;
};

const keptRequests = 20_000;

/** Opens the logs over what the state file holds. */
export function createEffectLog(file: StateFile): EffectLog {
  const effects = file.load<AppliedEffect>('effect');
  let requests: LoggedRequest[] = [];
  let lastEffect = effects.at(-1)?.n ?? 0;
  let lastRequest = 0;
  return {
    applied(effect) {
      lastEffect += 1;
      const numbered = { n: lastEffect, ...effect };
      effects.push(numbered);
      file.save('effect', String(lastEffect), numbered);
    },
    arrived(atMs, request) {
      lastRequest += 1;
      const query = request.query.toString();
      const { method, path } = request;
      const entry = {
        n: lastRequest,
        atMs,
        method,
        path,
        query,
        requestHash: hashOf(request),
        status: null,
        fault: null,
      };
      requests.push(entry);
      if (requests.length > keptRequests) requests = requests.slice(-keptRequests / 2);
      return entry;
    },
    effects: () => effects,
    requests: () => requests,
    clear() {
      for (const effect of effects) file.remove('effect', String(effect.n));
      effects.length = 0;
      requests = [];
    },
  };
}

/** SHA-256 over what was asked, without headers. */
export function hashOf(request: SimRequest): string {
  const query = request.query.toString();
  return createHash('sha256').update(`${request.method}\n${request.path}\n${query}\n${request.bodyText}`).digest('hex');
}
