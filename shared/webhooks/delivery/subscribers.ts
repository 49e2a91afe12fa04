import type { AgentConfig, PlumblineConfig } from '../../config/schema.ts';
import { base32, sha256Hex } from '../../model/ids.ts';
import type { ClaimedEvent, EventHandler } from '../process.ts';
import type { DeliveryMessage, DeliveryQueue } from './ports.ts';

/** Where an agent is told of events. */
export type Endpoint = NonNullable<AgentConfig['endpoint']>;

/** Whether an agent's `events` name this type: as it is, with its system in front (`slack/app_mention`), or by a beginning and `*`. */
export function wantsType(
  events: readonly string[],
  event: { readonly system: string; readonly type: string },
): boolean {
  const names = [event.type, `${event.system}/${event.type}`];
  return events.some((wanted) =>
    wanted.endsWith('*') ? names.some((name) => name.startsWith(wanted.slice(0, -1))) : names.includes(wanted),
  );
}

/** The endpoint an event of this type goes to for an agent, or null where the configuration has none (any more). */
export function endpointFor(
  agents: PlumblineConfig['agents'],
  { agent, ...event }: { readonly agent: string; readonly system: string; readonly type: string },
): Endpoint | null {
  const config = Object.hasOwn(agents, agent) ? agents[agent] : undefined;
  return config?.endpoint && wantsType(config.events, event) ? config.endpoint : null;
}

/** The id of one delivery: the same for every attempt of one event to one agent, and told as `webhook-id`. */
export function deliveryId({ eventId, agent }: Pick<DeliveryMessage, 'eventId' | 'agent'>): string {
  return `msg_${base32(Buffer.from(sha256Hex(JSON.stringify([eventId, agent])), 'hex').subarray(0, 20))}`;
}

/**
 * Queues an event for every agent that is to be told of its type. It runs before the event counts as done, so a crash queues
 * again and never too little; the records of deliveries make the second message harmless.
 */
export function deliveryHandler(deps: {
  readonly agents: PlumblineConfig['agents'];
  readonly queue: DeliveryQueue;
  readonly clock: { now(): number };
}): EventHandler {
  const told = (event: { readonly system: string; readonly type: string }) =>
    Object.keys(deps.agents).filter((agent) => endpointFor(deps.agents, { agent, ...event }) !== null);
  return {
    wants: ({ system, type }) => told({ system, type }).length > 0,
    async handle(event) {
      const { message } = event;
      await deps.queue.send(told(message).map((agent) => messageFor(event, agent, deps.clock.now())));
      return [];
    },
  };
}

function messageFor({ eventId, message, record }: ClaimedEvent, agent: string, nowMs: number): DeliveryMessage {
  const { system, channel, type, itemHash, occurredAtMs } = message;
  return {
    version: 1,
    ...{ eventId, agent, system, channel, type, itemHash, occurredAtMs },
    record: record ? `${record[1]}/${record[2]}` : null,
    queuedAtMs: nowMs,
  };
}

/** A delivery as it was queued, or null where the text is none. */
export function deliveryOf(text: string): DeliveryMessage | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof value !== 'object' || value === null) return null;
  const message = value as Partial<DeliveryMessage>;
  const texts = [message.eventId, message.agent, message.system, message.channel, message.type, message.itemHash];
  const whole = texts.every((part) => typeof part === 'string') && typeof message.queuedAtMs === 'number';
  return message.version === 1 && whole ? (message as DeliveryMessage) : null;
}
