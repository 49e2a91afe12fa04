import type { CredentialFacts } from '../connectors/manifest.ts';

/** A short-lived access token as tool functions may read it. `version` is the fence. */
export type AccessToken = {
  readonly token: string;
  readonly version: number;
  readonly expiresAtMs: number;
  readonly issuedAtMs: number;
};

/** What is kept of one system's credential. Readable by tool functions, written by the refresh function only. */
export type TokenRecord = {
  readonly system: string;
  readonly current: AccessToken | null;
  readonly version: number;
  /** Secrets Manager version id that holds the current grant. */
  readonly secretVersionId: string | null;
  readonly lease: {
    readonly owner: string;
    readonly epoch: number;
    readonly untilMs: number;
    readonly nextSecretVersionId: string;
  } | null;
  readonly health: 'ok' | 'refreshing' | 'unknown' | 'broken';
  readonly lastRefreshAtMs: number | null;
  readonly lastFailure: { readonly atMs: number; readonly code: string } | null;
  /** How long a token really lives: what the provider named, or the time from issue to the first refusal. */
  readonly observedLifetimeMs: number | null;
  /** What the configuration said when the token was issued. */
  readonly documentedLifetimeMs?: number;
  /** Since when no refresh has brought a token; null where the last one did. */
  readonly failingSinceMs?: number | null;
  readonly epoch: number;
};

/** Why a credential that works is not the one that should be used, or soon will not work. */
export type RedReason =
  /** The system does not accept it, or its secret holds nothing usable. */
  | 'refused'
  | 'other_account'
  | 'other_identity'
  | 'held_by_person'
  | 'scope_missing'
  | 'scope_surplus'
  | 'expires_soon';

/** What a system said of its credential when it was last asked. */
export type CredentialRecord = {
  readonly system: string;
  /** When it was last asked; and when it last answered, null where it never did. */
  readonly askedAtMs: number;
  readonly answeredAtMs: number | null;
  /** Why the last question brought no answer. */
  readonly failure: string | null;
  readonly account: 'same' | 'other' | null;
  readonly facts: CredentialFacts | null;
  readonly requiredScopes: readonly string[];
  /** Since when a static key lies in its secret. */
  readonly keySinceMs: number | null;
  /** Each has an open case of the system's owner. */
  readonly reasons: readonly RedReason[];
};

/** What systems said of their credentials, beside their tokens. */
export type CredentialStore = {
  get(system: string): Promise<CredentialRecord | null>;
  put(record: CredentialRecord): Promise<void>;
};

/** Token items in `state`. Writes are conditional on the epoch they saw. */
export type TokenStore = {
  get(system: string): Promise<TokenRecord | null>;
  /** `lost` where the stored epoch is not `expectedEpoch` (0 = absent). */
  write(next: TokenRecord, expectedEpoch: number): Promise<'written' | 'lost'>;
};

/** One version of a secret. */
export type SecretVersion = {
  readonly value: string;
  readonly versionId: string;
  readonly createdAtMs?: number;
};

/** Secrets Manager, as the rooms see it. */
export type SecretStore = {
  /** By version id, else the current one; null where it does not exist. */
  get(name: string, versionId?: string): Promise<SecretVersion | null>;
  /** Current and previous, for rotation without a gap. */
  current(name: string): Promise<readonly SecretVersion[]>;
  /** Writes a pending version under this id (idempotent by id); does not promote it. */
  putPending(name: string, value: string, versionId: string): Promise<void>;
  /** Moves AWSCURRENT from `fromVersionId` to `toVersionId`; `lost` where the current one is another. */
  promote(name: string, toVersionId: string, fromVersionId: string): Promise<'promoted' | 'lost'>;
};

/** Asks the refresh function for a token newer than `seenVersion`: 6 s, one attempt. */
export type RefreshInvoker = {
  refresh(input: {
    system: string;
    seenVersion: number;
  }): Promise<
    | { readonly kind: 'version'; readonly version: number }
    | { readonly kind: 'busy' }
    | { readonly kind: 'broken'; readonly code: string }
  >;
};

/** An agent's API key as it is stored: the secret is only ever a hash. */
export type ApiKeyRecord = {
  readonly keyId: string;
  readonly agent: string;
  readonly secretHash: string;
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
};

/** API keys in `state`. At most two live keys an agent: `put` is conditional on the keys that `list` returned. */
export type ApiKeyStore = {
  get(keyId: string): Promise<ApiKeyRecord | null>;
  /** Writes a key; `lost` where the agent's keys are no longer `seen`, the ids that `list` returned. Keys of `drop` leave the list. */
  put(record: ApiKeyRecord, seen: readonly string[], drop: readonly string[]): Promise<'written' | 'lost'>;
  list(agent: string): Promise<readonly ApiKeyRecord[]>;
};
