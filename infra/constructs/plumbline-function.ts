import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type CfnResource, Duration, RemovalPolicy } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as logs from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import type { FunctionSpec } from '../functions.ts';

import { type Settings, SettingsError } from '../settings.ts';
import type { Grant } from '../statements.ts';

/** What one function is made of. */
export type PlumblineFunctionProps = {
  readonly spec: FunctionSpec;
  readonly settings: Settings;
  /** The folder that holds one folder of bundles a function: what infra/build.ts wrote. */
  readonly bundlesDir: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly grants: readonly Grant[];
};

/**
 * One Lambda: its bundle, its own role with exactly the given grants, its log group. The template names its bundle under the
 * metadata key `plumbline:function`, by which the local target finds it.
 */
export class PlumblineFunction extends Construct {
  readonly fn: lambda.Function;
  readonly logGroup: logs.LogGroup;
  readonly spec: FunctionSpec;

  constructor(scope: Construct, id: string, props: PlumblineFunctionProps) {
    super(scope, id);
    const { spec, settings } = props;
    this.spec = spec;
    const functionName = `plumbline-${settings.stage}-${spec.name}`;
    this.logGroup = new logs.LogGroup(this, 'Logs', {
      logGroupName: `/plumbline/${settings.stage}/${spec.name}`,
      retention: settings.logRetentionDays,
      removalPolicy: RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
    });
    const reserved = reservedConcurrency(settings, spec.name);
    this.fn = new lambda.Function(this, 'Fn', {
      functionName,
      description: `Plumbline ${settings.stage}: ${spec.does}`,
      code: bundle(props),
      handler: 'index.handler',
      runtime: lambda.Runtime.NODEJS_24_X,
      architecture: lambda.Architecture.ARM_64,
      memorySize: spec.memoryMb,
      timeout: Duration.seconds(spec.timeoutS),
      role: makeRole(this, this.logGroup, props.grants),
      logGroup: this.logGroup,
      environment: { STAGE: settings.stage, ...props.environment },
      ...(reserved === undefined ? {} : { reservedConcurrentExecutions: reserved }),
    });
    (this.fn.node.defaultChild as CfnResource).addMetadata('plumbline:function', spec.name);
  }
}

function reservedConcurrency(settings: Settings, name: string): number | undefined {
  return (settings.reservedConcurrency as Readonly<Record<string, number | undefined>>)[name];
}

function bundle({ bundlesDir, spec }: PlumblineFunctionProps): lambda.Code {
  const dir = join(bundlesDir, spec.name);
  if (existsSync(join(dir, 'index.mjs'))) return lambda.Code.fromAsset(dir);
  throw new SettingsError(`The bundle of ${spec.name} is missing in ${dir}: run npm run build first.`);
}

function makeRole(scope: Construct, logGroup: logs.LogGroup, grants: readonly Grant[]): iam.Role {
  const writeLogs: Grant = {
    sid: 'WriteLogs',
    actions: ['logs:CreateLogStream', 'logs:PutLogEvents'],
    resources: [logGroup.logGroupArn],
  };
  const role = new iam.Role(scope, 'Role', { assumedBy: new iam.ServicePrincipal('lambda.amazonaws.com') });
  const statements = [...grants, writeLogs].map(
    ({ sid, actions, resources, conditions }) =>
      new iam.PolicyStatement({
        sid,
        actions: [...actions],
        resources: [...resources],
        ...(conditions ? { conditions } : {}),
      }),
  );
  // One inline policy that is part of the role: it is there before anything uses the role, and nothing else can add to it.
  const cfn = role.node.defaultChild as iam.CfnRole;
  cfn.policies = [{ policyName: 'grants', policyDocument: new iam.PolicyDocument({ statements }) }];
  return role.withoutPolicyUpdates() as iam.Role;
}
