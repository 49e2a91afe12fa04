import { createHmac, randomUUID } from 'node:crypto';
import type { Clock } from '../../../../shared/model/clock.ts';
import { createDeliveries, type Deliveries, post } from '../deliveries.ts';
import type { EffectLog } from '../effect-log.ts';
import type { StateFile } from '../state-file.ts';

/** Where the webhook of the repository delivers. */
export type HookTarget = {
  readonly url: string;
  /** The address that the webhook is registered under, if it is not `url`. */
  readonly publicUrl?: string;
  readonly secret: string;
};

/** A webhook as the API shows it. Its ids are text here, and numbers on the wire. */
export type Hook = { readonly id: string; readonly url: string; active: boolean };

/** One attempt to deliver. */
export type Attempt = {
  readonly id: string;
  readonly guid: string;
  readonly event: string;
  readonly body: string;
  readonly redelivery: boolean;
  atMs: number;
  /** 0 where there was no answer; null while it is under way. */
  code: number | null;
};

type Waiting = { readonly id: string; readonly attempt: number };

/** The state of one simulated repository. */
export type Hub = {
  readonly clock: Clock;
  readonly file: StateFile;
  readonly effects: EffectLog;
  /** `repos/acme/widgets` or `orgs/acme`. */
  readonly holder: string;
  /** How long it keeps deliveries, milliseconds. */
  readonly keptMs: number;
  readonly hooks: Hook[];
  readonly attempts: Map<string, Attempt>;
  readonly webhooks: Deliveries<HookTarget, Waiting, { readonly guid: string; readonly event: string }>;
  nextId: bigint;
};

/** How long GitHub keeps deliveries, milliseconds. @see https://docs.github.com/en/webhooks/testing-and-troubleshooting-webhooks/redelivering-webhooks */
export const documentedKeptMs = 3 * 86_400_000;

/** A repository without webhooks, or what the state file holds. */
export function openHub(input: Pick<Hub, 'clock' | 'file' | 'effects' | 'holder' | 'keptMs'>): Hub {
  const held = input.file.load<Attempt>('attempt').map((attempt) => [attempt.id, attempt] as const);
  // Above 2^53: two of them are one number to a double.
  const nextId = 9_007_199_254_740_993n + BigInt(held.length);
  const hub: Omit<Hub, 'webhooks'> = {
    ...{ ...input, nextId, attempts: new Map(held), hooks: input.file.load<Hook>('hook') },
  };
  const webhooks: Hub['webhooks'] = createDeliveries({
    ...{ clock: input.clock, file: input.file, kind: 'delivery', atOnce: 1 },
    // GitHub makes one attempt and no other by itself.
    retryDelaysMs: [],
    send: (target: HookTarget, { id }: Waiting) => deliver(hub, target, id, webhooks.closed),
    says({ id }) {
      const { guid = '', event = '' } = hub.attempts.get(id) ?? {};
      return { guid, event };
    },
  });
  return Object.assign(hub, { webhooks });
}

/** Registers an address, as somebody does in the settings; one that is there is left as it is. */
export function registerHook(hub: Hub, url: string): Hook {
  const standing = hub.hooks.find((hook) => hook.url === url);
  if (standing) return standing;
  const hook = { id: String(500_000_000 + hub.hooks.length), url, active: true };
  hub.hooks.push(hook);
  hub.file.save('hook', hook.id, hook);
  return hook;
}

/** The webhook that is delivered to, or null. */
export function aimedHook({ hooks, webhooks }: Hub): Hook | null {
  const target = webhooks.aimedAt();
  return hooks.find(({ url }) => url === (target?.publicUrl ?? target?.url)) ?? null;
}

/** Something happens in the repository; null where no active webhook wants to hear of it. */
export function happen(hub: Hub, event: string, payload: object): Attempt | null {
  if (!aimedHook(hub)?.active) return null;
  return attempt(hub, { guid: randomUUID(), event, body: JSON.stringify(payload), redelivery: false });
}

/** One more attempt under the same guid, with the same body. */
export function attemptAgain(hub: Hub, { guid, event, body }: Attempt): Attempt {
  return attempt(hub, { guid, event, body, redelivery: true });
}

function attempt(hub: Hub, facts: Pick<Attempt, 'guid' | 'event' | 'body' | 'redelivery'>): Attempt {
  const made: Attempt = { ...facts, id: String(hub.nextId), atMs: hub.clock.now(), code: null };
  hub.nextId += 1n;
  hub.attempts.set(made.id, made);
  hub.file.save('attempt', made.id, made);
  hub.webhooks.offer(() => ({ id: made.id, attempt: 0 }));
  return made;
}

/** The attempts that are still kept, newest first. */
export function keptAttempts(hub: Hub): readonly Attempt[] {
  return [...hub.attempts.values()].filter(({ atMs }) => hub.clock.now() - atMs < hub.keptMs).reverse();
}

/** The signature of a body. @see https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries */
export function signatureOf(secret: string, body: string): string {
  return `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;
}

async function deliver(
  hub: Omit<Hub, 'webhooks'>,
  target: HookTarget,
  id: string,
  closed: AbortSignal,
): Promise<{ readonly status: number | null }> {
  const made = hub.attempts.get(id);
  if (!made) return { status: null };
  const { guid, event, body } = made;
  const headers = {
    ...{ 'content-type': 'application/json', 'user-agent': 'GitHub-Hookshot/sim', accept: '*/*' },
    ...{ 'x-github-delivery': guid, 'x-github-event': event, 'x-hub-signature-256': signatureOf(target.secret, body) },
  };
  const status = await post(target.url, { headers, body, withinMs: 10_000, closed }).then(
    (answer) => answer.status,
    () => null,
  );
  made.code = status ?? 0;
  hub.file.save('attempt', id, made);
  return { status };
}
