import { timingSafeEqual } from 'node:crypto';
import type { Clock, Random } from '../model/clock.ts';
import { PlumblineError } from '../model/errors.ts';
import { base32, newId, sha256Hex } from '../model/ids.ts';
import type { Principal } from '../model/principal.ts';
import type { Control } from '../policy/ports.ts';
import type { ApiKeyRecord, ApiKeyStore } from './ports.ts';

/** An agent as a principal. */
export type AgentPrincipal = Extract<Principal, { kind: 'agent' }>;

/** What authentication needs to know of config/agents.yaml. */
export type KnownAgents = { readonly [agent: string]: { readonly iam: readonly string[] } };

/** Key records read in the last {@link keyCacheMs} milliseconds, absent ones included; one a process. */
export type KeyCache = Map<string, { readonly record: ApiKeyRecord | null; readonly readAtMs: number }>;

/** How long a key record is kept in a process, milliseconds. Records never change; revocation comes from the control item. */
export const keyCacheMs = 3000;

/** Most live keys of one agent: the one in use and the one it is rotated to. */
export const maxLiveKeys = 2;

const maxCached = 1000;
const maxLifeMs = 366 * 86_400_000;
const bearer = /^Bearer pl_(key_[0-9a-hjkmnp-tv-z]{25})_([0-9a-hjkmnp-tv-z]{52})$/;

/** What {@link authenticateAgent} needs. */
export type KeyAuthDeps = {
  readonly keys: Pick<ApiKeyStore, 'get'>;
  /** The control item, read at most 3 s ago: it names the revoked keys. */
  readonly control: () => Promise<Control | null>;
  readonly agents: KnownAgents;
  readonly clock: Clock;
  readonly cache: KeyCache;
};

/**
 * The agent behind `Authorization: Bearer pl_<keyId>_<secret>`, or null: unknown, wrong, expired and revoked keys are one answer.
 * A revoked key fails as soon as `control` shows it, so within 5 s in every process.
 * Throws `switched_off` where there is no control item, because then nothing says which keys are revoked.
 * @param headers request headers with lower-case names
 */
export async function authenticateAgent(
  deps: KeyAuthDeps,
  headers: Readonly<Record<string, string | undefined>>,
): Promise<AgentPrincipal | null> {
  const match = bearer.exec(headers.authorization ?? '');
  if (!match) return null;
  const [, keyId = '', secret = ''] = match;
  const [record, control] = await Promise.all([cachedKey(deps, keyId), deps.control()]);
  if (!control) throw noControl();
  // An unknown key is compared too, so that the time of the answer does not tell whether the id exists.
  const right = sameHash(sha256Hex(secret), record?.secretHash ?? sha256Hex(''));
  const live = record !== null && record.expiresAtMs > deps.clock.now() && !isRevoked(control, keyId);
  if (!record || !right || !live || !Object.hasOwn(deps.agents, record.agent)) return null;
  return { kind: 'agent', id: record.agent, via: 'api_key', keyId };
}

/**
 * The agent that config/agents.yaml names for an IAM caller, or null.
 * An assumed role stands for its role whatever the session is called; the role's path is not part of what AWS reports.
 * @param userArn `requestContext.authorizer.iam.userArn`
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html
 */
export function authenticateIam(agents: KnownAgents, userArn: string | undefined): AgentPrincipal | null {
  if (!userArn) return null;
  const caller = normalisedArn(userArn);
  const names = Object.keys(agents).filter((name) => agents[name]?.iam.some((arn) => normalisedArn(arn) === caller));
  const [name] = names;
  // Two agents with one role could each act as the other: neither does.
  return name !== undefined && names.length === 1 ? { kind: 'agent', id: name, via: 'iam' } : null;
}

