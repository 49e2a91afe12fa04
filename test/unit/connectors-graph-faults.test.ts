import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { execute } from '../../shared/action/execute.ts';
import { graph } from '../../shared/connectors/graph/calls.ts';
import { refProperty, requestTimeoutMs } from '../../shared/connectors/graph/client.ts';
import { operations } from '../../shared/connectors/graph/operations.ts';
import type { PlannedCall, WriteOperation } from '../../shared/model/operation.ts';
import { annaId, callGraph, type GraphWorld, graphWorld } from '../kit/graph-simulator.ts';
import { claimOf, settle } from '../kit/system-world.ts';
import {
  type Faults,
  itIsNotSentAgain,
  itIsRunForEveryWrite,
  itTakesEffectOnce,
  writesUnderFaults,
} from '../kit/write-faults.ts';

let world: GraphWorld;
beforeEach(async () => {
  world = await graphWorld();
});
afterEach(() => world.close());

const ref = 'act_draft_1';
const immutable = { prefer: 'IdType="ImmutableId"' };
const marked = (value: string) => ({ singleValueExtendedProperties: [{ id: refProperty, value }] });
const post = async (path: string, body: unknown): Promise<string> => {
  const answer = await callGraph(world.simulator, 'POST', `users/${annaId}/${path}`, body, immutable);
  if (answer.status !== 201) throw new Error(answer.text);
  return answer.body.id;
};
const mail = { subject: 'A', body: 'Hello\nyou', toRecipients: ['maria@example.com'] };
const draft = () =>
  post('messages', {
    subject: 'A',
    toRecipients: [{ emailAddress: { address: 'maria@example.com' } }],
    ...marked(ref),
  });
const span = { start: '2030-01-01T10:00:00Z', end: '2030-01-01T11:00:00Z' };
const time = (dateTime: string) => ({ dateTime, timeZone: 'UTC' });
const event = () =>
  post('events', { subject: 'A', start: time('2030-01-01T10:00:00'), end: time('2030-01-01T11:00:00') });

/** Every write, planned on records that were made for it. */
const writes: Readonly<Record<string, () => Promise<PlannedCall>>> = {
  'messages.create': async () => graph.messages.create(annaId, mail),
  'messages.reply': async () => graph.messages.reply(annaId, await draft(), 'Yes'),
  'messages.update': async () => graph.messages.update(annaId, await draft(), { ...mail, subject: 'B' }),
  'messages.delete': async () => graph.messages.delete(annaId, await draft()),
  'messages.send': async () => graph.messages.send(annaId, await draft(), ref),
  'events.create': async () => graph.events.create(annaId, { subject: 'A', ...span }),
  'events.invite': async () => graph.events.invite(annaId, { subject: 'A', ...span, attendees: ['m@example.com'] }),
  'events.update': async () => graph.events.update(annaId, await event(), { subject: 'B', location: 'Room 2' }),
  'events.delete': async () => graph.events.delete(annaId, await event()),
  'events.cancel': async () => graph.events.cancel(annaId, await event(), 'Sorry'),
};

const faults: Faults = {
  'a failure before it': { kind: 'fail_before_commit' },
  'a server that is unavailable': { kind: 'server_error', status: 503 },
  'a gateway that gives up': { kind: 'server_error', status: 504 },
  'a connection that ends before it': { kind: 'reset' },
  'a page of a proxy instead of it': { kind: 'html_error' },
  'too many requests': { kind: 'rate_limited' },
  'a failure after it': { kind: 'server_error', afterCommit: true },
  'a gateway that gives up after it': { kind: 'server_error', status: 504, afterCommit: true },
  'an answer that is lost': { kind: 'commit_then_lose_response' },
  'a page of a proxy after it': { kind: 'html_error', afterCommit: true },
};

const writing = writesUnderFaults({
  world: () => world,
  plans: writes,
  isWrite: (name) => ({ method: /\.delete/.test(name) ? 'DELETE' : /\.update/.test(name) ? 'PATCH' : 'POST' }),
});
const { meet, applied } = writing;

const ofRecords = [...operations.values()].filter(({ id }) => !id.includes('.subscriptions.'));
itIsRunForEveryWrite(ofRecords, writing.names);
itTakesEffectOnce(writing, faults);
itIsNotSentAgain(writing);

