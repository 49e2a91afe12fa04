import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { openSqsStore } from '../../infra/local/aws/sqs-store.ts';
import { systemClock } from '../../shared/model/clock.ts';

const script = new URL('../kit/tiny-deployment.ts', import.meta.url).pathname;

function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

it('leaves no process behind and loses no message when it is killed with SIGKILL', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'killed-'));
  const child = spawn(process.execPath, [script, directory], { stdio: ['ignore', 'pipe', 'inherit'] });
  const line = await new Promise<string>((resolve) => child.stdout.once('data', (data) => resolve(String(data))));
  const { pids } = JSON.parse(line) as { pids: number[] };
  expect(pids.filter(lives)).toHaveLength(2);
  child.kill('SIGKILL');
  await vi.waitFor(() => expect(pids.filter(lives)).toEqual([]), 10_000);
  const store = openSqsStore(join(directory, 'state', 'aws'), systemClock);
  expect(store.receive('tiny-service-Work', { max: 10 }).map((message) => message.body)).toEqual(['kept']);
  store.close();
  rmSync(directory, { recursive: true });
});
