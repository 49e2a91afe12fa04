import type { PlumblineConfig } from '../config/schema.ts';
import type { Feed, FeedMark } from '../connectors/feed.ts';
import type { Sender } from '../connectors/sender.ts';
import { type NoticeDeps, notify } from '../ledger/notices.ts';
import type { CaseStore, PayloadStore } from '../ledger/ports.ts';
import type { Random } from '../model/clock.ts';
import { newId, sha256Hex } from '../model/ids.ts';
import type { Json } from '../model/json.ts';
import type { Operation } from '../model/operation.ts';
import type { Channel } from './channels.ts';
import { feedAdapter, feedScheme } from './feed-adapter.ts';
import { readableMessages } from './messages.ts';
import type { EventQueue, FeedState, FeedStore } from './ports.ts';
import { providers } from './providers.ts';
import { reReadRecord } from './re-read.ts';

/** What polling needs. */
export type PollDeps = NoticeDeps & {
  readonly config: Pick<PlumblineConfig, 'owners' | 'systems'>;
  readonly feeds: FeedStore;
  readonly loadFeeds: (connector: string) => Promise<Readonly<Record<string, Feed>>>;
  readonly loadOperation: (id: string) => Promise<Operation>;
  readonly send: Sender;
  readonly queue: EventQueue;
  readonly payloads: Pick<PayloadStore, 'put'>;
  readonly cases: Pick<CaseStore, 'open' | 'settle'>;
  readonly random: Random;
};

type Settings = PlumblineConfig['systems'][string]['feeds'][string];

/** One feed of one system that is polled. */
type Source = {
  readonly system: string;
  readonly name: string;
  readonly connector: string;
  readonly owner: string;
  readonly settings: Settings;
};

/** How long a poller that died keeps the others away, milliseconds: the timeout of the function and some. */
const leaseMs = 70_000;
/** Kept for what is stored after the last page, milliseconds. */
const reserveMs = 10_000;
/** It is asked again at least once an hour, whatever its system said: so the third failure is found, and its owner told. */
const longestWaitMs = 3_600_000;
/** So often in a row a feed may fail until its owner is asked. */
const failuresOfCase = 3;
/** Changes of the last walks that the next one, which overlaps them, does not send again. */
const remembered = 300;

/**
 * Polls every feed that is due: each page's changes go into the inbox before the mark behind them is stored, so that a crash sends
 * again and skips nothing; what comes twice is one event by its record and version. One poller at a time by a lease; a feed that
 * fails waits longer each time, and after three failures its owner gets one case, which closes with the next success.
 * One feed that fails stops no other. Returns how many changes were sent.
 * @param deadlineMs absolute end of this invocation
 */
export async function pollFeeds(deps: PollDeps, deadlineMs: number): Promise<number> {
  const sources = Object.entries(deps.config.systems).flatMap(([system, { connector, owner, feeds }]) =>
    Object.entries(feeds).map(([name, settings]): Source => ({ system, name, connector, owner, settings })),
  );
  const sent = await Promise.all(
    sources.map((source) =>
      pollFeed(deps, source, deadlineMs).catch((fault: unknown) => {
        deps.log.error('A feed could not be polled.', { system: source.system, channel: source.name }, fault);
        return 0;
      }),
    ),
  );
  return sent.reduce((sum, one) => sum + one, 0);
}

async function pollFeed(deps: PollDeps, source: Source, deadlineMs: number): Promise<number> {
  const { system, name, settings } = source;
  const feed = (await deps.loadFeeds(source.connector))[name];
  if (!feed) throw new TypeError(`The connector ${source.connector} has no feed ${name}.`);
  const nowMs = deps.clock.now();
  const known = await deps.feeds.get(`${system}/${name}`);
  if (known && (known.nextAtMs > nowMs || known.leaseUntilMs > nowMs)) return 0;
  const held: FeedState = {
    ...(known ?? newState(source, feed, nowMs)),
    epoch: (known?.epoch ?? 0) + 1,
    owner: newId('own', nowMs, deps.random),
    leaseUntilMs: nowMs + leaseMs,
  };
  // The first walk has nothing behind it: it begins now, and what changes from here on is found.
  const state = known?.midway ? held : { ...held, mark: feed.again(held.mark, settings.overlap) };
  if ((await deps.feeds.write(state, known?.epoch ?? 0)) === 'lost') return 0;
  return walk(deps, { source, feed, deadlineMs: Math.min(deadlineMs, nowMs + leaseMs) - reserveMs }, state);
}

function newState({ system, name }: Source, feed: Feed, nowMs: number): Omit<FeedState, 'owner' | 'leaseUntilMs'> {
  const mark = feed.begin(nowMs);
  return { id: `${system}/${name}`, epoch: 0, mark, midway: false, nextAtMs: 0, failures: 0, recent: [] };
}

type Walk = { readonly source: Source; readonly feed: Feed; readonly deadlineMs: number };