describe('a mail', () => {
  it.each([true, false])('is proven sent whether its id stays (%s) or changes', async (keeps) => {
    world.simulator.tenant.knobs.sentKeepsId = keeps;
    const { key } = await meet('messages.send', { kind: 'commit_then_lose_response' });
    expect([(await settle(world, key)).state, applied()]).toEqual(['SUCCEEDED', 1]);
  });

  it('that is nowhere to be found for hours after its answer was lost goes to a person, not out again', async () => {
    world.simulator.tenant.knobs.outboxMs = 86_400_000;
    const { key } = await meet('messages.send', { kind: 'commit_then_lose_response' });
    expect([(await settle(world, key)).state, applied()]).toEqual(['NEEDS_HUMAN', 1]);
  });

  it('that lies in the outbox for a while is waited for', async () => {
    world.simulator.tenant.knobs.outboxMs = 30_000;
    const { key } = await meet('messages.send', { kind: 'commit_then_lose_response' });
    const record = await settle(world, key);
    expect([record.state, applied(), record.attempts]).toEqual(['SUCCEEDED', 1, 1]);
  });

  it('whose draft a person deleted before it could be proven goes to a person', async () => {
    const { key } = await meet('messages.send', { kind: 'fail_before_commit' });
    const [item] = world.simulator.tenant.items.values();
    await callGraph(world.simulator, 'POST', '/_admin/touch', { id: item?.id, values: null });
    expect([(await settle(world, key)).state, applied()]).toEqual(['NEEDS_HUMAN', 0]);
  });

  it('that was sent is not sent again by another action', async () => {
    const id = await draft();
    const first = await claimOf(world, graph.messages.send(annaId, id, ref));
    const second = await claimOf(world, graph.messages.send(annaId, id, ref), 2);
    world.simulator.effects.clear();
    expect((await execute(world.kernel, first)).outcome.kind).toBe('applied');
    const { outcome } = await execute(world.kernel, { ...second, deadlineMs: world.clock.now() + 20_000 });
    expect([outcome.kind, applied()]).toEqual(['failed', 1]);
  });

  it('of which id and reference are those of two drafts is not sent', async () => {
    await draft();
    const other = await post('messages', { subject: 'B', ...marked('act_other_1') });
    await expect(claimOf(world, graph.messages.send(annaId, other, ref))).rejects.toThrow('not_possible');
    await expect(claimOf(world, graph.messages.send(annaId, other, 'act_none_1'))).rejects.toThrow('draft_not_found');
  });

  it('shows in its before-image that the draft was changed since', async () => {
    const id = await draft();
    const image = async () => (await claimOf(world, graph.messages.send(annaId, id, ref))).before;
    const asked = await image();
    await callGraph(world.simulator, 'POST', '/_admin/touch', { id, values: { subject: 'Pay at once' } });
    expect(asked).not.toEqual(await image());
    expect(asked).toMatchObject({ written: { isDraft: true, changeKey: expect.any(String) } });
  });

  it('is not made of what was received, and what was received is neither changed nor deleted', async () => {
    const arrived = { to: annaId, from: 'maria@example.com', subject: 'S', text: 'T' };
    const { id } = (await callGraph(world.simulator, 'POST', '/_admin/receive', arrived)).body;
    await expect(claimOf(world, graph.messages.update(annaId, id, { subject: 'X' }))).rejects.toThrow('not_possible');
    await expect(claimOf(world, graph.messages.delete(annaId, id))).rejects.toThrow('not_possible');
  });
});

it('what Graph shows although it was not asked for proves nothing', async () => {
  const { key, request } = await meet('messages.create', { kind: 'fail_before_commit' });
  await draft();
  const { probe } = operations.get('graph.messages.create') as WriteOperation;
  const all = await callGraph(world.simulator, 'GET', `users/${annaId}/messages`);
  const answer = { status: 200, headers: {}, bodyText: all.text };
  expect(probe?.judge(answer, request.call.input, null, `act_${key}_1`)).toMatchObject({ kind: 'inconclusive' });
});

it('absence and an unchanged record count only after longer than a request may take', () => {
  for (const operation of operations.values()) {
    if (operation.kind !== 'write') continue;
    const { resend, id } = operation;
    const settleMs = resend.kind === 'none' ? 0 : resend.settleMs;
    expect([id, settleMs >= (id.endsWith('.send') ? 600_000 : 3 * requestTimeoutMs)]).toEqual([id, true]);
  }
});

it('an event that somebody else organizes is neither changed, deleted nor cancelled', async () => {
  const id = await event();
  await callGraph(world.simulator, 'POST', '/_admin/touch', { id, values: { isOrganizer: false } });
  const calls = [
    graph.events.update(annaId, id, { subject: 'B' }),
    graph.events.delete(annaId, id),
    graph.events.cancel(annaId, id),
  ];
  for (const call of calls) await expect(claimOf(world, call)).rejects.toThrow('not_possible');
});

it('an event somebody else changed is not overwritten where the change is bound to a version', async () => {
  const id = await event();
  const { body } = await callGraph(world.simulator, 'GET', `users/${annaId}/events/${encodeURIComponent(id)}`);
  await callGraph(world.simulator, 'POST', '/_admin/touch', { id, values: { showAs: 'free' } });
  world.simulator.effects.clear();
  const call = graph.events.update(annaId, id, { subject: 'B' }, { etag: body['@odata.etag'] });
  const { outcome } = await execute(world.kernel, await claimOf(world, call));
  expect(outcome).toMatchObject({ kind: 'failed', failure: { code: 'system_conflict' } });
  expect(applied()).toBe(0);
});

it('an update that somebody else overwrote before it could be proven goes to a person', async () => {
  const { key } = await meet('events.update', { kind: 'commit_then_lose_response' });
  const [item] = world.simulator.tenant.items.values();
  await callGraph(world.simulator, 'POST', '/_admin/touch', { id: item?.id, values: { subject: 'C' } });
  expect([(await settle(world, key)).state, applied()]).toEqual(['NEEDS_HUMAN', 1]);
});

it('twenty equal claims at once make one event', async () => {
  const request = await claimOf(world, graph.events.create(annaId, { subject: 'A', ...span }));
  await Promise.all(Array.from({ length: 20 }, () => execute(world.kernel, request)));
  expect([(await settle(world, request.identity.key)).state, applied()]).toEqual(['SUCCEEDED', 1]);
});
