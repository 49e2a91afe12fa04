import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createDeliveries, statusOf } from '../../infra/local/systems/deliveries.ts';
import { noStateFile, openStateFile, type StateFile } from '../../infra/local/systems/state-file.ts';
import { recordingServer } from '../kit/recording-server.ts';
import { manualClock } from '../kit/simulator.ts';

type Sent = { readonly id: string; readonly attempt: number; readonly text: string };

let clock: ReturnType<typeof manualClock>;
let closes: (() => unknown)[];
beforeEach(() => {
  [clock, closes] = [manualClock(), []];
});
afterEach(async () => {
  for (const close of closes.reverse()) await close();
});

const receiver = async (...args: Parameters<typeof recordingServer>) => {
  const server = await recordingServer(...args);
  closes.push(() => server.close());
  return server;
};
const opened = (given: { file?: StateFile; atOnce?: number } = {}) => {
  const deliveries: ReturnType<typeof createDeliveries<string, Sent, { id: string }>> = createDeliveries({
    ...{ clock, file: noStateFile, kind: 'sent', atOnce: 1, retryDelaysMs: [1000, 1000], ...given },
    send: (url: string, { text, attempt }: Sent) =>
      statusOf(`${url}/${attempt}`, { headers: {}, body: text, withinMs: 5000, closed: deliveries.closed }),
    says: ({ id }: Sent) => ({ id }),
  });
  closes.push(() => deliveries.close());
  const offer = (id: string) => deliveries.offer(() => ({ id, attempt: 0, text: id }));
  return { ...deliveries, offer };
};
const sent = (got: readonly { path: string; body: string }[]) => got.map(({ path, body }) => body + path);

it('delivers again after each wait, until it is answered 2xx', async () => {
  const server = await receiver((n) => (n === 1 ? null : n === 2 ? 500 : 204));
  const { target, offer, log } = opened();
  target(server.url);
  offer('a');
  await expect.poll(() => log().length).toBe(1);
  clock.advance(1000);
  await expect.poll(() => log().length).toBe(2);
  clock.advance(1000);
  await expect
    .poll(() => log().map(({ attempt, status }) => [attempt, status]))
    .toEqual([
      [0, null],
      [1, 500],
      [2, 204],
    ]);
  expect(sent(server.got)).toEqual(['a/0', 'a/1', 'a/2']);
});

it('gives up after the last attempt, and keeps nothing of it', async () => {
  const file = openStateFile(mkdtempSync(join(tmpdir(), 'plumbline-deliveries-')), 'test');
  closes.push(() => file.close());
  const server = await receiver(() => 500);
  const { target, offer, log } = opened({ file });
  target(server.url);
  offer('a');
  for (const count of [1, 2, 3]) {
    await expect.poll(() => log().length).toBe(count);
    expect(file.load('sent')).toHaveLength(count === 3 ? 0 : 1);
    clock.advance(1000);
  }
});

it('delivers after a restart what was not acknowledged, to the first target', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'plumbline-deliveries-'));
  const first = openStateFile(directory, 'test');
  const refusing = await receiver((n) => (n === 1 ? 200 : 500));
  const before = opened({ file: first });
  before.target(refusing.url);
  before.offer('acknowledged');
  before.offer('waiting');
  await expect.poll(() => before.log().length).toBe(2);
  before.close();
  first.close();

  const second = openStateFile(directory, 'test');
  closes.push(
    () => rmSync(directory, { recursive: true }),
    () => second.close(),
  );
  const server = await receiver();
  const after = opened({ file: second });
  after.target(server.url);
  await expect.poll(() => after.log()).toMatchObject([{ id: 'waiting', status: 200 }]);
  expect(second.load('sent')).toEqual([]);
});

it('loses and doubles as many as it is told', async () => {
  const server = await receiver();
  const { target, offer, drop, duplicate, log } = opened();
  target(server.url);
  drop(1);
  duplicate(1);
  for (const id of ['lost', 'doubled', 'plain']) offer(id);
  await expect.poll(() => log().length).toBe(3);
  expect(sent(server.got)).toEqual(['doubled/0', 'doubled/0', 'plain/0']);
});

it('has no more under way than it may, and lets a wait hold up no other', async () => {
  const answered = Promise.withResolvers<void>();
  const begun: string[] = [];
  const deliveries = createDeliveries({
    ...{ clock, file: noStateFile, kind: 'sent', atOnce: 2, retryDelaysMs: [60_000] },
    send: async (_to: string, { id }: Sent) => {
      begun.push(id);
      if (id !== 'c') await answered.promise;
      return { status: 500 };
    },
    says: () => ({}),
  });
  closes.push(() => deliveries.close());
  deliveries.target('x');
  for (const id of ['a', 'b', 'c']) deliveries.offer(() => ({ id, attempt: 0, text: '' }));
  await expect.poll(() => begun).toEqual(['a', 'b']);
  answered.resolve();
  await expect.poll(() => deliveries.log().length).toBe(3);
  expect(begun).toEqual(['a', 'b', 'c']);
});
