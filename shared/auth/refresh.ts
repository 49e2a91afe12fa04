import type { CaseStore } from '../ledger/ports.ts';
import type { Clock, Random } from '../model/clock.ts';
import type { Log } from '../observe/log.ts';
import { adoptNewGrant, newerGrant, promote, useGrant } from './exchange.ts';
import { type GrantKind, isUsedUp, type TokenRequest } from './grants.ts';
import type { RefreshInvoker, SecretStore, TokenRecord, TokenStore } from './ports.ts';
import { breakOff, giveUp } from './refresh-ends.ts';
import { emptyTokenRecord, mayRetryInGrace, situationOf, unknownCode } from './token-record.ts';

/** What refreshing needs to know of a system whose tokens a token endpoint issues. */
export type RefreshSystem = GrantKind & {
  readonly owner: string;
  readonly secret: string;
  /** Path of the token endpoint; absent: the connector's own. */
  readonly tokenUrl?: string | undefined;
  readonly tokenLifetimeMs: number;
  /** How long the provider documents a replaced refresh token to work; absent: not at all. */
  readonly rotationGraceMs?: number;
};

/**
 * Sends one form to a system's token endpoint, once. `mayWrite` is asked in the moment the request head is written.
 * `not_sent` is proof that nothing left; anything short of a complete answer is `lost`.
 */
export type TokenPost = (
  input: TokenRequest & {
    readonly system: string;
    /** Absent: the connector's own. */
    readonly path: string | undefined;
    readonly mayWrite: () => boolean;
    readonly deadlineMs: number;
  },
) => Promise<
  | { readonly kind: 'answer'; readonly status: number; readonly bodyText: string }
  | { readonly kind: 'not_sent'; readonly code: string }
  | { readonly kind: 'lost'; readonly code: string }
>;

/** What {@link refresh} needs. */
export type RefreshDeps = {
  readonly systems: { readonly [system: string]: RefreshSystem };
  readonly tokens: TokenStore;
  readonly secrets: SecretStore;
  readonly cases: Pick<CaseStore, 'open' | 'settle'>;
  readonly post: TokenPost;
  /** The origin that a system's tokens are for. */
  readonly originOf: (system: string) => Promise<string>;
  /** What a refusal means, in words for the owner, where the product says more than OAuth does; absent: no product does. */
  readonly explain?: (system: string, answer: { readonly bodyText: string }) => Promise<Refusal | null>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
};

/** Why a token endpoint refused, for the owner of the system; all of it in words of ours. */
export type Refusal = {
  /** A stable code of the product's own, such as `AADSTS7000222`. */
  readonly code: string;
  /** What it is and what a person does about it. */
  readonly detail: string;
  /** Whether the same request may succeed later, unchanged. */
  readonly passes: boolean;
};

/** Which system, and the version the asker holds. */
export type RefreshInput = { readonly system: string; readonly seenVersion: number };
/** `busy`: someone else is at it, or nothing could be sent: look at the token item, come back later. */
export type RefreshResult = Awaited<ReturnType<RefreshInvoker['refresh']>>;

/** One refresh of one system. */
export type Run = { readonly deps: RefreshDeps; readonly system: string; readonly settings: RefreshSystem };

/** What a step of a refresh answers where someone took the item in between: look again. */
export const again = 'again';

/**
 * Gets a system an access token newer than `seenVersion`, by one refresher at a time over all processes.
 *
 * A refresh token may be used up by its request: the lease, and in it the id of the grant's next version, is durable before
 * the request; the new grant is durable before the token is published. A refresh that was not finished is picked up by that
 * id; where it is absent, the old grant is used at most once more, and only inside a documented grace window; else one case
 * asks a person. Client credentials, signed assertions and refresh tokens that are never replaced are not used up: after an
 * unknown outcome they ask again, and a refused one is tried again from time to time.
 *
 * Fails closed: throws `store_unavailable` where the lease cannot be written.
 * @see https://www.rfc-editor.org/rfc/rfc9700#section-4.14
 */
export async function refresh(deps: RefreshDeps, input: RefreshInput): Promise<RefreshResult> {
  const settings = Object.hasOwn(deps.systems, input.system) ? deps.systems[input.system] : undefined;
  if (settings === undefined) return { kind: 'broken', code: 'no_refresh_grant' };
  const run = { deps, system: input.system, settings };
  for (let attempt = 0; attempt < 3; attempt += 1) {
    const result = await refreshOnce(run, input.seenVersion);
    if (result !== again) return result;
  }
  return { kind: 'busy' };
}

async function refreshOnce(run: Run, seenVersion: number): Promise<RefreshResult | typeof again> {
  const { deps, system, settings } = run;
  const record = (await deps.tokens.get(system)) ?? emptyTokenRecord(system);
  const usedUp = isUsedUp(settings);
  const situation = situationOf(record, { seenVersion, usedUp }, deps.clock.now());
  switch (situation.kind) {
    case 'fresh':
      return { kind: 'version', version: situation.version };
    case 'busy':
      return { kind: 'busy' };
    case 'stuck':
      return adoptNewGrant(run, record, situation.code);
    case 'interrupted':
      return pickUp(run, record, situation.nextSecretVersionId);
    case 'free': {
      // A grant that is used up goes on from the version it left behind, unless a person has stored another one since; any
      // other is taken as it is now.
      const known = usedUp ? record.secretVersionId : null;
      const newer = known === null ? null : await newerGrant(run, record);
      const secret = newer ?? (await deps.secrets.get(settings.secret, known ?? undefined));
      return secret === null ? breakOff(run, record, 'grant_missing') : useGrant(run, record, secret, false);
    }
  }
}

async function pickUp(run: Run, record: TokenRecord, nextVersionId: string): Promise<RefreshResult | typeof again> {
  const { deps, settings } = run;
  const written = await deps.secrets.get(settings.secret, nextVersionId);
  if (written !== null) {
    if (record.secretVersionId !== null) await promote(run, nextVersionId, record.secretVersionId);
    return useGrant(run, record, written, false);
  }
  if (mayRetryInGrace(record, settings.rotationGraceMs, deps.clock.now())) {
    const old = await deps.secrets.get(settings.secret, record.secretVersionId ?? undefined);
    if (old !== null) return useGrant(run, record, old, true);
  }
  return record.lastFailure?.code === unknownCode ? adoptNewGrant(run, record, unknownCode) : giveUp(run, record);
}
