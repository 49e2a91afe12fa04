import { describe, expect, test } from 'vitest';
import { functions } from '../../infra/functions.ts';
import { secretNames, sharedSecrets } from '../../infra/grants.ts';
import type { TemplateResource } from '../../infra/synthesize.ts';
import { shippedConfig } from '../kit/agent-world.ts';
import { readable, resourcesOf, templatesOf } from '../kit/templates.ts';

type Statement = {
  readonly Effect: string;
  readonly Action: string | string[];
  readonly Resource: unknown;
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
};

const templates = templatesOf('dev');
const roles = new Map(resourcesOf(templates.service, 'AWS::IAM::Role'));

function statementsOf(role: TemplateResource): readonly Statement[] {
  const policies = role.Properties?.Policies as readonly { PolicyDocument: { Statement: Statement[] } }[];
  return policies.flatMap(({ PolicyDocument }) => PolicyDocument.Statement);
}

function roleOf(fn: TemplateResource): TemplateResource {
  const { Role: role } = fn.Properties as { Role: { 'Fn::GetAtt': string[] } };
  const [id = ''] = role['Fn::GetAtt'];
  const found = roles.get(id);
  if (!found) throw new Error(`There is no role ${id}.`);
  return found;
}

const granted = new Map(
  resourcesOf(templates.service, 'AWS::Lambda::Function').map(([, fn]) => [
    String(fn.Metadata?.['plumbline:function']),
    statementsOf(roleOf(fn)).map((statement) => ({
      actions: [statement.Action].flat(),
      resources: [statement.Resource].flat().map((resource) => readable(resource, templates)),
      ...(statement.Condition ? { conditions: readableCondition(statement.Condition) } : {}),
    })),
  ]),
);

function readableCondition(condition: NonNullable<Statement['Condition']>) {
  return Object.entries(condition).flatMap(([operator, keys]) =>
    Object.entries(keys).map(
      ([key, value]) => `${operator} ${key} ${[value].flat().map((one) => readable(one, templates))}`,
    ),
  );
}

function of(name: string) {
  const statements = granted.get(name);
  if (!statements) throw new Error(`There is no function ${name}.`);
  return statements;
}

const everything = [...granted].flatMap(([name, all]) => all.map((statement) => ({ name, ...statement })));
const toolFunctions = ['agent-door', 'event-worker', 'action-worker'];

describe('secrets that two uses share', () => {
  const config = shippedConfig();
  const { graph, stripe } = config.systems;
  if (!graph || !stripe) throw new Error('no such systems');
  const { changes } = graph.webhooks;
  if (!changes) throw new Error('no such channel');

  test('are found between a grant, a key, a channel and an endpoint', () => {
    expect(sharedSecrets(config)).toEqual([]);
    const webhooks = { events: { ...changes, secret: graph.auth.secret } };
    const systems = { ...config.systems, stripe: { ...stripe, webhooks } };
    expect(sharedSecrets({ ...config, systems })).toEqual([graph.auth.secret]);
  });

  test('are none where a channel keeps its own subscriptions with the secret it has', () => {
    const wanted = { ...changes, subscriptions: [{ resource: 'users', changes: ['updated' as const] }] };
    const systems = { ...config.systems, graph: { ...graph, webhooks: { changes: wanted } } };
    expect(sharedSecrets({ ...config, systems })).toEqual([]);
    expect(secretNames({ ...config, systems }).subscriptions).toEqual([changes.secret]);
  });
});

