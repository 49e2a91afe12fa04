import type { PlumblineConfig } from '../config/schema.ts';
import { sha256Hex } from '../model/ids.ts';
import { anyTeam } from './action-cases.ts';
import { type NoticeDeps, notify } from './notices.ts';
import type { CaseStore, PayloadStore } from './ports.ts';

/** A message that failed on every delivery, as the dead-letter queue gives it. */
export type DeadLetter = {
  readonly messageId: string;
  readonly body: string;
  /** ARN of the queue it lies in. */
  readonly queueArn: string;
};

/** What keeping a dead letter needs. */
export type DeadLetterDeps = NoticeDeps & {
  readonly cases: CaseStore;
  readonly payloads: PayloadStore;
  readonly config: Pick<PlumblineConfig, 'systems' | 'owners'>;
};

const dueInMs = 4 * 3_600_000;

/**
 * Keeps a dead letter: its body as a payload object, and one case with the owner of its system. The same body is one case.
 * Throws `store_unavailable`; the message then stays in its queue.
 */
export async function keepDeadLetter(deps: DeadLetterDeps, letter: DeadLetter): Promise<void> {
  const body = new TextEncoder().encode(letter.body);
  const hash = await deps.payloads.put(body);
  const { system, identity, eventId } = inboxFacts(letter.body);
  const queue = letter.queueArn.split(':').at(-1) ?? 'unknown';
  const known = system !== null && Object.hasOwn(deps.config.systems, system) ? deps.config.systems[system] : undefined;
  const opened = await deps.cases.open(
    {
      kind: 'exception',
      reason: 'dead_letter',
      title: `A message failed on every delivery (${queue})`,
      detail: 'Its body is kept under the hash in this case. Repair the cause, then replay the event.',
      owner: known?.owner ?? anyTeam(deps.config.owners),
      dedupeKey: `dead-letter:${queue}:${identity ?? sha256Hex(letter.body)}`,
      dueInMs,
      actionId: null,
      runId: null,
      system: known ? system : null,
      eventIdentity: identity ?? eventId,
      facts: { queue, messageId: letter.messageId, body: hash, bytes: body.byteLength },
    },
    deps.clock.now(),
  );
  await notify(deps, opened, 'opened', null);
}

/** `eventId`: of a delivery, which is one of several of its event. */
type MessageFacts = {
  readonly system: string | null;
  readonly identity: string | null;
  readonly eventId: string | null;
};

const unknownMessage: MessageFacts = { system: null, identity: null, eventId: null };

/** System and event of a queued message; nothing where the body is another thing. The text is not trusted further. */
function inboxFacts(body: string): MessageFacts {
  try {
    const message: unknown = JSON.parse(body);
    if (typeof message !== 'object' || message === null) return unknownMessage;
    const { system, identity, eventId } = message as Readonly<Record<string, unknown>>;
    return {
      system: typeof system === 'string' ? system : null,
      identity: typeof identity === 'string' ? identity.slice(0, 500) : null,
      eventId: typeof eventId === 'string' ? eventId.slice(0, 500) : null,
    };
  } catch {
    return unknownMessage;
  }
}
