import { localRegion } from '../aws/callers.ts';

/** A record of a table's stream, as Lambda hands it on. */
export type StreamRecord = {
  readonly eventID: string;
  readonly eventName: string;
  readonly eventSourceARN: string;
  readonly dynamodb: { readonly SequenceNumber: string; readonly ApproximateCreationDateTime?: number };
};

/** Reads streams of tables, shard by shard. */
export type StreamReader = {
  shards(table: string): Promise<readonly string[]>;
  /** Up to `limit` records after a sequence number, from the oldest where it is null. */
  read(table: string, shard: string, after: string | null, limit: number): Promise<readonly StreamRecord[]>;
};

type Describe = { StreamDescription: { Shards?: { ShardId: string }[] } };

/**
 * Reads DynamoDB Streams of a local endpoint, which asks for no signature.
 * @see https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Operations_Amazon_DynamoDB_Streams.html
 */
export function createStreamReader(endpoint: string): StreamReader {
  const arns = new Map<string, string>();
  const call = (operation: string, input: object) => post(endpoint, `DynamoDBStreams_20120810.${operation}`, input);
  const arnOf = async (table: string): Promise<string> => {
    const known = arns.get(table);
    if (known !== undefined) return known;
    const { Streams = [] } = (await call('ListStreams', { TableName: table })) as { Streams?: { StreamArn: string }[] };
    const arn = Streams.at(-1)?.StreamArn;
    if (arn === undefined) throw new Error(`The table ${table} has no stream.`);
    arns.set(table, arn);
    return arn;
  };
  return {
    async shards(table) {
      const { StreamDescription } = (await call('DescribeStream', { StreamArn: await arnOf(table) })) as Describe;
      return (StreamDescription.Shards ?? []).map((shard) => shard.ShardId);
    },
    async read(table, shard, after, limit) {
      const StreamArn = await arnOf(table);
      const place = { StreamArn, ShardId: shard };
      const from =
        after === null
          ? { ShardIteratorType: 'TRIM_HORIZON' }
          : { ShardIteratorType: 'AFTER_SEQUENCE_NUMBER', SequenceNumber: after };
      const { ShardIterator } = (await call('GetShardIterator', { ...place, ...from })) as { ShardIterator: string };
      const { Records = [] } = (await call('GetRecords', { ShardIterator, Limit: limit })) as {
        Records?: StreamRecord[];
      };
      return Records.map((record) => ({
        ...record,
        eventSource: 'aws:dynamodb',
        eventVersion: '1.1',
        awsRegion: localRegion,
        eventSourceARN: StreamArn,
      }));
    },
  };
}

async function post(endpoint: string, target: string, input: object): Promise<unknown> {
  const credential = `Credential=local/20260101/${localRegion}/dynamodb/aws4_request`;
  const answer = await fetch(endpoint, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-amz-json-1.0',
      'x-amz-target': target,
      'x-amz-date': '20260101T000000Z',
      authorization: `AWS4-HMAC-SHA256 ${credential}, SignedHeaders=host;x-amz-date, Signature=00`,
    },
    body: JSON.stringify(input),
    signal: AbortSignal.timeout(10_000),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${target} answered ${answer.status}: ${text.slice(0, 300)}`);
  return JSON.parse(text);
}
