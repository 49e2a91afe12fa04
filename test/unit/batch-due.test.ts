import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HubSpotSimulator } from '../../infra/local/systems/hubspot/start.ts';
import { executeMany } from '../../shared/action/many.ts';
import { hubspot as plan } from '../../shared/connectors/hubspot/calls.ts';
import { operationById } from '../../shared/connectors/hubspot/operations.ts';
import { silentLog } from '../../shared/observe/json-log.ts';
import { digestOfCall } from '../../shared/tools/attempt.ts';
import { dueWorker, type WorkDeps } from '../../shared/tools/work-due.ts';
import { shippedConfig } from '../kit/agent-world.ts';
import { nthRequest, together } from '../kit/batching.ts';
import { testClock, testKernel } from '../kit/kernel.ts';
import { rate } from '../kit/scripted-attempts.ts';
import { callHubSpot, startTestHubSpot, staticToken } from '../kit/simulator.ts';
import { plainSenderTo } from '../kit/system-world.ts';

let hubspot: HubSpotSimulator;
let serial = 0;
beforeAll(async () => {
  hubspot = await startTestHubSpot();
});
afterAll(() => hubspot.close());

/** Updates and notes of the product itself that wait to be tried again, each of another record, and the worker of their hints. */
async function waiting(count: number) {
  const { systems } = shippedConfig();
  const clock = testClock();
  const system = { send: plainSenderTo(hubspot, `Bearer ${staticToken}`), operations: operationById, systems };
  const inputs = Array.from({ length: count }, (_, n) => ({
    properties: { email: `due${n}.${crypto.randomUUID()}@example.test`, jobtitle: 'old' },
  }));
  const made = await callHubSpot(hubspot, 'POST', '/crm/objects/2026-09/contacts/batch/create', { inputs });
  const ids = made.body.results.map(({ id }: { id: string }) => id) as readonly string[];
  hubspot.effects.clear();
  const calls = ids.flatMap((id, n) => [
    plan.contacts.update(id, { jobtitle: `new ${n}` }),
    plan.notes.append({ text: `note ${n}`, on: { object: 'contact', id }, atMs: 1_800_000_000_000 }),
  ]);
  const first = together({ clock });
  first.send.mockImplementationOnce(async ({ items }) => items.map(() => rate));
  const requests = calls.map((call) => {
    const operation = operationById(call.operation);
    if (operation?.kind !== 'write') throw new Error(call.operation);
    const { effect, resend } = operation;
    const digests = { requestDigest: digestOfCall(system, call) };
    serial += 1;
    return nthRequest(serial, {
      principal: 'service:sync',
      tool: 'repair',
      call,
      effect,
      resend,
      ...digests,
      before: null,
    });
  });
  await executeMany(first.deps, requests);
  clock.advance(10_000);
  const control = { check: async () => ({ kind: 'on' }) };
  const kernel = {
    ...testKernel({ attempt: () => Promise.reject(new Error('not used')), clock }),
    store: first.deps.store,
  };
  const work = dueWorker({
    ...system,
    config: shippedConfig(),
    kernel,
    control,
    log: silentLog,
  } as unknown as WorkDeps);
  const hints = requests.map(({ identity }, n) => ({
    messageId: `m${n}`,
    body: JSON.stringify({ key: identity.key }),
  }));
  const states = async () => {
    const records = await Promise.all(requests.map(({ identity }) => first.deps.store.get(identity.key)));
    return records.map((record) => record?.state);
  };
  return { work, hints, states };
}

const writes = () =>
  hubspot.effects
    .requests()
    .filter(({ method }) => method !== 'GET')
    .map(({ path }) => path.replace('/crm/objects/2026-09', ''));

describe('the worker of due actions', () => {
  it('puts those of one operation into one request', async () => {
    const { work, hints, states } = await waiting(3);
    expect(await work(hints, 60_000)).toEqual({ batchItemFailures: [] });
    expect(new Set(await states())).toEqual(new Set(['SUCCEEDED']));
    expect(writes().toSorted()).toEqual(['/contacts/batch/update', '/notes/batch/create']);
    expect(hubspot.effects.effects()).toHaveLength(6);
  });

  it('does each once where hints come twice, in one message batch or two', async () => {
    const { work, hints, states } = await waiting(3);
    await Promise.all([work([...hints, ...hints.slice(0, 3)], 60_000), work(hints, 60_000)]);
    expect(new Set(await states())).toEqual(new Set(['SUCCEEDED']));
    expect(hubspot.effects.effects()).toHaveLength(6);
  });
});
