import type { HttpAnswer, RequestSpec } from '../model/operation.ts';

/** What a system says of itself: the identity that `account:` of its config must name. */
export type AccountFacts = {
  /** Compared with the config's `account` by name, such as `{ portalId: 4711 }`. */
  readonly identity: Readonly<Record<string, string | number>>;
  readonly is: 'sandbox' | 'production';
};

/** What the sender and the operators need to know of a product, beside its operations. */
export type ConnectorManifest = {
  readonly connector: string;
  /** The product's own origin. */
  readonly origin: string;
  /** Host suffixes that a configured `origin` may have instead, such as `.my.salesforce.com`; none = pinned. */
  readonly originSuffixes: readonly string[];
  /** Path of the token endpoint on the origin, for OAuth grants. */
  readonly tokenPath: string;
  /** Every scope that an operation may need. */
  readonly scopes: readonly string[];
  /** Response headers that tell what is left of a rate limit. */
  readonly rateHeaders: { readonly max: string; readonly remaining: string; readonly intervalMs: string };
  /** Asks the system who it is. Null: it cannot be understood as an answer to that. */
  readonly account: {
    request(apiVersion: string): RequestSpec;
    /** A second question, where one answer does not say both which account it is and whether it is production. */
    also?(apiVersion: string): RequestSpec;
    judge(answer: HttpAnswer, also?: HttpAnswer): AccountFacts | null;
  };
  /** Whether a 401 says that the token has ended, so that a refresh can help. */
  saysTokenExpired(answer: HttpAnswer): boolean;
  /** Signature schemes by name, and how one item of a delivery is identified. */
  readonly webhooks: { readonly schemes: readonly string[]; readonly identity: readonly string[] };
  /** Operation -> the operation that undoes it, or null with no way back. */
  readonly undo: Readonly<Record<string, string | null>>;
};