/** Page after page until the end of the walk, its failure or the end of the time. */
async function walk(deps: PollDeps, on: Walk, begun: FeedState): Promise<number> {
  let state = begun;
  let sent = 0;
  for (;;) {
    const page = await readPage(deps, on, state.mark);
    if (page.kind === 'failed') {
      await store(deps, await failed(deps, on.source, state, page));
      return sent;
    }
    const { changes, next, more } = page;
    const fresh = changes.filter((change) => !state.recent.includes(nameOf(change)));
    await enqueue(deps, on, fresh);
    // A page after failures closes their case, also where a later page fails; before the place is written that forgets them.
    if (state.failures >= failuresOfCase) await settle(deps, on.source);
    sent += fresh.length;
    const recent = [...state.recent, ...fresh.map(nameOf)].slice(-remembered);
    const goesOn = more && deps.clock.now() < on.deadlineMs;
    const nextAtMs = more ? deps.clock.now() : deps.clock.now() + on.source.settings.every;
    state = { ...state, mark: next, midway: more, recent, failures: 0, nextAtMs };
    const written = await store(deps, goesOn ? state : { ...state, leaseUntilMs: 0 });
    if (written === null || !goesOn) break;
    state = written;
  }
  deps.log.metric('FeedChanges', sent, 'Count', { system: on.source.system, channel: on.source.name });
  return sent;
}

async function settle(deps: PollDeps, source: Source): Promise<void> {
  const reason = 'The feed can be read again.';
  const settled = { by: 'service:feeds', atMs: deps.clock.now(), reason, decision: 'settled' } as const;
  await deps.cases.settle(dedupeKeyOf(source), settled);
}

/** Null where another poller has taken over: this one stops. */
async function store(deps: PollDeps, state: FeedState): Promise<FeedState | null> {
  const next = { ...state, epoch: state.epoch + 1 };
  return (await deps.feeds.write(next, state.epoch)) === 'written' ? next : null;
}

type Page =
  | ({ readonly kind: 'page' } & ReturnType<Feed['read']>)
  | { readonly kind: 'failed'; readonly code: string; readonly retryAfterMs: number };

async function readPage(deps: PollDeps, { source, feed, deadlineMs }: Walk, mark: FeedMark): Promise<Page> {
  const live = { ...deps, systems: deps.config.systems, adapterOf: async () => null };
  const read = await reReadRecord(live, feed.page(source.system, mark), deadlineMs);
  if (read.kind !== 'record') {
    const code = read.kind === 'gone' ? 'not_found' : read.code;
    return { kind: 'failed', code, retryAfterMs: read.kind === 'gone' ? 0 : (read.retryAfterMs ?? 0) };
  }
  try {
    return { kind: 'page', ...feed.read(read.data, mark) };
  } catch {
    return { kind: 'failed', code: 'unreadable_page', retryAfterMs: 0 };
  }
}

async function enqueue(deps: PollDeps, { source, feed }: Walk, changes: readonly Json[]): Promise<void> {
  if (changes.length === 0) return;
  const channel = channelOf(source, feed);
  const verdict = { ok: true, secretIndex: 0 } as const;
  const bodyHash = sha256Hex(JSON.stringify(changes));
  const delivery = { channel, bodyHash, receivedAtMs: deps.clock.now(), verdict, unsignedType: null };
  await deps.queue.send(await readableMessages(deps.payloads, delivery, changes));
}

function channelOf({ system, name, owner }: Source, feed: Feed): Channel {
  const provider = providers.get('hmac');
  if (!provider) throw new TypeError('There is no plain provider.');
  return {
    ...{ system, owner, provider, channel: name, scheme: feedScheme, secret: '', toleranceSeconds: 0 },
    ...{ maxBodyBytes: 0, params: {}, adapter: feedAdapter({ [name]: feed }) },
  };
}

async function failed(
  deps: PollDeps,
  source: Source,
  state: FeedState,
  { code, retryAfterMs }: Extract<Page, { kind: 'failed' }>,
): Promise<FeedState> {
  const { system, name, owner, settings } = source;
  const failures = state.failures + 1;
  deps.log.warn('A feed could not be read.', { system, channel: name, code });
  if (failures % failuresOfCase === 0) {
    const opened = await deps.cases.open(
      {
        ...{
          kind: 'exception',
          reason: 'feed_failing',
          owner,
          actionId: null,
          runId: null,
          system,
          eventIdentity: null,
        },
        title: `The feed ${system}/${name} cannot be read`,
        detail: `It failed ${failures} times in a row (${code}). What changes meanwhile is found once it can be read again: nothing is skipped. Look at the credential, its scopes and the system. The case closes by itself.`,
        facts: { channel: name, code },
        dedupeKey: dedupeKeyOf(source),
        dueInMs: 4 * longestWaitMs,
      },
      deps.clock.now(),
    );
    await notify(deps, opened, 'opened', null);
  }
  const waitMs = Math.min(Math.max(settings.every * 2 ** Math.min(failures, 10), retryAfterMs), longestWaitMs);
  return { ...state, failures, leaseUntilMs: 0, nextAtMs: deps.clock.now() + waitMs };
}

const nameOf = ({ object, id, version }: { object: string; id: string; version: string }) =>
  sha256Hex(`${object}:${id}@${version}`).slice(0, 12);

const dedupeKeyOf = ({ system, name }: Source) => `feed#${system}#${name}`;
