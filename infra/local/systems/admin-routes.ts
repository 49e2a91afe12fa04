import * as z from 'zod';
import type { EffectLog } from './effect-log.ts';
import type { FaultBook } from './faults.ts';
import type { SimAnswer, SimRequest } from './loopback-server.ts';
import type { StateFile } from './state-file.ts';

/** Body of a knob that is on or off; on by default. */
export const on = z.strictObject({ on: z.boolean().default(true) }).prefault({});

/** Body of a knob that holds for the next so many; one by default. */
export const count = z.strictObject({ count: z.number().int().min(1).default(1) }).prefault({});

/** Turns something as its body says; null where what the body names is not there. */
export type Knob<D> = (deps: D, body: unknown) => object | null | Promise<object | null>;

/** The knobs that lose and double webhooks; each answers how many. */
export function webhookKnobs<D>(
  webhooksOf: (deps: D) => {
    drop(count: number): void;
    duplicate(count: number): void;
  },
): Readonly<Record<'drop-webhook' | 'duplicate-webhook', Knob<D>>> {
  const knob =
    (turn: 'drop' | 'duplicate'): Knob<D> =>
    (deps, body) => {
      const asked = count.parse(body);
      webhooksOf(deps)[turn](asked.count);
      return asked;
    };
  return { 'drop-webhook': knob('drop'), 'duplicate-webhook': knob('duplicate') };
}

/** What is a system's own under `/_`. */
export type AdminRoutes<D> = {
  /** Where the system keeps what it holds. */
  readonly state: (deps: D) => { readonly file: StateFile; readonly effects: EffectLog };
  /** What `GET /_<name>` shows beside effects, requests and faults. */
  readonly shows: Readonly<Record<string, (deps: D) => object>>;
  /** What `POST /_admin/<name>` turns. */
  readonly knobs: Readonly<Record<string, Knob<D>>>;
  /** Said where a knob answers null. */
  readonly missing: string;
};

/**
 * The routes under `/_` of one simulated system: its logs, its faults and the knobs of the person who runs it. They are no part
 * of the product it stands for. The listener has refused web pages before.
 */
export function adminRoutes<D extends { readonly faults: FaultBook }>(
  own: AdminRoutes<D>,
): (deps: D, request: SimRequest) => Promise<SimAnswer> {
  return async (deps, request) => {
    try {
      const body: unknown = request.bodyText === '' ? {} : JSON.parse(request.bodyText);
      return request.method === 'GET' ? show(own, deps, request.path) : await turn(own, deps, { ...request, body });
    } catch (error) {
      if (error instanceof z.ZodError) return plain(400, { error: z.prettifyError(error) });
      if (error instanceof SyntaxError) return plain(400, { error: 'The body is not JSON.' });
      throw error;
    }
  };
}

function show<D extends { readonly faults: FaultBook }>(own: AdminRoutes<D>, deps: D, path: string): SimAnswer {
  const { effects } = own.state(deps);
  const shows: AdminRoutes<D>['shows'] = {
    effects: () => ({ effects: effects.effects() }),
    requests: () => ({ requests: effects.requests() }),
    faults: () => ({ faults: deps.faults.list() }),
    ...own.shows,
  };
  const name = /^\/_([a-z]+)$/.exec(path)?.[1] ?? '';
  const shown = Object.hasOwn(shows, name) ? shows[name]?.(deps) : undefined;
  return shown ? plain(200, shown) : plain(404, { error: `GET one of /_${Object.keys(shows).join(', /_')}` });
}

async function turn<D extends { readonly faults: FaultBook }>(
  own: AdminRoutes<D>,
  deps: D,
  { method, path, body }: Pick<SimRequest, 'method' | 'path'> & { readonly body: unknown },
): Promise<SimAnswer> {
  const { file, effects } = own.state(deps);
  if (method === 'DELETE' && path === '/_faults') {
    deps.faults.clear();
    return plain(200, { faults: [] });
  }
  if (method === 'DELETE' && path === '/_effects') {
    file.atomically(() => effects.clear());
    return plain(200, { effects: [] });
  }
  if (method !== 'POST') return plain(405, { error: 'GET, POST or DELETE' });
  if (path === '/_faults') return plain(201, { faults: [body].flat().map((spec) => deps.faults.add(spec)) });
  const name = /^\/_admin\/([a-z0-9-]+)$/.exec(path)?.[1] ?? '';
  const knob = Object.hasOwn(own.knobs, name) ? own.knobs[name] : undefined;
  if (!knob) return plain(404, { error: `One of ${Object.keys(own.knobs).join(', ')} under /_admin/` });
  const result = await file.atomically(() => knob(deps, body));
  return result === null ? plain(404, { error: own.missing }) : plain(200, result);
}

function plain(status: number, body: unknown): SimAnswer {
  return { status, headers: { 'content-type': 'application/json' }, bodyText: `${JSON.stringify(body)}\n` };
}
