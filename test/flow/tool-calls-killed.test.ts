import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sha256Hex } from '../../shared/model/ids.ts';
import type { LedgerEntry } from '../../shared/model/ledger-entry.ts';
import { type Called, startToolWorld, type ToolWorld } from '../kit/tool-world.ts';

/** Another seed is another order of calls and kills. */
const seed = Number(process.env['KILL_SEED'] ?? 7);
const kills = 3;

let world: ToolWorld;
beforeAll(async () => {
  world = await startToolWorld();
});
afterAll(() => world?.close());

/** Numbers below 1, the same for one seed. @see https://github.com/cprosche/mulberry32 */
function dice(start: number): () => number {
  let state = start;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

type Intent = { readonly tool: string; readonly args: object; readonly agent: string };

/** What is meant, each once: notes, deals, tickets and contacts of two agents. */
function intentsOf(roll: () => number): readonly Intent[] {
  const [sales, support] = ['sales-assistant', 'support-assistant'];
  const all = Array.from({ length: 100 }, (_, n): Intent => {
    const contact_id = String(1400 + n);
    if (n % 5 === 0) return { tool: 'deal_create', args: { name: `Killed deal ${n}` }, agent: sales };
    if (n % 5 === 1) {
      const args = { contact_id, subject: `Killed ticket ${n}`, content: 'It broke.' };
      return { tool: 'ticket_create', args, agent: support };
    }
    if (n % 10 === 2) {
      return { tool: 'contact_upsert', args: { email: `killed.${n}@example.com`, jobtitle: 'Tester' }, agent: sales };
    }
    return { tool: 'contact_append_note', args: { contact_id, text: `Killed note ${n}` }, agent: sales };
  });
  return all
    .map((intent) => ({ intent, at: roll() }))
    .sort((a, b) => a.at - b.at)
    .map(({ intent }) => intent);
}

const done = (status: string | undefined) => status === 'applied' || status === 'replayed';
const answers: Called[] = [];

/** An agent that repeats its call until it is told that it is done, whatever it is told before. */
async function insist({ tool, args, agent }: Intent): Promise<void> {
  await world.until(
    `${tool} ${JSON.stringify(args)} is done`,
    async () => {
      const called = await world.call(tool, args, { agent, run: 'killed' }).catch(() => null);
      if (called?.body.call_id !== undefined) answers.push(called);
      return done(called?.body.status);
    },
    110_000,
  );
}

/** Kills every process that sends, in the middle of its work; then lets the leases of the dead run out. */
async function killAll(): Promise<void> {
  await Promise.all(['agent-door', 'action-worker'].map((name) => world.local.pool(name).kill('SIGKILL')));
  const deadAtMs = Date.now();
  await letTimePass(deadAtMs);
}

/** All who claimed before `deadAtMs` are dead. What is unknown or waits gets the time that its proof or turn needs. */
async function letTimePass(deadAtMs: number): Promise<void> {
  const nowMs = Date.now();
  // Each once: what has had its time already is not touched again, since every touch is a change that the stream carries.
  await world.age(
    40_000,
    (one) => one.state === 'STARTED' && one.updatedAtMs < deadAtMs && one.leaseUntilMs > nowMs - 5000,
  );
  // A read-back that met a limit or a dying process is put off by a minute and more: the agents of this test wait less.
  await world.age(
    90_000,
    (one) => one.state === 'UNKNOWN' && (one.sinceMs > nowMs - 65_000 || one.dueMs > nowMs + 10_000),
  );
  // What waits for its turn waits in real time: hurried, it would use up its attempts against a limit that is real.
  await world.local.pollers.fire('tick');
}

async function play(intents: readonly Intent[], roll: () => number): Promise<void> {
  const waiting = [...intents];
  const agents = Array.from({ length: 8 }, async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) await insist(next);
  });
  let killed = 0;
  let finished = false;
  const killer = async () => {
    let diedAtMs = 0;
    while (!finished) {
      if (killed < kills) {
        // The next one dies after a number of requests that nobody chose.
        const reached = (await world.requests()).length + 3 + Math.floor(roll() * 20);
        await world
          .until('so many requests came', async () => finished || (await world.requests()).length >= reached, 3000)
          .catch(() => null);
        await killAll();
        diedAtMs = Date.now();
        killed += 1;
      } else {
        await letTimePass(diedAtMs);
        await new Promise((resolve) => setTimeout(resolve, 200));
      }
    }
  };
  const killing = killer();
  await Promise.all(agents).finally(() => {
    finished = true;
  });
  await killing;
}

describe(`100 calls while every process is killed ${kills} times (KILL_SEED=${seed})`, () => {
  it('leave exactly one effect each', async () => {
    const roll = dice(seed);
    const intents = intentsOf(roll);
    await play(intents, roll);
    const named = (await world.effects())
      .filter(({ change }) => change === 'create' || change === 'update')
      .map(({ properties: p }) => String(p['hs_note_body'] ?? p['dealname'] ?? p['subject'] ?? p['email']));
    const meant = intents.map(({ args }) => {
      const { text, name, subject, email } = args as Record<string, string | undefined>;
      return text ?? name ?? subject ?? email ?? '';
    });
    expect(named.sort()).toEqual(meant.sort());
  }, 120_000);

  it('leave every action settled as done', async () => {
    const states = (await world.records()).map(({ state }) => state);
    expect(states).toEqual(Array(100).fill('SUCCEEDED'));
  });

  it('leave a ledger that agrees: every answer has its one entry, every action its transitions to one end', async () => {
    const records = await world.records();
    const ends = records.map(({ key, gen, epoch, state }) => `act_${key}_${gen}:${epoch}:${state}`);
    const expected = [...ends, ...answers.map(({ body }) => body.call_id)];
    let missing: readonly string[] = expected;
    const entries = await world
      .until(
        'the stream is through',
        async () => {
          const ids = new Map((await world.entries()).map((entry) => [entry.entryId, entry]));
          missing = expected.filter((id) => !ids.has(id));
          return missing.length === 0 && ids;
        },
        40_000,
      )
      .catch(() => new Map<string, LedgerEntry>());
    expect(missing).toEqual([]);
    const told = answers.map(({ body, text }) => [body.call_id, body.status, sha256Hex(text)]);
    const kept = answers.map(({ body: { call_id } }) => {
      const entry = entries.get(call_id);
      return entry?.kind === 'call' ? [call_id, entry.status, entry.answerHash] : [call_id, null, null];
    });
    expect(kept).toEqual(told);
    const succeeded = [...entries.values()].filter(
      (entry) => entry.kind === 'transition' && entry.state === 'SUCCEEDED',
    );
    expect(succeeded).toHaveLength(100);
  }, 45_000);
});
