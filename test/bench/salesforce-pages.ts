import { spawn } from 'node:child_process';
import { place } from '../../infra/local/systems/salesforce/org.ts';
import { startSalesforce } from '../../infra/local/systems/salesforce/start.ts';
import { salesforce } from '../../shared/connectors/salesforce/calls.ts';
import { operationById } from '../../shared/connectors/salesforce/operations.ts';
import { httpClient } from '../../shared/http/client.ts';
import { encodeQuery } from '../../shared/http/path.ts';
import { systemClock } from '../../shared/model/clock.ts';
import type { PlannedCall } from '../../shared/model/operation.ts';

const records = 100_000;
const allowedMb = 60;
const mb = (bytes: number) => Math.round(bytes / 1_048_576);

type Read = { readonly seen: number; readonly pages: number; readonly idleMb: number; readonly peakMb: number };

/** Reads all accounts page by page; memory is compared with the process as it stands after its first request. */
async function readAll(origin: string): Promise<Read> {
  const http = httpClient({ clock: systemClock, local: true });
  const ask = async (call: PlannedCall) => {
    const operation = operationById(call.operation);
    if (operation?.kind !== 'read') throw new Error(call.operation);
    const { method, path, query, headers } = operation.request({ apiVersion: '62.0', providerKey: '' }, call.input);
    const result = await http.send({
      ...{ origin, method, path: path + encodeQuery(query), body: null },
      headers: { ...headers, authorization: 'Bearer local-static-token' },
      deadlineMs: Date.now() + 60_000,
    });
    const verdict = result.kind === 'answer' ? operation.judge(result.answer, call.input) : null;
    if (verdict?.kind !== 'ok') throw new Error('a page could not be read');
    return verdict.data as { readonly results: readonly unknown[]; readonly after: string | null };
  };
  await ask(salesforce.accounts.query({ limit: 1 }));
  const idle = process.memoryUsage.rss();
  let [seen, pages, peak] = [0, 0, idle];
  let call: PlannedCall | null = salesforce.accounts.query();
  while (call) {
    const { results, after } = await ask(call);
    [seen, pages, peak] = [seen + results.length, pages + 1, Math.max(peak, process.memoryUsage.rss())];
    call = after === null ? null : salesforce.accounts.next(after);
  }
  http.close();
  return { seen, pages, idleMb: mb(idle), peakMb: mb(peak) };
}

/** `node test/bench/salesforce-pages.ts`: how much memory a process needs that reads 100,000 records. */
const [origin] = process.argv.slice(2);
if (origin === undefined) {
  const simulator = await startSalesforce({ port: 0, seed: 1, clock: systemClock, seeded: false });
  const values = { Type: 'Prospect', Industry: 'Retail', Phone: '+31 20 1234567', Website: 'https://acme.example' };
  for (let n = 0; n < records; n += 1) place(simulator.org, 'Account', { Name: `Acme ${n}`, ...values }, 0);
  // In a process of its own: the simulator's memory is not the reader's.
  const child = spawn(process.execPath, [import.meta.filename, simulator.url], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const text = (await child.stdout.toArray()).join('');
  await simulator.close();
  const { seen, pages, idleMb, peakMb } = JSON.parse(text) as Read;
  const more = peakMb - idleMb;
  console.log(`${seen} records in ${pages} pages: ${idleMb} MB idle, ${peakMb} MB at most, ${more} MB more`);
  process.exitCode = seen === records && more <= allowedMb ? 0 : 1;
} else console.log(JSON.stringify(await readAll(origin)));
