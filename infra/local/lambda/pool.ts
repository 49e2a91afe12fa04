import { type FunctionSpec, type Instance, type Invocation, startInstance } from './instance.ts';

/** The processes of one function. */
export type FunctionPool = {
  readonly spec: FunctionSpec;
  /** Runs one invocation in a warm process, else in a new one, else as soon as one is free. */
  invoke(event: unknown): Promise<Invocation>;
  /** Starts a process ahead of the first invocation; resolves with the failure where the bundle cannot be loaded. */
  warm(): Promise<Invocation | null>;
  pids(): readonly number[];
  /** Kills every process of the function; what they were doing fails, the next invocation starts a new one. */
  kill(signal?: NodeJS.Signals): Promise<void>;
  /** Ends the pool for good. */
  close(): Promise<void>;
};

const defaultConcurrency = 4;

type Pool = {
  readonly spec: FunctionSpec;
  readonly instances: Set<Instance>;
  readonly idle: Instance[];
  readonly waiting: (() => void)[];
  closed: boolean;
};

/** Creates the pool of a function; no process starts before it is needed or warmed. */
export function createPool(spec: FunctionSpec): FunctionPool {
  const pool: Pool = { spec, instances: new Set(), idle: [], waiting: [], closed: false };
  const kill = async (signal: NodeJS.Signals = 'SIGKILL') => {
    const all = [...pool.instances];
    for (const instance of all) instance.kill(signal);
    if (signal === 'SIGKILL') await Promise.all(all.map((instance) => instance.gone));
  };
  return {
    spec,
    invoke: (event) => invoke(pool, event),
    async warm() {
      const instance = start(pool);
      const failure = await instance.ready;
      if (failure === null) release(pool, instance);
      return failure;
    },
    pids: () => [...pool.instances].map((instance) => instance.pid),
    kill,
    async close() {
      pool.closed = true;
      for (const wake of pool.waiting.splice(0)) wake();
      await kill();
    },
  };
}

async function invoke(pool: Pool, event: unknown): Promise<Invocation> {
  const instance = await take(pool);
  if (instance === null)
    return { kind: 'failed', errorType: 'ServiceException', errorMessage: 'The deployment stops.' };
  const failure = await instance.ready;
  if (failure !== null) {
    await instance.gone;
    return failure;
  }
  const outcome = await instance.run(event, crypto.randomUUID());
  release(pool, instance);
  return outcome;
}

async function take(pool: Pool): Promise<Instance | null> {
  const most = pool.spec.concurrency ?? defaultConcurrency;
  while (!pool.closed) {
    const warm = pool.idle.pop();
    if (warm?.isAlive()) return warm;
    if (warm !== undefined) continue;
    if (pool.instances.size < most) return start(pool);
    await new Promise<void>((resolve) => pool.waiting.push(resolve));
  }
  return null;
}

function start(pool: Pool): Instance {
  const instance = startInstance(pool.spec);
  pool.instances.add(instance);
  void instance.gone.then(() => {
    pool.instances.delete(instance);
    pool.waiting.shift()?.();
  });
  return instance;
}

function release(pool: Pool, instance: Instance): void {
  if (instance.isAlive()) pool.idle.push(instance);
  pool.waiting.shift()?.();
}
