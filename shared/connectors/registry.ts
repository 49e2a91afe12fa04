import { PlumblineError } from '../model/errors.ts';
import type { HttpAnswer, Operation, RequestSpec } from '../model/operation.ts';
import type { WebhookAdapter } from '../webhooks/adapter.ts';

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

/** A loaded connector. */
export type Connector = {
  readonly manifest: ConnectorManifest;
  operationById(id: string): Operation | null;
  readonly webhook: WebhookAdapter;
};

const loaders: Readonly<Record<string, () => Promise<Connector>>> = {
  async hubspot() {
    const [{ manifest }, { operationById }, { webhookAdapter }] = await Promise.all([
      import('./hubspot/manifest.ts'),
      import('./hubspot/operations.ts'),
      import('./hubspot/webhook.ts'),
    ]);
    return { manifest, operationById, webhook: webhookAdapter };
  },
  async salesforce() {
    const [{ manifest }, { operationById }, { webhookAdapter }] = await Promise.all([
      import('./salesforce/manifest.ts'),
      import('./salesforce/operations.ts'),
      import('./salesforce/webhook.ts'),
    ]);
    return { manifest, operationById, webhook: webhookAdapter };
  },
  async stripe() {
    const [{ manifest }, { operationById }, { webhookAdapter }] = await Promise.all([
      import('./stripe/manifest.ts'),
      import('./stripe/operations.ts'),
      import('./stripe/webhook.ts'),
    ]);
    return { manifest, operationById, webhook: webhookAdapter };
  },
};

/** Every connector by name. */
export const connectorNames: readonly string[] = Object.keys(loaders);

/**
 * Loads one connector on demand, so that a bundle reads only the code it uses.
 * Throws `config_invalid` for a name there is no connector of.
 */
export async function loadConnector(name: string): Promise<Connector> {
  const load = Object.hasOwn(loaders, name) ? loaders[name] : undefined;
  if (load) return load();
  throw new PlumblineError(`There is no connector named ${name}.`, {
    code: 'config_invalid',
    retry: 'never',
    hint: `Use one of: ${connectorNames.join(', ')}.`,
  });
}

/**
 * Loads one operation by id, such as `hubspot.deals.update`; its first part names the connector.
 * Throws `config_invalid` where there is no such connector or operation.
 */
export async function loadOperation(id: string): Promise<Operation> {
  const connector = await loadConnector(id.split('.')[0] ?? '');
  const operation = connector.operationById(id);
  if (operation) return operation;
  throw new PlumblineError(`There is no operation named ${id}.`, {
    code: 'config_invalid',
    retry: 'never',
    hint: 'Compare the id with the operations of the connector, in docs/connectors.md.',
  });
}
