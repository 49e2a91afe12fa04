import { localAccount, localRegion } from '../aws/callers.ts';
import { type Resource, readCloudAssembly, type StackTemplate } from './cloud-assembly.ts';
import { type IdentityDeps, identify } from './identities.ts';
import { createResolver, type LocalIdentity, type Resolver } from './intrinsics.ts';
import { type DoorPlan, type LocalPlan, needNothing, type RoutePlan } from './plan.ts';
import { functionOf, queueOf, type Reading, routeOf, scheduleOf, sourceOf, tableOf } from './resources.ts';

/**
 * Reads a synthesised app and says what this machine has to provide for it. Throws on a resource type or a property that the
 * local target does not know, so that nothing of a template is silently left out.
 * @param directory the cloud assembly, such as `cdk.out`
 */
export function readPlan(directory: string, deps: IdentityDeps): LocalPlan {
  const stacks = readCloudAssembly(directory);
  const readings = stacks.map((stack) => readingOf(deps, stacks, stack));
  const all = readings.flatMap((reading) =>
    Object.entries(reading.stack.resources).map(([logicalId, resource]) => ({ reading, logicalId, resource })),
  );
  const unknown = all.filter(({ resource }) => !needNothing.has(resource.Type) && !Object.hasOwn(known, resource.Type));
  if (unknown.length > 0) {
    const names = unknown.map(({ logicalId, resource }) => `${resource.Type} (${logicalId})`).join(', ');
    throw new Error(`The local target does not know these resources: ${names}. See infra/local/template/.`);
  }
  const of = (...types: string[]) => all.filter(({ resource }) => types.includes(resource.Type));
  return {
    tables: of('AWS::DynamoDB::GlobalTable', 'AWS::DynamoDB::Table').map(tableOf),
    queues: of('AWS::SQS::Queue').map(queueOf),
    buckets: of('AWS::S3::Bucket').map(({ reading, logicalId }) => reading.identityOf(logicalId).ref),
    functions: of('AWS::Lambda::Function').map(functionOf),
    sources: of('AWS::Lambda::EventSourceMapping').map(sourceOf),
    doors: doorsOf(of),
    schedules: of('AWS::Scheduler::Schedule').map(scheduleOf),
  };
}

const known: Readonly<Record<string, true>> = {
  'AWS::DynamoDB::GlobalTable': true,
  'AWS::DynamoDB::Table': true,
  'AWS::SQS::Queue': true,
  'AWS::S3::Bucket': true,
  'AWS::Lambda::Function': true,
  'AWS::Lambda::Url': true,
  'AWS::Lambda::EventSourceMapping': true,
  'AWS::ApiGatewayV2::Api': true,
  'AWS::ApiGatewayV2::Route': true,
  'AWS::Scheduler::Schedule': true,
};

type Found = { readonly reading: Reading; readonly logicalId: string; readonly resource: Resource };

function doorsOf(of: (...types: string[]) => readonly Found[]): readonly DoorPlan[] {
  const routes = of('AWS::ApiGatewayV2::Route').map((found) => ({ apiId: apiIdOf(found), route: routeOf(found) }));
  const apis = of('AWS::ApiGatewayV2::Api').map(({ reading, logicalId, resource }): DoorPlan => {
    const ref = reading.identityOf(logicalId).ref;
    const own: readonly RoutePlan[] = routes.filter(({ apiId }) => apiId === ref).map(({ route }) => route);
    const name = reading.resolver.text(resource.Properties?.['Name']).split('-').at(-1) ?? logicalId;
    return { kind: 'api', name, routes: own };
  });
  const urls = of('AWS::Lambda::Url').map(({ reading, resource }): DoorPlan => {
    const target = reading.resolver.text(resource.Properties?.['TargetFunctionArn']);
    return { kind: 'url', name: 'webhooks', functionName: target.split(':').at(-1) ?? '' };
  });
  return [...apis, ...urls];
}

function apiIdOf({ reading, resource }: Found): string {
  return reading.resolver.text(resource.Properties?.['ApiId']);
}

function readingOf(deps: IdentityDeps, stacks: readonly StackTemplate[], stack: StackTemplate): Reading {
  const identities = new Map<string, LocalIdentity>();
  const identityOf = (logicalId: string): LocalIdentity => {
    const cached = identities.get(logicalId);
    if (cached) return cached;
    const resource = stack.resources[logicalId];
    if (!resource) throw new Error(`${stack.stackName}: there is no resource ${logicalId}.`);
    const made = identify(deps, stack, logicalId, resource, resolver);
    identities.set(logicalId, made);
    return made;
  };
  const others = () => stacks.map((one) => ({ one, reading: one === stack ? null : readingOf(deps, stacks, one) }));
  const resolver: Resolver = createResolver({
    stack,
    region: localRegion,
    account: localAccount,
    identityOf,
    exported: (name) =>
      outputOf(
        others(),
        (_one, output, text) => output.Export !== undefined && text(output.Export.Name) === name,
        name,
      ),
    output: (stackName, outputName) =>
      outputOf(
        others(),
        (one, output) => one.stackName === stackName && one.outputs[outputName] === output,
        outputName,
      ),
  });
  return { stack, resolver, identityOf };
}

type Output = StackTemplate['outputs'][string];

function outputOf(
  others: readonly { one: StackTemplate; reading: Reading | null }[],
  matches: (stack: StackTemplate, output: Output, text: Resolver['text']) => boolean,
  name: string,
): string {
  for (const { one, reading } of others) {
    if (reading === null) continue;
    const found = Object.values(one.outputs).find((output) => matches(one, output, reading.resolver.text));
    if (found !== undefined) return reading.resolver.text(found.Value);
  }
  throw new Error(`No stack gives the value ${name}.`);
}
