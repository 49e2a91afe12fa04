import { erpnext } from '../../shared/connectors/erpnext/calls.ts';
import { operationById } from '../../shared/connectors/erpnext/operations.ts';
import { httpClient } from '../../shared/http/client.ts';
import { encodeQuery } from '../../shared/http/path.ts';
import { systemClock } from '../../shared/model/clock.ts';

/** Reads all customers of a simulated site in a process of its own, and says how many and at which peak of memory. */
const [, , origin = ''] = process.argv;
const http = httpClient({ clock: systemClock, local: true });
const authorization = 'token local-key:local-secret';
const megabytes = () => Math.round(process.memoryUsage.rss() / 1e6);

/** The data of one page. */
async function pageAt(after: string | null) {
  const call = erpnext.customers.list({ limit: 500, ...(after ? { after } : {}) });
  const operation = operationById(call.operation);
  if (operation?.kind !== 'read') throw new Error('no read');
  const spec = operation.request({ apiVersion: '15', providerKey: '' }, call.input);
  const path = spec.path + encodeQuery(spec.query);
  const headers = { authorization };
  const sent = await http.send({ origin, method: 'GET', path, headers, body: null, deadlineMs: Date.now() + 20_000 });
  const verdict = sent.kind === 'answer' ? operation.judge(sent.answer, call.input) : null;
  if (verdict?.kind !== 'ok') throw new Error(JSON.stringify(verdict ?? sent));
  return verdict.data as { results: { id: string }[]; after: string | null };
}

// A page is read first, so that what a process loads for its first request counts as idle.
await pageAt(null);
const idleMb = megabytes();
let [count, peakMb, distinct] = [0, idleMb, 0];
let after: string | null = null;
// Records are named C-0, C-1 and so on: one byte each tells whether it was met before, and the names are not kept.
const met = new Uint8Array(100_000);
do {
  const page: Awaited<ReturnType<typeof pageAt>> = await pageAt(after);
  for (const { id } of page.results) {
    count += 1;
    const n = Number(id.slice(2));
    if (met[n] === 0) distinct += 1;
    met[n] = 1;
  }
  peakMb = Math.max(peakMb, megabytes());
  ({ after } = page);
} while (after !== null);
http.close();
console.log(JSON.stringify({ count, distinct, idleMb, peakMb }));