/** Role ARNs, with or without path, and assumed-role ARNs of the same role as one text; other ARNs as they are. */
export function normalisedArn(arn: string): string {
  const assumed = /^(arn:aws[a-z-]*):sts::([0-9]{12}):assumed-role\/([^/]+)\/[^/]+$/.exec(arn);
  if (assumed) return `${assumed[1]}:iam::${assumed[2]}:role/${assumed[3]}`;
  const role = /^(arn:aws[a-z-]*):iam::([0-9]{12}):role\/(?:.+\/)?([^/]+)$/.exec(arn);
  return role ? `${role[1]}:iam::${role[2]}:role/${role[3]}` : arn;
}

/** What {@link issueKey} needs. */
export type KeyIssueDeps = {
  readonly keys: ApiKeyStore;
  readonly control: () => Promise<Control | null>;
  readonly clock: Clock;
  readonly random: Random;
};

/** A new key, shown once; or why there is none. */
export type IssuedKey =
  | { readonly kind: 'issued'; readonly keyId: string; readonly key: string; readonly expiresAtMs: number }
  | { readonly kind: 'full'; readonly live: readonly string[] };

/**
 * Issues a key of an agent: an id and a 256-bit secret, of which only the SHA-256 is kept.
 * `full` where two live keys exist: revoke one first. Two issuers at once cannot end with three.
 * @param input.lifeMs how long the key works, milliseconds; at most 366 days
 */
export async function issueKey(deps: KeyIssueDeps, input: { agent: string; lifeMs: number }): Promise<IssuedKey> {
  const nowMs = deps.clock.now();
  const control = await deps.control();
  if (!control) throw noControl();
  for (let attempt = 0; attempt < 5; attempt += 1) {
    const all = await deps.keys.list(input.agent);
    const live = all.filter((key) => key.expiresAtMs > nowMs && !isRevoked(control, key.keyId));
    if (live.length >= maxLiveKeys) return { kind: 'full', live: live.map((key) => key.keyId) };
    const secret = base32(deps.random(32));
    const keyId = newId('key', nowMs, deps.random);
    const expiresAtMs = nowMs + Math.min(input.lifeMs, maxLifeMs);
    const record = { keyId, agent: input.agent, secretHash: sha256Hex(secret), createdAtMs: nowMs, expiresAtMs };
    const seen = all.map((key) => key.keyId);
    const drop = all.filter((key) => key.expiresAtMs <= nowMs).map((key) => key.keyId);
    if ((await deps.keys.put(record, seen, drop)) === 'written') {
      return { kind: 'issued', keyId, key: `pl_${keyId}_${secret}`, expiresAtMs };
    }
  }
  throw new PlumblineError(`Keys of ${input.agent} are being issued elsewhere.`, {
    code: 'store_unavailable',
    retry: 'later',
    hint: 'Look at the keys of this agent, then try again.',
  });
}

/** Whether the control item says that a key is revoked. */
export function isRevoked(control: Control, keyId: string): boolean {
  return Object.hasOwn(control.keysRevoked, keyId);
}

async function cachedKey(deps: KeyAuthDeps, keyId: string): Promise<ApiKeyRecord | null> {
  const nowMs = deps.clock.now();
  const cached = deps.cache.get(keyId);
  if (cached && nowMs - cached.readAtMs < keyCacheMs) return cached.record;
  const record = await deps.keys.get(keyId);
  // Guessed ids must not grow the memory of a warm process.
  if (deps.cache.size >= maxCached) deps.cache.clear();
  deps.cache.set(keyId, { record, readAtMs: nowMs });
  return record;
}

function sameHash(left: string, right: string): boolean {
  const [a, b] = [Buffer.from(left, 'hex'), Buffer.from(right, 'hex')];
  return a.length === b.length && timingSafeEqual(a, b);
}

function noControl(): PlumblineError {
  return new PlumblineError('The control item is missing, so nothing says which keys are revoked.', {
    code: 'switched_off',
    retry: 'later',
    hint: 'An admin writes the control item once: PUT /v1/control.',
  });
}
