import { execute } from '../../shared/action/execute.ts';
import { httpClient } from '../../shared/http/client.ts';
import { systemClock, systemRandom } from '../../shared/model/clock.ts';
import { testKernel, testLimits, testRequest } from '../kit/kernel.ts';

/** How long a lease of this process lasts, milliseconds: sends may begin until 1 s before its end. */
const leaseMs = 1800;

/**
 * One call of the kernel in a process of its own, over the real HTTP client. It says `now` when it holds the
 * lease and nothing is left to do but to send, goes on a little later, and then says what the call was answered.
 */
async function main(origin: string, guarded: boolean): Promise<void> {
  const clock = systemClock;
  const http = httpClient({ clock, local: true });
  let sent = 'nothing';
  const kernel = testKernel({
    clock,
    random: systemRandom,
    limits: { ...testLimits, leaseMs, skewMs: 100 },
    attempt: async ({ mayWrite }) => {
      process.send?.({ kind: 'now' });
      await clock.sleep(200);
      const result = await http.send({
        ...{ origin, method: 'POST', path: '/notes', headers: {}, body: Buffer.from('{}') },
        // Far away, so that nothing but the lease can hold the request back.
        deadlineMs: clock.now() + 60_000,
        ...(guarded ? { mayWrite } : {}),
      });
      sent = result.kind === 'answer' ? 'answer' : result.fault.code;
      return result.kind === 'answer'
        ? { kind: 'applied', data: {}, records: [], created: true }
        : { kind: 'not_applied', error: { class: 'transient', code: sent, message: '' } };
    },
  });
  const { outcome } = await execute(kernel, testRequest({ deadlineMs: clock.now() + 60_000 }));
  process.send?.({ kind: 'done', outcome: outcome.kind, sent });
  http.close();
  process.disconnect?.();
}

await main(process.argv[2] ?? '', process.argv[3] === 'guarded');
