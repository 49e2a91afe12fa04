import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { fileURLToPath } from 'node:url';

const boot = fileURLToPath(new URL('./boot.mjs', import.meta.url));

/** What one function runs as. */
export type FunctionSpec = {
  /** As other functions and people call it, such as `agent-door`. */
  readonly name: string;
  /** The built ES module, absolute. */
  readonly entry: string;
  /** The export that is called. */
  readonly handler: string;
  readonly timeoutMs: number;
  readonly memoryMb: number;
  /** The whole environment of its processes. */
  readonly environment: Readonly<Record<string, string>>;
  /** Everything its processes write goes there. */
  readonly logFile: string;
  /** Most processes at once; further invocations wait. Default 4. */
  readonly concurrency?: number;
};

/** How one invocation ended. `payload` is the returned value as JSON text. */
export type Invocation =
  | { readonly kind: 'returned'; readonly payload: string }
  | { readonly kind: 'failed'; readonly errorType: string; readonly errorMessage: string };

/** One process of a function: runs one invocation at a time. */
export type Instance = {
  readonly pid: number;
  /** Resolves when the bundle is loaded; with the failure where it cannot be. */
  readonly ready: Promise<Invocation | null>;
  run(event: unknown, requestId: string): Promise<Invocation>;
  isAlive(): boolean;
  kill(signal?: NodeJS.Signals): void;
  readonly gone: Promise<void>;
};

type Message = { kind: string; requestId?: string; payload?: string; errorType?: string; errorMessage?: string };

/** Starts one process of a function. A process that ends in mid-invocation fails that invocation, as in Lambda. */
export function startInstance(spec: FunctionSpec): Instance {
  const child = spawn(process.execPath, ['--enable-source-maps', boot, spec.entry, spec.handler], {
    env: { ...spec.environment },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    cwd: process.cwd(),
  });
  const log = createWriteStream(spec.logFile, { flags: 'a', mode: 0o600 });
  child.stdout?.pipe(log, { end: false });
  child.stderr?.pipe(log, { end: false });
  const gone = new Promise<void>((resolve) => {
    child.once('error', () => resolve());
    child.once('close', () => resolve());
  });
  void gone.then(() => log.end());
  return {
    pid: child.pid ?? 0,
    ready: loaded(child),
    run: (event, requestId) => runOne(child, spec, event, requestId),
    // A process that was sent a signal must get no further work, also before it is gone.
    isAlive: () => child.connected && !child.killed && child.exitCode === null && child.signalCode === null,
    kill(signal = 'SIGKILL') {
      // A stopped process goes on later, so that it must not count as killed.
      if (signal !== 'SIGSTOP' && signal !== 'SIGCONT') child.kill(signal);
      else if (child.pid !== undefined) process.kill(child.pid, signal);
    },
    gone,
  };
}

function loaded(child: ChildProcess): Promise<Invocation | null> {
  return new Promise((resolve) => {
    child.on('message', (message: Message) => {
      if (message.kind === 'ready') resolve(null);
      if (message.kind === 'init_failed') resolve(failed(message.errorType, message.errorMessage));
    });
    child.once('error', (error) => resolve(failed('Runtime.InvalidEntrypoint', error.message)));
    child.once('exit', () => resolve(failed('Runtime.ExitError', 'The process ended before the bundle was loaded.')));
  });
}

function runOne(child: ChildProcess, spec: FunctionSpec, event: unknown, requestId: string): Promise<Invocation> {
  return new Promise((resolve) => {
    const end = (outcome: Invocation) => {
      clearTimeout(timer);
      child.off('message', onMessage);
      child.off('exit', onExit);
      resolve(outcome);
    };
    const onMessage = (message: Message) => {
      if (message.requestId !== requestId) return;
      if (message.kind === 'returned') end({ kind: 'returned', payload: message.payload ?? 'null' });
      else end(failed(message.errorType, message.errorMessage));
    };
    const onExit = () => end(failed('Runtime.ExitError', `RequestId: ${requestId} Error: Runtime exited`));
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      end(
        failed('Sandbox.Timedout', `${requestId} Task timed out after ${(spec.timeoutMs / 1000).toFixed(2)} seconds`),
      );
    }, spec.timeoutMs);
    child.on('message', onMessage);
    child.once('exit', onExit);
    // A channel that closed in this moment ends in `exit`, which settles the invocation.
    child.send({ event, requestId, deadlineMs: Date.now() + spec.timeoutMs }, () => undefined);
  });
}

function failed(errorType = 'Error', errorMessage = ''): Invocation {
  return { kind: 'failed', errorType, errorMessage };
}
