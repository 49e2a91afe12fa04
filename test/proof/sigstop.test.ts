import { fork } from 'node:child_process';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const child = fileURLToPath(new URL('./sigstop-child.ts', import.meta.url));
/** Longer than the lease that the child holds. */
const frozenMs = 2500;

let server: Server;
const written: string[] = [];
beforeAll(async () => {
  server = createServer((request, response) => {
    written.push(request.headers['host'] ?? '');
    response.end('{}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterAll(() => void server.close());

type Report = { readonly kind: string; readonly outcome?: string; readonly sent?: string };

/** Runs the child; where it is frozen, from right before it connects until its lease is over. Answers its report and what was written. */
function run(how: { readonly freeze: boolean; readonly guarded: boolean }) {
  const { port } = server.address() as AddressInfo;
  const before = written.length;
  const process = fork(child, [`http://127.0.0.1:${port}`, how.guarded ? 'guarded' : 'bare'], { execArgv: [] });
  return new Promise<Report & { writes: number }>((resolve, reject) => {
    let report: Report = { kind: 'none' };
    process.on('message', (message: Report) => {
      if (message.kind === 'done') report = message;
      if (message.kind !== 'now' || !how.freeze) return;
      process.kill('SIGSTOP');
      setTimeout(() => process.kill('SIGCONT'), frozenMs);
    });
    process.once('error', reject);
    process.once('exit', () => resolve({ ...report, writes: written.length - before }));
  });
}

describe('a process that is frozen for longer than its lease, right before it sends', () => {
  it('writes nothing when it goes on, and its action waits for another attempt', async () => {
    const report = await run({ freeze: true, guarded: true });
    expect(report).toEqual({ kind: 'done', outcome: 'queued', sent: 'not_permitted', writes: 0 });
  });

  it('would write without the question that is asked with the head of the request', async () => {
    expect((await run({ freeze: true, guarded: false })).writes).toBe(1);
  });

  it('writes once when it is not frozen', async () => {
    const report = await run({ freeze: false, guarded: true });
    expect(report).toEqual({ kind: 'done', outcome: 'applied', sent: 'answer', writes: 1 });
  });
});
