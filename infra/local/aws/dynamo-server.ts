import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Clock } from '../../../shared/model/clock.ts';
import { privateDirectory } from '../state-dir.ts';

/** A DynamoDB endpoint on this machine or elsewhere. */
export type DynamoServer = {
  readonly endpoint: string;
  readonly pid: number | null;
  /** Ends it; what it acknowledged is on the disk. */
  stop(): Promise<void>;
  /** Starts it again on the same port and files after it was stopped or killed. */
  restart(): Promise<void>;
};

type Command = {
  readonly program: string;
  readonly host: string;
  readonly args: (port: number) => readonly string[];
};

const embedded = fileURLToPath(new URL('../../../node_modules/@dynoxide/linux-x64/dynoxide', import.meta.url));
/** Node's child processes outlive a killed parent; this shell waits for its parent's pipe to close and then ends the server. */
const guarded =
  '"$@" </dev/null & child=$!; trap "kill -9 $child" TERM INT; (cat >/dev/null; kill -9 $child) <&3 & wait $child';

/**
 * Starts DynamoDB with its files below `directory`: the embedded binary on Linux x64; else DynamoDB Local with Java 17, from
 * the folder in `PLUMBLINE_DYNAMODB_LOCAL`; or uses the endpoint in `PLUMBLINE_DYNAMODB_ENDPOINT`. Throws a sentence that
 * names these three where none is there.
 */
export async function startDynamoServer(
  directory: string,
  clock: Clock,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Promise<DynamoServer> {
  const given = environment['PLUMBLINE_DYNAMODB_ENDPOINT'];
  if (given) return { endpoint: given, pid: null, stop: async () => undefined, restart: async () => undefined };
  const command = commandFor(privateDirectory(directory), environment);
  for (let attempt = 1; ; attempt += 1) {
    const port = await freePort(command.host);
    try {
      let running = await launch(command, port, clock);
      return {
        endpoint: `http://${command.host}:${port}`,
        get pid() {
          return running.pid;
        },
        stop: () => running.stop(),
        async restart() {
          await running.stop();
          running = await launch(command, port, clock);
        },
      };
    } catch (error) {
      // Between looking for a free port and taking it, another program may have taken it.
      if (attempt === 4) throw error;
    }
  }
}

function commandFor(directory: string, environment: Readonly<Record<string, string | undefined>>): Command {
  const jarDirectory = environment['PLUMBLINE_DYNAMODB_LOCAL'];
  if (jarDirectory) {
    const library = `-Djava.library.path=${join(jarDirectory, 'DynamoDBLocal_lib')}`;
    const jar = ['-jar', join(jarDirectory, 'DynamoDBLocal.jar'), '-sharedDb', '-dbPath', directory];
    return { program: 'java', host: '127.0.0.1', args: (port) => [library, ...jar, '-port', String(port)] };
  }
  if (existsSync(embedded)) {
    const file = join(directory, 'dynamodb.sqlite');
    // It answers any Host and any Origin, so it listens where no page can guess it: one of 16 million loopback addresses.
    const host = `127.${[randomInt(1, 255), randomInt(0, 256), randomInt(1, 255)].join('.')}`;
    const fixed = ['serve', '--host', host, '--db-path', file];
    return { program: embedded, host, args: (port) => [...fixed, '--port', String(port)] };
  }
  throw new Error(
    'There is no DynamoDB for this machine. The embedded one runs on Linux x64 (npm ci installs it). ' +
      'Elsewhere set PLUMBLINE_DYNAMODB_LOCAL to the folder of DynamoDB Local (with Java 17 or newer), ' +
      'or PLUMBLINE_DYNAMODB_ENDPOINT to the URL of a running one.',
  );
}

async function launch(
  command: Command,
  port: number,
  clock: Clock,
): Promise<{ readonly pid: number | null; stop(): Promise<void> }> {
  const args = ['-c', guarded, 'dynamodb', command.program, ...command.args(port)];
  const child = spawn('/bin/sh', args, { stdio: ['ignore', 'ignore', 'ignore', 'pipe'], detached: true });
  const gone = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
  const stop = async () => {
    // Its own process group: Ctrl-C does not end the store before what uses it has stopped.
    if (child.pid !== undefined) killGroup(child.pid);
    await gone;
  };
  for (let i = 0; i < 800 && child.exitCode === null && child.signalCode === null; i += 1) {
    if (await answers(`http://${command.host}:${port}`)) return { pid: child.pid ?? null, stop };
    await clock.sleep(25);
  }
  await stop();
  throw new Error(`${command.program} did not start on port ${port}.`);
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // All of it has ended by itself.
  }
}

async function answers(url: string): Promise<boolean> {
  try {
    await (await fetch(url, { signal: AbortSignal.timeout(1000) })).arrayBuffer();
    return true;
  } catch {
    return false;
  }
}

async function freePort(host: string): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('There is no free loopback port.');
  return address.port;
}
