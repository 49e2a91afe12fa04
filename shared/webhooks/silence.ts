import type { PlumblineConfig } from '../config/schema.ts';
import { type NoticeDeps, notify } from '../ledger/notices.ts';
import type { CaseStore } from '../ledger/ports.ts';
import type { CaseOpening } from '../model/case.ts';
import type { Clock } from '../model/clock.ts';
import type { InboxMessage } from '../model/event.ts';
import type { Log } from '../observe/log.ts';
import type { SourceName, SourceStore } from './ports.ts';

type Systems = PlumblineConfig['systems'];

/** What noting an arrival needs. */
export type ArrivalDeps = {
  readonly sources: Pick<SourceStore, 'seen'>;
  readonly systems: Systems;
  readonly clock: Clock;
  readonly log: Log;
};

const noteEveryMs = 60_000;

/**
 * Notes when a channel was last heard of: at most one write a minute and channel in this process, more often only where its
 * alarm is shorter than two minutes. A replay is no sign of life. Never throws: an event is not held up by this.
 */
export function arrivalNoter(deps: ArrivalDeps): (message: InboxMessage) => Promise<void> {
  const notedAtMs = new Map<string, number>();
  return async ({ system, channel, replay }) => {
    if (replay !== null) return;
    const nowMs = deps.clock.now();
    const key = `${system}/${channel}`;
    const alarmMs = deps.systems[system]?.webhooks[channel]?.silenceAlarm ?? Number.POSITIVE_INFINITY;
    if (nowMs - (notedAtMs.get(key) ?? Number.NEGATIVE_INFINITY) < Math.min(noteEveryMs, alarmMs / 2)) return;
    notedAtMs.set(key, nowMs);
    try {
      await deps.sources.seen({ system, channel }, nowMs);
    } catch (error) {
      notedAtMs.delete(key);
      deps.log.warn('The arrival of an event was not noted.', {
        ...{ system, channel },
        reason: error instanceof Error ? error.name : 'unknown',
      });
    }
  };
}

/** What looking for silent channels needs. */
export type SilenceDeps = NoticeDeps & {
  readonly sources: Pick<SourceStore, 'watch'>;
  readonly cases: Pick<CaseStore, 'open' | 'settle'>;
  readonly config: Pick<PlumblineConfig, 'owners' | 'systems'>;
};

/**
 * Opens one case for each channel that was not heard of for longer than its `silenceAlarm`, counted from its last event or from
 * when the watch began, and settles the case once an event has come. Returns the silent channels as `system/channel`.
 * One channel that cannot be looked at does not stop the others; then the first fault is thrown at the end.
 */
export async function silentSources(deps: SilenceDeps, nowMs: number): Promise<readonly string[]> {
  const looked = await Promise.allSettled(
    alarmsOf(deps.config.systems).map(async (alarm) => ((await isSilent(deps, alarm, nowMs)) ? [nameOf(alarm)] : [])),
  );
  const failed = looked.find((result) => result.status === 'rejected');
  if (failed) throw failed.reason;
  return looked.flatMap((result) => (result.status === 'fulfilled' ? result.value : []));
}

type Alarm = SourceName & { readonly owner: string; readonly afterMs: number };

function alarmsOf(systems: Systems): readonly Alarm[] {
  return Object.entries(systems).flatMap(([system, { owner, webhooks }]) =>
    Object.entries(webhooks).flatMap(([channel, { silenceAlarm: afterMs }]) =>
      afterMs === undefined ? [] : [{ system, channel, owner, afterMs }],
    ),
  );
}

async function isSilent(deps: SilenceDeps, alarm: Alarm, nowMs: number): Promise<boolean> {
  const { watchedSinceMs, lastSeenMs } = await deps.sources.watch(alarm, nowMs);
  const sinceMs = Math.max(watchedSinceMs, lastSeenMs ?? 0);
  if (nowMs - sinceMs > alarm.afterMs) {
    const opened = await deps.cases.open(silenceCase(alarm, lastSeenMs), nowMs);
    await notify(deps, opened, 'opened', null);
    return true;
  }
  if (lastSeenMs !== null) {
    const reason = 'An event has arrived.';
    await deps.cases.settle(dedupeKeyOf(alarm), { by: 'service:tick', atMs: nowMs, reason, decision: 'settled' });
  }
  return false;
}

function silenceCase(alarm: Alarm, lastSeenMs: number | null): CaseOpening {
  const { system, channel, owner, afterMs } = alarm;
  const last = lastSeenMs === null ? 'since it is watched' : `since ${new Date(lastSeenMs).toISOString()}`;
  return {
    kind: 'exception',
    reason: 'source_silent',
    title: `No webhook of ${nameOf(alarm)} arrives`,
    detail: `No event has arrived ${last}; its silenceAlarm is ${Math.round(afterMs / 60_000)} minutes. Look whether the subscription is still there and active at the provider, and whether it names this address. The case closes with the next event.`,
    owner,
    actionId: null,
    runId: null,
    system,
    eventIdentity: null,
    facts: { channel, lastSeenAtMs: lastSeenMs },
    dedupeKey: dedupeKeyOf(alarm),
    dueInMs: 4 * 3_600_000,
  };
}

function nameOf({ system, channel }: SourceName): string {
  return `${system}/${channel}`;
}

function dedupeKeyOf({ system, channel }: SourceName): string {
  return `silent#${system}#${channel}`;
}
