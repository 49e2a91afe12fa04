import type { Refusal } from '../auth/refresh.ts';
import type { Classified, HttpAnswer, RequestSpec } from '../model/operation.ts';

/** What a system says of itself: the identity that `account:` of its config must name. */
export type AccountFacts = {
  /** Compared with the config's `account` by name, such as `{ portalId: 4711 }`. */
  readonly identity: Readonly<Record<string, string | number>>;
  readonly is: 'sandbox' | 'production';
};

/** What a system says of the credential it was asked with. */
export type CredentialFacts = {
  /** Who the credential acts as: an id of the system's own, never a name or an address. Null: the system does not tell. */
  readonly actsAs: string | null;
  /** `person`: the account of somebody who also works with it by hand. */
  readonly holder: 'service' | 'person' | 'unknown';
  /** What it may do, in the system's own words. Null: the system does not tell. */
  readonly scopes: readonly string[] | null;
  readonly expiresAtMs: number | null;
};

/** What an answer tells of one limit of calls. */
export type Headroom = { readonly limit: string; readonly max: number; readonly remaining: number };

/** What the sender and the operators need to know of a product, beside its operations. */
export type ConnectorManifest = {
  readonly connector: string;
  /** The product's own origin. Null: every system has one of its own and names it in its configuration. */
  readonly origin: string | null;
  /** Host suffixes that a configured `origin` must have, such as `.my.salesforce.com`; none and an origin of its own = pinned. */
  readonly originSuffixes: readonly string[];
  /** Where tokens are issued, if not at the origin itself. */
  readonly tokenOrigin?: string;
  /** Path of the token endpoint, for OAuth grants. */
  readonly tokenPath: string;
  /** Reads a refusal of the token endpoint where the product says more than OAuth does. Null: it is no more than that. */
  tokenRefusal?(answer: Pick<HttpAnswer, 'bodyText'>): Refusal | null;
  /** Every scope that an operation may need. */
  readonly scopes: readonly string[];
  /** What an answer tells of the calls that are left; empty where it tells nothing. */
  headroom(answer: HttpAnswer): readonly Headroom[];
  /**
   * What any answer of the system means, by its own code before its status; null for one that succeeded. Asked where no
   * operation judges: whether the system works, whether the credential must wait, why the account question was not answered.
   */
  classify(answer: HttpAnswer): Classified | null;
  /** Asks the system who it is. Null: it cannot be understood as an answer to that. */
  readonly account: {
    request(apiVersion: string): RequestSpec;
    /** A second question, where one answer does not say both which account it is and whether it is production. */
    also?(apiVersion: string): RequestSpec;
    judge(answer: HttpAnswer, also?: HttpAnswer): AccountFacts | null;
  };
  /** Asks the system who the credential is and what it may do; absent where there is nothing to ask. */
  readonly credential?: {
    /** @param input.token the access token or key, for the systems that want it in the body */
    request(input: { readonly apiVersion: string; readonly token: string }): RequestSpec;
    /**
     * Null: it cannot be understood as an answer to that.
     * @param token the one that was asked with: some say in themselves what they may do
     */
    judge(answer: HttpAnswer, token?: string): CredentialFacts | null;
  };
  /** Whether a 401 says that the token has ended, so that a refresh can help. */
  saysTokenExpired(answer: HttpAnswer): boolean;
  /** Operation -> the operation that undoes it, or null with no way back. */
  readonly undo: Readonly<Record<string, string | null>>;
};
