import type { SystemConfig } from '../config/schema.ts';
import { PlumblineError } from '../model/errors.ts';
import type { Operation } from '../model/operation.ts';
import type { WebhookAdapter } from '../webhooks/adapter.ts';
import type { EndpointKeeper } from './endpoint-keeper.ts';
import type { Feed } from './feed.ts';
import type { ConnectorManifest } from './manifest.ts';
import type { SubscriptionKeeper } from './subscription-keeper.ts';

/** A loaded connector. */
export type Connector = {
  readonly manifest: ConnectorManifest;
  operationById(id: string): Operation | null;
  /** Where the configuration of a system describes its API: the connector as that system has it. */
  readonly onSystem?: (system: string, config: SystemConfig) => Pick<Connector, 'manifest' | 'operationById'>;
};

const loaders: Readonly<Record<string, () => Promise<Connector>>> = {
  async erpnext() {
    const [{ manifest }, { operationById }] = await Promise.all([
      import('./erpnext/manifest.ts'),
      import('./erpnext/operations.ts'),
    ]);
    return { manifest, operationById };
  },
  async github() {
    const [{ manifest }, { operationById }] = await Promise.all([
      import('./github/manifest.ts'),
      import('./github/operations.ts'),
    ]);
    return { manifest, operationById };
  },
  async graph() {
    const [{ manifest }, { operationById }] = await Promise.all([
      import('./graph/manifest.ts'),
      import('./graph/operations.ts'),
    ]);
    return { manifest, operationById };
  },
  async hubspot() {
    const [{ manifest }, { operationById }] = await Promise.all([
      import('./hubspot/manifest.ts'),
      import('./hubspot/operations.ts'),
    ]);
    return { manifest, operationById };
  },
  async rest() {
    const [{ manifest, manifestOf }, { operationById, operationsOf, restSystem }] = await Promise.all([
      import('./rest/manifest.ts'),
      import('./rest/operations.ts'),
    ]);
    const made = new WeakMap<SystemConfig, Pick<Connector, 'manifest' | 'operationById'>>();
    const onSystem: Connector['onSystem'] = (name, config) => {
      const known = made.get(config);
      if (known) return known;
      const system = restSystem(name, config);
      const operations = operationsOf(system);
      const own = {
        manifest: manifestOf(system, operations),
        operationById: (id: string) => operations.get(id) ?? null,
      };
      made.set(config, own);
      return own;
    };
    return { manifest, operationById, onSystem };
  },
  async salesforce() {
    const [{ manifest }, { operationById }] = await Promise.all([
      import('./salesforce/manifest.ts'),
      import('./salesforce/operations.ts'),
    ]);
    return { manifest, operationById };
  },
  async slack() {
    const [{ manifest }, { operationById }] = await Promise.all([
      import('./slack/manifest.ts'),
      import('./slack/operations.ts'),
    ]);
    return { manifest, operationById };
  },
  async stripe() {
    const [{ manifest }, { operationById }] = await Promise.all([
      import('./stripe/manifest.ts'),
      import('./stripe/operations.ts'),
    ]);
    return { manifest, operationById };
  },
};

const adapters: Readonly<Record<string, () => Promise<{ readonly webhookAdapter: WebhookAdapter }>>> = {
  erpnext: () => import('./erpnext/webhook.ts'),
  github: () => import('./table-webhook.ts'),
  graph: () => import('./graph/webhook.ts'),
  hubspot: () => import('./hubspot/webhook.ts'),
  rest: () => import('./table-webhook.ts'),
  salesforce: () => import('./salesforce/webhook.ts'),
  slack: () => import('./slack/webhook.ts'),
  stripe: () => import('./stripe/webhook.ts'),
};

type Feeds = Readonly<Record<string, Feed>>;
const feedLoaders: Readonly<Record<string, () => Promise<{ readonly feeds: Feeds }>>> = {
  erpnext: () => import('./erpnext/feed.ts'),
  hubspot: () => import('./hubspot/feed.ts'),
  salesforce: () => import('./salesforce/feed.ts'),
};

const endpointKeepers: Readonly<Record<string, () => Promise<{ readonly endpointKeeper: EndpointKeeper }>>> = {
  github: () => import('./github/keep.ts'),
  stripe: () => import('./stripe/endpoints.ts'),
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
  throw unknownConnector(name);
}

/**
 * Loads what a connector says of its product's notifications, and not its operations: the webhook door needs no more.
 * Throws `config_invalid` for a name there is no connector of.
 */
export async function loadAdapter(name: string): Promise<WebhookAdapter> {
  const load = Object.hasOwn(adapters, name) ? adapters[name] : undefined;
  if (load) return (await load()).webhookAdapter;
  throw unknownConnector(name);
}

/** The feeds of a connector by name; none where it has none. Throws `config_invalid` for a name there is no connector of. */
export async function loadFeeds(name: string): Promise<Feeds> {
  const load = Object.hasOwn(feedLoaders, name) ? feedLoaders[name] : undefined;
  if (load) return (await load()).feeds;
  if (connectorNames.includes(name)) return {};
  throw unknownConnector(name);
}

/** How the subscriptions of a connector's product are kept alive; null where there is nothing to keep. */
export async function loadKeeper(name: string): Promise<SubscriptionKeeper | null> {
  return name === 'graph' ? (await import('./graph/keep.ts')).keeper : null;
}

/** How the endpoints of a connector's product are watched; null where nothing is. */
export async function loadEndpointKeeper(name: string): Promise<EndpointKeeper | null> {
  const load = Object.hasOwn(endpointKeepers, name) ? endpointKeepers[name] : undefined;
  return load ? (await load()).endpointKeeper : null;
}

function unknownConnector(name: string): PlumblineError {
  return new PlumblineError(`There is no connector named ${name}.`, {
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