describe('what functions may do', () => {
  test('every function has exactly the reviewed actions and resources', async () => {
    const ordered = Object.fromEntries([...granted].sort(([a], [b]) => (a < b ? -1 : 1)));
    await expect(`${JSON.stringify(ordered, null, 2)}\n`).toMatchFileSnapshot('./snapshots/grants.json');
  });

  test('every function has a role of its own', () => {
    const used = resourcesOf(templates.service, 'AWS::Lambda::Function').map(([, fn]) =>
      JSON.stringify(fn.Properties?.Role),
    );
    expect(new Set(used).size).toBe(functions.length);
  });

  test('no role is changed by a policy beside it', () => {
    expect(resourcesOf(templates.service, 'AWS::IAM::Policy')).toEqual([]);
    expect(resourcesOf(templates.service, 'AWS::IAM::ManagedPolicy')).toEqual([]);
    for (const [, role] of roles) expect(role.Properties?.ManagedPolicyArns).toBeUndefined();
  });

  test('no action has a wildcard', () => {
    const wild = everything.flatMap(({ actions }) => actions).filter((action) => action.includes('*'));
    expect(wild).toEqual([]);
  });

  test('wildcards in resources stand only where a name cannot be known: payloads and failed records', () => {
    const wild = everything.flatMap(({ resources }) => resources).filter((resource) => resource.includes('*'));
    expect([...new Set(wild)].sort()).toEqual([
      'state.Payloads.Arn/aws/lambda/*',
      'state.Payloads.Arn/files/*',
      'state.Payloads.Arn/sha256/*',
    ]);
  });

  test('the ledger can be added to and read, never changed or removed from', () => {
    const onLedger = everything.filter(({ resources }) => resources.some((one) => one.includes('LedgerTable')));
    const actions = new Set(onLedger.flatMap((statement) => statement.actions));
    expect([...actions].sort()).toEqual([
      'dynamodb:DescribeStream',
      'dynamodb:GetRecords',
      'dynamodb:GetShardIterator',
      'dynamodb:ListStreams',
      'dynamodb:PutItem',
      'dynamodb:Query',
    ]);
  });

  test('the webhook door can do nothing but read its secrets, queue and keep a body', () => {
    const actions = of('webhook-door').flatMap((statement) => statement.actions);
    expect(actions.filter((action) => !/^(logs|kms):/.test(action)).sort()).toEqual([
      's3:PutObject',
      'secretsmanager:GetSecretValue',
      'sqs:SendMessage',
    ]);
  });

  test('the webhook door reads webhook secrets only', () => {
    const secrets = of('webhook-door').filter(({ actions }) => actions.includes('secretsmanager:GetSecretValue'));
    const names = secrets.flatMap(({ resources }) => resources);
    expect(names).toContainEqual(expect.stringMatching(/:secret:plumbline\/dev\/hubspot-webhook-\?{6}$/));
    expect(names.filter((name) => !/-(webhook|outbound)-\?{6}$/.test(name))).toEqual([]);
  });

  test('only who signs deliveries and who believes handles reads the key of handles', () => {
    const holders = everything.filter(({ resources }) => resources.some((one) => one.includes('event-handles')));
    expect(holders.map(({ name }) => name).sort()).toEqual(['agent-door', 'event-delivery']);
  });

  test('only the refresh function reads or writes a grant', () => {
    const holders = everything.filter(({ resources }) => resources.some((one) => one.includes('hubspot-oauth')));
    expect(holders.map(({ name }) => name)).toEqual(['token-refresh']);
  });

  test('only the refresh function writes secrets', () => {
    const writers = everything.filter(({ actions }) =>
      actions.some((action) => action.startsWith('secretsmanager:') && action !== 'secretsmanager:GetSecretValue'),
    );
    expect(writers.map(({ name }) => name)).toEqual(['token-refresh']);
  });

  test('only the refresh function writes token items', () => {
    const writers = everything.filter(
      ({ actions, resources, conditions }) =>
        resources.includes('state.StateTable.Arn') &&
        actions.some((action) => /:(Put|Update|Delete)/.test(action)) &&
        (conditions === undefined || conditions.join().includes('token#*')),
    );
    expect(writers.map(({ name }) => name)).toEqual(['token-refresh']);
  });

  test.each(toolFunctions)('%s may invoke the refresh function and no other', (name) => {
    const invoked = of(name).filter(({ actions }) => actions.includes('lambda:InvokeFunction'));
    expect(invoked.flatMap(({ resources }) => resources)).toEqual([
      expect.stringMatching(/:function:plumbline-dev-token-refresh$/),
    ]);
  });

  test('every right on the state table names the kinds of items it is for', () => {
    const onState = everything.filter(({ resources }) => resources.includes('state.StateTable.Arn'));
    expect(onState.length).toBeGreaterThan(0);
    for (const { conditions } of onState) {
      expect(conditions).toEqual([
        expect.stringMatching(/^ForAllValues:StringLike dynamodb:LeadingKeys [a-z]+#\*/),
        'Null dynamodb:LeadingKeys false',
      ]);
    }
  });

  test('the key is used through AWS services only', () => {
    const onKey = everything.filter(({ actions }) => actions.some((action) => action.startsWith('kms:')));
    for (const { conditions } of onKey) expect(conditions?.join()).toMatch(/^StringEquals kms:ViaService /);
  });
});
