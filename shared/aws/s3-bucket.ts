import { AwsClient } from 'aws4fetch';
import type { AwsEnv } from '../config/env.ts';

/** What the adapters of one bucket need. `env` is asked for each request: a Lambda's credentials rotate. */
export type BucketDeps = { readonly bucket: string; readonly env: () => AwsEnv };

/** A signing client and the address of the bucket, for the credentials of this moment. */
export function s3Bucket(deps: BucketDeps): { readonly client: AwsClient; readonly origin: string } {
  const env = deps.env();
  const { accessKeyId, secretAccessKey, sessionToken, region } = env;
  const credentials = { accessKeyId, secretAccessKey, ...(sessionToken ? { sessionToken } : {}) };
  const client = new AwsClient({ ...credentials, region, service: 's3', retries: 0 });
  const endpoint = env.endpoint('S3');
  const origin = endpoint === null ? `https://${deps.bucket}.s3.${region}.amazonaws.com` : `${endpoint}/${deps.bucket}`;
  return { client, origin };
}
