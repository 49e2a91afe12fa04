import { indexes } from '../shared/aws/tables.ts';
import type { PlumblineConfig } from '../shared/config/schema.ts';
import type { FunctionName } from './functions.ts';
import { type Arns, type Grant, type Statements, statements } from './statements.ts';

/** Names of secrets by who may read them. A grant (a refresh token and its client) is for the refresh function only. */
export type SecretNames = {
  readonly grants: readonly string[];
  readonly staticKeys: readonly string[];
  readonly webhooks: readonly string[];
  /** Those of the channels whose subscriptions are made here: the provider is told them. */
  readonly subscriptions: readonly string[];
  /** What deliveries to agents are signed with. */
  readonly endpoints: readonly string[];
  /** The key of event handles. */
  readonly handles: readonly string[];
};

/** Which secrets the configuration names, by kind. */
export function secretNames(config: PlumblineConfig): SecretNames {
  const systems = Object.values(config.systems);
  const named = (names: readonly string[]) => [...new Set(names)].sort();
  return {
    grants: named(systems.flatMap(({ auth }) => ('refresh' in auth ? [auth.secret] : []))),
    staticKeys: named(systems.flatMap(({ auth }) => ('refresh' in auth ? [] : [auth.secret]))),
    webhooks: named(systems.flatMap(({ webhooks }) => Object.values(webhooks).map(({ secret }) => secret))),
    subscriptions: named(
      systems.flatMap(({ webhooks }) =>
        Object.values(webhooks).flatMap(({ secret, subscriptions }) => (subscriptions ? [secret] : [])),
      ),
    ),
    endpoints: named(Object.values(config.agents).flatMap(({ endpoint }) => (endpoint ? [endpoint.secret] : []))),
    handles: config.policies.events ? [config.policies.events.handleSecret] : [],
  };
}

/** A secret that two kinds of reader share would give one of them the other's; the stack refuses it. */
export function sharedSecrets(config: PlumblineConfig): readonly string[] {
  // The keeper of subscriptions reads some of the webhook secrets on purpose: they are no kind of their own.
  const { subscriptions: _some, ...kinds } = secretNames(config);
  const all = Object.values(kinds).flat();
  return [...new Set(all.filter((name, at) => all.indexOf(name) !== at))];
}

/**
 * Everything each function may do, in one place: exact actions on exact resources. Each list is a reviewed snapshot in
 * test/infra/snapshots/grants.json; the right to write one's own log stream is added by the construct.
 */
export function grantsOf(name: FunctionName, arns: Arns, config: PlumblineConfig): readonly Grant[] {
  const may = statements(arns);
  const secrets = secretNames(config);
  const roles: Readonly<Record<FunctionName, () => readonly Grant[]>> = {
    ...doors(may, secrets),
    ...eventWorkers(may, secrets),
    ...workers(may, secrets),
    ...files(may, secrets),
    ...keepers(may, secrets),
  };
  return roles[name]();
}

const ledgerIndexes = [indexes.ledgerByRun, indexes.ledgerByAction, indexes.ledgerByWorkflow];
const caseIndexes = [indexes.casesByState, indexes.casesByOwner];

/** What asking a system needs. */
function asking(may: Statements, { staticKeys }: SecretNames): readonly Grant[] {
  return [
    may.state('ReadTokens', ['tokens'], ['GetItem']),
    may.state('Limits', ['breakers', 'rates', 'waiting'], ['GetItem', 'PutItem']),
    may.refresh(),
    ...may.secrets('ReadStaticKeys', staticKeys, ['GetSecretValue']),
  ];
}

/** What every function needs that calls operations of a system. */
function systemCalls(may: Statements, secrets: SecretNames): readonly Grant[] {
  return [...asking(may, secrets), ...may.payloads('GetObject', 'PutObject')];
}

/** Who is called from outside. */
const doors = (may: Statements, secrets: SecretNames) => ({
  'agent-door': () => [
    ...systemCalls(may, secrets),
    may.table('Actions', 'actions', ['GetItem', 'PutItem']),
    may.table('OpenCases', 'cases', ['GetItem', 'PutItem']),
    may.table('Ledger', 'ledger', ['PutItem']),
    may.queries('ledger', [indexes.ledgerByRun, indexes.ledgerByAction]),
    // A policy's budget that is used up pauses the agent.
    may.table('Control', 'control', ['GetItem', 'PutItem']),
    may.state('Budgets', ['budgets'], ['UpdateItem']),
    may.state('ReadAgentKeys', ['agentKeys'], ['GetItem']),
    ...may.secrets('ReadHandleKey', secrets.handles, ['GetSecretValue']),
    may.state('LastAnswers', ['answers'], ['GetItem', 'PutItem']),
    may.kms('dynamodb', 's3'),
  ],
  'webhook-door': () => [
    ...may.secrets('ReadWebhookSecrets', secrets.webhooks, ['GetSecretValue']),
    may.send('inbox'),
    ...may.payloads('PutObject'),
    may.kms('s3', 'sqs'),
  ],
  'operator-door': () => [
    may.table('Actions', 'actions', ['GetItem', 'PutItem']),
    // Health counts what is due.
    may.queries('actions', [indexes.due]),
    may.table('Events', 'inbox', ['GetItem']),
    may.table('Ledger', 'ledger', ['PutItem']),
    may.queries('ledger', ledgerIndexes),
    may.table('Cases', 'cases', ['GetItem', 'PutItem', 'DeleteItem']),
    may.queries('cases', caseIndexes),
    may.table('Control', 'control', ['GetItem', 'PutItem']),
    may.state('AgentKeys', ['agentKeys', 'agentKeyLists'], ['GetItem', 'PutItem']),
    may.state('Health', ['tokens', 'credentials', 'breakers'], ['GetItem']),
    ...may.payloads('GetObject', 'PutObject'),
    may.send('inbox'),
    may.kms('dynamodb', 's3', 'sqs'),
  ],
});

