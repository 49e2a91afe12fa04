import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parentPort } from 'node:worker_threads';
import { createCallers } from '../../infra/local/aws/callers.ts';
import { serveSqs } from '../../infra/local/aws/sqs.ts';
import { openSqsStore } from '../../infra/local/aws/sqs-store.ts';
import { systemClock as clock } from '../../shared/model/clock.ts';

/** The queue of the local target in a thread of its own: what is measured in front of it is not its own work. */
const store = openSqsStore(mkdtempSync(join(tmpdir(), 'bench-sqs-')), clock);
const callers = createCallers(Buffer.alloc(32, 7));
const { url } = await serveSqs({ store, clock, callers });
parentPort?.postMessage({ url, credentials: callers.keysOf('bench') });
