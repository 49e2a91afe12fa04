import { afterEach, expect, it } from 'vitest';
import { functions } from '../../infra/functions.ts';
import type { SendInput } from '../../shared/connectors/sender.ts';
import type { ActionRecord } from '../../shared/model/action.ts';
import { answerReserveMs, answerWithinMs } from '../../shared/tools/call-deps.ts';
import { kernelLimits } from '../../shared/tools/limits.ts';
import { dueWorker } from '../../shared/tools/work-due.ts';
import { type AgentWorld, agentWorld, shippedConfig } from '../kit/agent-world.ts';
import { fixedClock } from '../kit/fixed-clock.ts';

/** What ends the requests of each function before its Lambda ends. A new function has to be thought about here. */
const endsBy = {
  'agent-door': 'answerWithinMs after the request came in, see below',
  'webhook-door': 'asks no system; each AWS request is given up after 3 s',
  'operator-door': 'asks its issuer for 3 s at most, and no system',
  'event-delivery': 'ten seconds for each delivery, those of a batch side by side',
  'event-worker': 'the remaining time less a reserve, test/unit/webhooks-process.test.ts',
  'action-worker': 'the remaining time less a reserve, see below',
  'file-drop': 'the remaining time less a reserve, test/unit/file-drop.test.ts',
  'source-keeper': 'the remaining time less a reserve, of which each feed gets a share',
  tick: 'some seconds for each credential question, one round a minute',
  'token-refresh': 'five seconds for the token endpoint',
  'ledger-stream': 'asks no system',
  'router-stream': 'asks no system',
  'dead-letter': 'asks no system',
  'ledger-guard': 'asks nobody',
};

const startMs = 1_800_000_000_000;
let world: AgentWorld | undefined;
afterEach(() => world?.close());

const timeoutMs = (name: string) => (functions.find((one) => one.name === name)?.timeoutS ?? 0) * 1000;

it('every function is known here', () => {
  expect(functions.map(({ name }) => name).sort()).toEqual(Object.keys(endsBy).sort());
});

it('a call ends before the gateway and the door do, with room for its answer', async () => {
  const clock = fixedClock(startMs);
  world = await agentWorld(shippedConfig(), clock);
  const deal = await world.create('deals', {
    dealname: 'Acme',
    dealstage: 'appointmentscheduled',
    pipeline: 'default',
  });
  const deadlines: number[] = [];
  const { send } = world.wire;
  world.wire.send = async (input: SendInput) => {
    deadlines.push(input.deadlineMs);
    clock.advance(1000);
    return send(input);
  };
  const args = { deal_id: deal, stage: 'qualifiedtobuy', reason: 'The buyer confirmed it.' };
  expect((await world.call('deal_update_stage', args)).body.status).toBe('applied');
  expect(deadlines.length).toBeGreaterThanOrEqual(2);
  expect(Math.max(...deadlines)).toBeLessThanOrEqual(startMs + answerWithinMs - answerReserveMs);
  expect(answerWithinMs).toBeLessThanOrEqual(timeoutMs('agent-door') - 5000);
});

it('a lease outlives every function that sends', () => {
  expect(kernelLimits.leaseMs).toBeGreaterThanOrEqual(timeoutMs('agent-door') + 5000);
});

it.each([60_000, 12_000])('the worker asks no system beyond its own %i ms, less a reserve', async (remainingMs) => {
  const clock = fixedClock(startMs);
  world = await agentWorld(shippedConfig(), clock);
  const { deps, store, wire, sent } = world;
  const deal = await world.create('deals', {
    dealname: 'Acme',
    dealstage: 'appointmentscheduled',
    pipeline: 'default',
  });
  const { send } = wire;
  wire.send = async (input: SendInput) =>
    input.purpose === 'write'
      ? { kind: 'not_sent', error: { class: 'transient', code: 'connect_failed', message: '' } }
      : send(input);
  const args = { deal_id: deal, stage: 'qualifiedtobuy', reason: 'The buyer confirmed it.' };
  const queued = await world.call('deal_update_stage', args);
  expect(queued.body.status).toBe('queued');
  const key = queued.body.action_id?.split('_')[1] ?? '';
  clock.advance(600_000);
  wire.send = send;
  const before = sent.length;
  const nowMs = clock.now();
  const body = JSON.stringify({ key });
  expect(await dueWorker(deps)([{ messageId: 'm', body }], remainingMs)).toEqual({ batchItemFailures: [] });
  expect(((await store.get(key)) as ActionRecord).state).toBe('SUCCEEDED');
  const deadlines = (sent.slice(before) as unknown as SendInput[]).map(({ deadlineMs }) => deadlineMs);
  expect(deadlines.length).toBeGreaterThanOrEqual(2);
  expect(Math.max(...deadlines)).toBeLessThanOrEqual(nowMs + remainingMs - 5000);
});