/** Who takes events in, and who tells agents of them. */
const eventWorkers = (may: Statements, secrets: SecretNames) => ({
  'event-worker': () => [
    ...systemCalls(may, secrets),
    may.table('Claims', 'inbox', ['UpdateItem']),
    may.table('Cases', 'cases', ['GetItem', 'PutItem', 'DeleteItem']),
    may.state('Arrivals', ['sources'], ['UpdateItem']),
    may.state('Subscriptions', ['subscriptions'], ['GetItem', 'PutItem']),
    may.table('Ledger', 'ledger', ['PutItem']),
    may.receive('inbox', ['ChangeMessageVisibility']),
    may.send('deliveries'),
    may.kms('dynamodb', 's3', 'sqs'),
  ],
  'event-delivery': () => [
    may.receive('deliveries', ['ChangeMessageVisibility']),
    may.state('Deliveries', ['deliveries'], ['UpdateItem']),
    may.state('Breakers', ['breakers'], ['GetItem', 'PutItem']),
    ...may.secrets('SignDeliveries', [...secrets.endpoints, ...secrets.handles], ['GetSecretValue']),
    may.table('Cases', 'cases', ['GetItem', 'PutItem', 'DeleteItem']),
    may.table('Ledger', 'ledger', ['PutItem']),
    may.kms('dynamodb', 'sqs'),
  ],
  'source-keeper': () => [
    ...asking(may, secrets),
    may.state('Feeds', ['feeds', 'subscriptions', 'endpoints'], ['GetItem', 'PutItem']),
    ...may.secrets('ReadSubscriptionSecrets', secrets.subscriptions, ['GetSecretValue']),
    ...may.payloads('PutObject'),
    may.table('Cases', 'cases', ['GetItem', 'PutItem', 'DeleteItem']),
    may.table('Ledger', 'ledger', ['PutItem']),
    may.send('inbox'),
    may.kms('dynamodb', 's3', 'sqs'),
  ],
});

/** Who moves what is due. */
const workers = (may: Statements, secrets: SecretNames) => ({
  'action-worker': () => [
    ...systemCalls(may, secrets),
    may.table('Actions', 'actions', ['GetItem', 'PutItem']),
    may.table('Control', 'control', ['GetItem']),
    may.receive('actions'),
    may.kms('dynamodb', 's3', 'sqs'),
  ],
  tick: () => [
    may.queries('actions', [indexes.due]),
    may.send('actions'),
    may.table('Cases', 'cases', ['GetItem', 'PutItem', 'UpdateItem', 'DeleteItem']),
    may.queries('cases', [indexes.casesByState]),
    may.table('Ledger', 'ledger', ['PutItem']),
    // The first tick of a new deployment writes the first control item; the write is conditional on there being none.
    may.table('Control', 'control', ['GetItem', 'PutItem']),
    // It asks every system who its credential is.
    ...asking(may, secrets),
    may.state('Credentials', ['credentials'], ['GetItem', 'PutItem']),
    may.state('Silence', ['sources'], ['GetItem', 'UpdateItem']),
    may.send('tickDead'),
    may.kms('dynamodb', 'sqs'),
  ],
});

/** Who carries out what is dropped. */
const files = (may: Statements, secrets: SecretNames) => ({
  'file-drop': () => [
    may.drops(),
    may.state('Files', ['files'], ['GetItem', 'PutItem']),
    ...systemCalls(may, secrets),
    may.table('Actions', 'actions', ['GetItem', 'PutItem']),
    may.table('Cases', 'cases', ['GetItem', 'PutItem', 'DeleteItem']),
    may.table('Ledger', 'ledger', ['PutItem']),
    // Rows act as an agent: a policy's budget that is used up pauses it.
    may.table('Control', 'control', ['GetItem', 'PutItem']),
    may.state('Budgets', ['budgets'], ['UpdateItem']),
    may.kms('dynamodb', 's3'),
  ],
});

/** Who keeps credentials, the record, and what failed. */
const keepers = (may: Statements, secrets: SecretNames) => ({
  'token-refresh': () => [
    ...may.secrets('RotateGrants', secrets.grants, ['GetSecretValue', 'PutSecretValue', 'UpdateSecretVersionStage']),
    may.state('Tokens', ['tokens'], ['GetItem', 'PutItem']),
    may.table('Cases', 'cases', ['GetItem', 'PutItem', 'DeleteItem']),
    may.kms('dynamodb'),
  ],
  'ledger-stream': () => [
    ...may.stream('actions'),
    may.table('Ledger', 'ledger', ['PutItem']),
    ...may.payloads('PutObject'),
    may.kms('dynamodb', 's3'),
  ],
  'router-stream': () => [
    ...may.stream('actions'),
    may.table('Cases', 'cases', ['GetItem', 'PutItem', 'DeleteItem']),
    may.table('Ledger', 'ledger', ['PutItem']),
    may.send('actions'),
    may.kms('dynamodb', 's3', 'sqs'),
  ],
  'dead-letter': () => [
    may.receive('inboxDead'),
    may.receive('actionsDead'),
    may.receive('deliveriesDead'),
    ...may.payloads('PutObject'),
    may.table('Cases', 'cases', ['GetItem', 'PutItem']),
    may.table('Ledger', 'ledger', ['PutItem']),
    may.kms('dynamodb', 's3', 'sqs'),
  ],
  'ledger-guard': () => [...may.stream('ledger'), may.kms('dynamodb', 's3')],
});
