import { CfnOutput, Duration, RemovalPolicy, Stack, type StackProps } from 'aws-cdk-lib';
import * as cognito from 'aws-cdk-lib/aws-cognito';
import * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as s3 from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';
import { type TableName, type TableSpec, tables } from '../../shared/aws/tables.ts';
import type { Settings } from '../settings.ts';

/** Who issues the tokens of operators, and for which audience. */
export type OperatorIdentity = { readonly issuer: string; readonly audience: string };

/**
 * What must outlive every deploy: tables, payloads, their key, the operators' user pool. Everything here is retained when the
 * stack is deleted, and the logical ids are pinned by a test. Secrets are not here: config/ names them, their owner makes them.
 */
export class StateStack extends Stack {
  readonly tables: Readonly<Record<TableName, dynamodb.TableV2>>;
  readonly payloads: s3.Bucket;
  readonly key: kms.Key;
  readonly operators: OperatorIdentity;

  constructor(scope: Construct, id: string, props: StackProps & { readonly settings: Settings }) {
    super(scope, id, { ...props, terminationProtection: props.settings.stage !== 'local' });
    const { settings } = props;
    this.key = new kms.Key(this, 'Key', {
      description: `Plumbline ${settings.stage}: tables, payloads, queues`,
      enableKeyRotation: true,
      removalPolicy: RemovalPolicy.RETAIN,
    });
    const made = tables.map((spec) => [spec.name, makeTable(this, spec, this.key)] as const);
    this.tables = Object.fromEntries(made) as Record<TableName, dynamodb.TableV2>;
    this.payloads = payloadBucket(this, this.key, settings);
    this.operators = settings.operators ?? userPool(this, settings);
    for (const [name, table] of made) new CfnOutput(this, `${pascal(name)}TableName`, { value: table.tableName });
    new CfnOutput(this, 'OperatorIssuer', { value: this.operators.issuer });
    new CfnOutput(this, 'OperatorAudience', { value: this.operators.audience });
  }
}

function pascal(name: string): string {
  return name.charAt(0).toUpperCase() + name.slice(1);
}

function makeTable(scope: Construct, spec: TableSpec, key: kms.Key): dynamodb.TableV2 {
  const attribute = (name: string, type: 'S' | 'N' = 'S') => ({
    name,
    type: type === 'S' ? dynamodb.AttributeType.STRING : dynamodb.AttributeType.NUMBER,
  });
  return new dynamodb.TableV2(scope, `${pascal(spec.name)}Table`, {
    partitionKey: attribute('pk'),
    billing: dynamodb.Billing.onDemand(),
    encryption: dynamodb.TableEncryptionV2.customerManagedKey(key),
    pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
    deletionProtection: true,
    removalPolicy: RemovalPolicy.RETAIN,
    ...(spec.stream ? { dynamoStream: dynamodb.StreamViewType.NEW_AND_OLD_IMAGES } : {}),
    ...(spec.ttl ? { timeToLiveAttribute: 'ttl' } : {}),
    globalSecondaryIndexes: spec.indexes.map((index) => ({
      indexName: index.name,
      partitionKey: attribute(index.partition),
      sortKey: attribute(index.sort.name, index.sort.type),
      projectionType: index.projection === 'ALL' ? dynamodb.ProjectionType.ALL : dynamodb.ProjectionType.KEYS_ONLY,
    })),
  });
}

function payloadBucket(scope: Construct, key: kms.Key, settings: Settings): s3.Bucket {
  const accessLogs = new s3.Bucket(scope, 'PayloadAccessLogs', {
    // S3 delivers access logs only where its own key encrypts them.
    encryption: s3.BucketEncryption.S3_MANAGED,
    blockPublicAccess: s3.BlockPublicAccess.BLOCK_ALL,
    enforceSSL: true,
    removalPolicy: RemovalPolicy.RETAIN,
    lifecycleRules: [{ id: 'evidence', expiration: Duration.days(settings.evidenceRetentionDays) }],
  });
  return new s3.Bucket(scope, 'Payloads', {
    serverAccessLogsBucket: accessLogs as s3.IBucket,
    encryption: s3.BucketEncryption.KMS,
    encryptionKey: key,
    bucketKeyEnabled: true,
    blockPublicAccess: s3.BlockPublicAccess.BLOCK_ALL,
    objectOwnership: s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
    enforceSSL: true,
    versioned: true,
    removalPolicy: RemovalPolicy.RETAIN,
    lifecycleRules: [
      {
        id: 'evidence',
        expiration: Duration.days(settings.evidenceRetentionDays),
        // An erased object must be gone, not hidden behind a delete marker.
        noncurrentVersionExpiration: Duration.days(1),
        abortIncompleteMultipartUploadAfter: Duration.days(1),
      },
      { id: 'delete-markers', expiredObjectDeleteMarker: true },
    ],
  });
}

function userPool(scope: Construct, settings: Settings): OperatorIdentity {
  const pool = new cognito.UserPool(scope, 'Operators', {
    selfSignUpEnabled: false,
    signInAliases: { email: true },
    signInCaseSensitive: false,
    autoVerify: { email: true },
    mfa: cognito.Mfa.REQUIRED,
    mfaSecondFactor: { otp: true, sms: false },
    passwordPolicy: {
      minLength: 14,
      requireLowercase: true,
      requireUppercase: true,
      requireDigits: true,
      requireSymbols: true,
      tempPasswordValidity: Duration.days(3),
    },
    accountRecovery: cognito.AccountRecovery.EMAIL_ONLY,
    deletionProtection: true,
    removalPolicy: RemovalPolicy.RETAIN,
  });
  const client = pool.addClient('OperatorClient', {
    // `aws cognito-idp admin-initiate-auth` with the rights of an administrator, or SRP with the person's own.
    authFlows: { userSrp: true, adminUserPassword: true },
    disableOAuth: true,
    preventUserExistenceErrors: true,
    enableTokenRevocation: true,
    accessTokenValidity: Duration.hours(1),
    idTokenValidity: Duration.hours(1),
    refreshTokenValidity: Duration.hours(12),
  });
  client.applyRemovalPolicy(RemovalPolicy.RETAIN);
  const issuer = `https://cognito-idp.${Stack.of(scope).region}.amazonaws.com/${pool.userPoolId}`;
  new CfnOutput(scope, 'OperatorPool', { value: pool.userPoolId, description: `Operators of ${settings.stage}` });
  return { issuer, audience: client.userPoolClientId };
}
