import type { CreateTableCommandInput } from '@aws-sdk/client-dynamodb';

/** One function of the template. */
export type FunctionPlan = {
  /** The name in AWS, as `REFRESH_FUNCTION` carries it. */
  readonly functionName: string;
  /** The short name, such as `agent-door`. */
  readonly name: string;
  readonly directory: string;
  /** `index.handler`: file without ending, and export. */
  readonly handler: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  readonly memoryMb: number;
};

/** A queue or a stream that calls a function. */
export type SourcePlan =
  | {
      readonly kind: 'queue';
      readonly id: string;
      readonly queue: string;
      readonly functionName: string;
      readonly batchSize: number;
      readonly reportsItems: boolean;
    }
  | {
      readonly kind: 'stream';
      readonly id: string;
      readonly table: string;
      readonly functionName: string;
      readonly batchSize: number;
      readonly reportsItems: boolean;
      readonly bisects: boolean;
      readonly maxRetries: number;
      readonly maxAgeMs: number | null;
      /** Where records go that failed for good. */
      readonly failedBucket: string | null;
    };

/** Who checks the caller before the function does. */
export type RouteAuth = 'none' | 'iam' | { readonly audiences: readonly string[]; readonly scopes: readonly string[] };

/** One route of an HTTP API; `method` and `path` as in its route key, `$default` as ANY and `$default`. */
export type RoutePlan = {
  readonly method: string;
  readonly path: string;
  readonly functionName: string;
  readonly auth: RouteAuth;
};

/** A door: an HTTP API with routes, or a Function URL. */
export type DoorPlan =
  | { readonly kind: 'api'; readonly name: string; readonly routes: readonly RoutePlan[] }
  | { readonly kind: 'url'; readonly name: string; readonly functionName: string };

/** One schedule. */
export type SchedulePlan = {
  readonly id: string;
  readonly everyMs: number;
  readonly functionName: string;
  readonly input: unknown;
  readonly deadQueue: string | null;
};

/** Everything the template asks of this machine. */
export type LocalPlan = {
  readonly tables: readonly { readonly create: CreateTableCommandInput; readonly ttlAttribute: string | null }[];
  readonly queues: readonly { readonly name: string; readonly attributes: Readonly<Record<string, string>> }[];
  readonly buckets: readonly string[];
  readonly functions: readonly FunctionPlan[];
  readonly sources: readonly SourcePlan[];
  readonly doors: readonly DoorPlan[];
  readonly schedules: readonly SchedulePlan[];
};

/** Types that need nothing on one machine: who may do what, what is watched, how it is encrypted or kept. */
export const needNothing: ReadonlySet<string> = new Set([
  'AWS::ApiGatewayV2::Stage',
  'AWS::ApiGatewayV2::Integration',
  'AWS::ApiGatewayV2::Authorizer',
  'AWS::CDK::Metadata',
  'AWS::CloudWatch::Alarm',
  'AWS::CloudWatch::CompositeAlarm',
  'AWS::CloudWatch::Dashboard',
  'AWS::Cognito::UserPool',
  'AWS::Cognito::UserPoolClient',
  'AWS::Cognito::UserPoolDomain',
  'AWS::Cognito::UserPoolGroup',
  'AWS::IAM::ManagedPolicy',
  'AWS::IAM::Policy',
  'AWS::IAM::Role',
  'AWS::KMS::Alias',
  'AWS::KMS::Key',
  'AWS::Lambda::EventInvokeConfig',
  'AWS::Lambda::Permission',
  'AWS::Logs::LogGroup',
  'AWS::Logs::MetricFilter',
  'AWS::S3::BucketPolicy',
  'AWS::SNS::Subscription',
  'AWS::SNS::Topic',
  'AWS::SNS::TopicPolicy',
  'AWS::SQS::QueuePolicy',
]);
