import type { Clock } from '../../../shared/model/clock.ts';
import type { StateFile } from './state-file.ts';

/** A notification that waits to be delivered. `attempt` counts from 0. */
export type Waiting = { readonly id: string; readonly attempt: number };

/** What became of one attempt: the status of the answer, or null where there was none. */
export type Attempted<W> = {
  readonly status: number | null;
  /** It is not tried again, whatever the status. */
  readonly last?: boolean;
  /** What the next attempt is to know of this one. */
  readonly note?: Partial<W>;
};

/** One attempt that was made. */
export type Delivery<S> = { readonly atMs: number; readonly attempt: number; readonly status: number | null } & S;

/** How one system delivers to its receiver of type T. */
export type DeliveryWay<T, W extends Waiting, S> = {
  readonly clock: Clock;
  readonly file: StateFile;
  /** Under which kind the file keeps what waits. */
  readonly kind: string;
  /** Waits between the attempts, milliseconds; one more attempt than waits. */
  readonly retryDelaysMs: readonly number[];
  /** How many deliveries are under way at a time. */
  readonly atOnce: number;
  readonly send: (target: T, waiting: W) => Promise<Attempted<W>>;
  /** Takes out of the queue what goes together with the first of it. Without a file only. */
  readonly gather?: (first: W, queue: W[]) => W;
  /** What the log says of a delivery beside time, attempt and status. */
  readonly says: (waiting: W) => S;
};

/** The deliveries of one simulated system, with the knobs of the person who runs it. */
export type Deliveries<T, W extends Waiting, S> = {
  /** The first target gets what an earlier process had not delivered. */
  target(target: T | null): void;
  aimedAt(): T | null;
  /** Takes a new notification, after the request that made the change was answered. */
  offer(make: () => W): void;
  /** The next `count` notifications are never delivered. */
  drop(count: number): void;
  /** The next `count` notifications are delivered twice. */
  duplicate(count: number): void;
  log(): readonly Delivery<S>[];
  readonly closed: AbortSignal;
  close(): void;
};

/** Delivers each notification until it is answered 2xx or has no attempt left; a restart delivers again what was not answered. */
export function createDeliveries<T, W extends Waiting, S>(way: DeliveryWay<T, W, S>): Deliveries<T, W, S> {
  const { file, kind } = way;
  const closing = new AbortController();
  const left = { drop: 0, duplicate: 0 };
  let aim: T | null = null;
  const { add, log } = createQueue(way, () => aim, closing.signal);
  return {
    target(target) {
      const first = aim === null;
      aim = target;
      if (first && target !== null) for (const waiting of file.load<W>(kind)) add(waiting);
    },
    aimedAt: () => aim,
    offer(make) {
      if (left.drop > 0) {
        left.drop -= 1;
        return;
      }
      const waiting = make();
      file.save(kind, waiting.id, waiting);
      add(waiting);
      if (left.duplicate === 0) return;
      left.duplicate -= 1;
      add(waiting);
    },
    drop(count) {
      left.drop += count;
    },
    duplicate(count) {
      left.duplicate += count;
    },
    log: () => log,
    closed: closing.signal,
    close: () => closing.abort(),
  };
}

/** Deliveries by the order they are added in; where `target` is null they are left to the next process. */
export function createQueue<T, W extends Waiting, S>(
  way: DeliveryWay<T, W, S>,
  target: () => T | null,
  closed: AbortSignal,
) {
  const { clock, file, kind } = way;
  const log: Delivery<S>[] = [];
  const queue: W[] = [];
  let underWay = 0;
  const add = (waiting: W) => {
    queue.push(waiting);
    setImmediate(pump);
  };
  const pump = () => {
    while (underWay < way.atOnce && !closed.aborted) {
      const first = queue.shift();
      if (first === undefined) return;
      underWay += 1;
      deliver(way.gather?.(first, queue) ?? first)
        .catch(() => undefined)
        .finally(() => {
          underWay -= 1;
          pump();
        });
    }
  };
  const deliver = async (waiting: W) => {
    const to = target();
    if (to === null) return;
    const { status, last, note } = await way.send(to, waiting);
    const { attempt } = waiting;
    log.push({ atMs: clock.now(), attempt, status, ...way.says(waiting) });
    if (closed.aborted) return;
    const delayMs = way.retryDelaysMs[attempt];
    const isAccepted = status !== null && status >= 200 && status < 300;
    if (last || isAccepted || delayMs === undefined) return file.remove(kind, waiting.id);
    // The wait must not hold up the others.
    void sleepUntil(clock, clock.now() + delayMs, closed).then(
      () => add({ ...waiting, ...note, attempt: attempt + 1 }),
      () => undefined,
    );
  };
  return { add, log };
}

/** Sleeps in short steps, so that closing a simulator does not wait for an attempt hours away. */
export async function sleepUntil(clock: Clock, atMs: number, closed: AbortSignal): Promise<void> {
  while (clock.now() < atMs && !closed.aborted) await clock.sleep(Math.min(250, atMs - clock.now()));
}

/**
 * One POST that follows no redirect.
 * @throws where no answer came within `withinMs`, or the simulator was closed meanwhile
 */
export async function post(
  url: string,
  {
    withinMs,
    closed,
    ...init
  }: { headers: Record<string, string>; body: string; withinMs: number; closed: AbortSignal },
): Promise<{ readonly status: number; readonly headers: Headers; readonly text: string }> {
  const signal = AbortSignal.any([closed, AbortSignal.timeout(withinMs)]);
  const answer = await fetch(url, { method: 'POST', ...init, signal, redirect: 'manual' });
  return { status: answer.status, headers: answer.headers, text: await answer.text() };
}

/** As {@link post}, for systems that look at nothing but the status. */
export async function statusOf(...given: Parameters<typeof post>): Promise<{ readonly status: number | null }> {
  return post(...given).then(
    ({ status }) => ({ status }),
    () => ({ status: null }),
  );
}
