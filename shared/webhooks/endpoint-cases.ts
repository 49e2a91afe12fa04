import type { SystemConfig } from '../config/schema.ts';
import type { CaseOpening } from '../model/case.ts';

/** One channel whose endpoint at the provider is watched. */
export type Watched = {
  readonly system: string;
  readonly channel: string;
  readonly config: SystemConfig;
  readonly scheme: string;
  readonly params: Readonly<Record<string, string>>;
  /** Its public address. */
  readonly url: string;
};

const hourMs = 3_600_000;

/** Under what the cases of a channel are known. */
export function keysOf({ system, channel }: Pick<Watched, 'system' | 'channel'>) {
  const of = (kind: string) => `endpoint-${kind}#${system}#${channel}`;
  return { endpoint: of('off'), failing: of('unwatched'), redelivery: of('undelivered') };
}

function opening(on: Watched): Pick<CaseOpening, 'kind' | 'owner' | 'actionId' | 'runId' | 'system' | 'eventIdentity'> {
  const { system, config } = on;
  return { kind: 'exception', owner: config.owner, actionId: null, runId: null, system, eventIdentity: null };
}

/** The provider sends nothing to a channel: its endpoint was switched off, or is not there. */
export function endpointCase(on: Watched, stands: 'disabled' | 'missing', repair: string): CaseOpening {
  const { system, channel, url } = on;
  const how = stands === 'disabled' ? 'is switched off' : 'is not there';
  return {
    ...opening(on),
    reason: 'endpoint_disabled',
    title: `The endpoint of ${system}/${channel} ${how} at the provider`,
    detail: `No event is sent to ${url}: no endpoint with exactly this address is switched on. ${repair} The case closes by itself once the endpoint is on.`,
    facts: { channel, stands },
    dueInMs: hourMs,
    dedupeKey: keysOf(on).endpoint,
  };
}

/** Nobody knows whether the provider still sends to a channel. */
export function failingCase(on: Watched, code: string): CaseOpening {
  const { system, channel } = on;
  return {
    ...opening(on),
    reason: 'endpoint_unwatched',
    title: `The endpoint of ${system}/${channel} cannot be looked at`,
    detail: `Several attempts in a row failed (${code}). An endpoint that the provider switches off would not be noticed, and deliveries that failed are not asked for again. Look at the credential, its permissions and the channel's params; or set watched: false on the channel. The case closes by itself.`,
    facts: { channel, code },
    dueInMs: 24 * hourMs,
    dedupeKey: keysOf(on).failing,
  };
}

/** Events that do not arrive, however often they are delivered again. */
export function redeliveryCase(
  on: Watched,
  stands: { readonly stopped: number; readonly oldestOpenMs: number | null; readonly lost: number },
): CaseOpening {
  const { system, channel } = on;
  const { stopped, oldestOpenMs } = stands;
  const waits = oldestOpenMs === null ? '' : `, and others are missing since ${new Date(oldestOpenMs).toISOString()}`;
  return {
    ...opening(on),
    reason: 'redelivery_failing',
    title: `Events of ${system}/${channel} do not arrive`,
    detail: `${stopped} events were delivered again as often as is tried, in vain${waits}. Look at the provider for what the door answered (a wrong secret is answered 401), repair it, and deliver them again there by hand before the provider forgets them. The case closes by itself once all have arrived, unless some were forgotten.`,
    facts: { channel, ...stands },
    dueInMs: 4 * hourMs,
    dedupeKey: keysOf(on).redelivery,
  };
}
