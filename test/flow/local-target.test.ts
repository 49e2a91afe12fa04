import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PutItemCommand } from '@aws-sdk/client-dynamodb';
import { AwsClient } from 'aws4fetch';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { deployLocal, type LocalDeployment } from '../../infra/local/deploy.ts';
import { readPlan } from '../../infra/local/template/read-plan.ts';
import { writeTinyApp } from '../kit/tiny-app.ts';

const directory = mkdtempSync(join(tmpdir(), 'local-'));
const [assembly, stateDir, seenFile] = ['app', 'state', 'seen'].map((name) => join(directory, name)) as [
  string,
  string,
  string,
];
const ports = { agents: 0, webhooks: 0, operators: 0, issuer: 0, hubspot: 0 };
let local: LocalDeployment;

beforeAll(async () => {
  writeTinyApp(assembly, seenFile);
  writeFileSync(seenFile, '');
  local = await deployLocal({ stateDir, ports, assembly });
});
afterAll(async () => {
  await local.close();
  rmSync(directory, { recursive: true });
});

const seen = () => readFileSync(seenFile, 'utf8').split('\n').filter(Boolean);
const queue = (name: string) => `tiny-service-${name}`;

type Answer = { status: number; headers: Record<string, string | string[] | undefined>; text: string };

/** fetch rewrites paths and refuses to set Host; this sends what it is told. */
function raw(base: string, path: string, headers: Record<string, string> = {}, body?: Buffer): Promise<Answer> {
  const { hostname, port } = new URL(base);
  return new Promise((resolve, reject) => {
    const call = request({ hostname, port, path, headers, method: body ? 'POST' : 'GET' }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('end', () => {
        resolve({ status: answer.statusCode ?? 0, headers: answer.headers, text: Buffer.concat(chunks).toString() });
      });
    });
    call.once('error', reject);
    call.end(body);
  });
}

describe('the one-machine target', () => {
  it('hands a request on byte for byte, in payload format 2.0', async () => {
    const { text } = await raw(local.urls.agents, '/v1/%7Ea%2Fb?x=1&x=2&y=%20', { cookie: 'c=1; d=2', 'X-Two': 'b' });
    expect(JSON.parse(text)).toMatchObject({
      version: '2.0',
      routeKey: 'GET /v1/{name}',
      rawPath: '/v1/%7Ea%2Fb',
      rawQueryString: 'x=1&x=2&y=%20',
      queryStringParameters: { x: '1,2', y: ' ' },
      pathParameters: { name: '~a/b' },
      cookies: ['c=1', 'd=2'],
      headers: { 'x-two': 'b' },
      isBase64Encoded: false,
    });
  });

  it('carries a body that is no text as base64, and cookies back as headers of their own', async () => {
    const bytes = Buffer.from([0, 255, 128]);
    const answer = await raw(
      local.urls.webhooks,
      '/hubspot/crm',
      { 'content-type': 'application/octet-stream' },
      bytes,
    );
    expect(JSON.parse(answer.text)).toMatchObject({ body: bytes.toString('base64'), isBase64Encoded: true });
    expect(answer.headers['set-cookie']).toEqual(['a=1', 'b=2']);
  });

  it('answers 404 to a route that the template does not have', async () => {
    expect((await raw(local.urls.agents, '/v2/x')).status).toBe(404);
  });

  it.each(['throw', 'exit', 'slow'])(
    'answers 502 when the function does %s, and serves the next call',
    async (what) => {
      expect((await raw(local.urls.agents, `/v1/${what}`)).status).toBe(502);
      expect((await raw(local.urls.agents, '/v1/next')).status).toBe(200);
    },
  );

  it('answers 403 without a body to a rebound Host and a foreign Origin, on every listener', async () => {
    const { standIns, urls } = local;
    const all = [...Object.values(urls), ...Object.values(standIns.endpoints)].filter((url) => url !== '');
    const foreign = [{ host: 'evil.example' }, { host: 'evil.example:4100', origin: 'http://evil.example:4100' }];
    for (const url of all) {
      const origin = { host: new URL(url).host, origin: 'https://evil.example' };
      const statuses = await Promise.all(
        [...foreign, origin].map(async (headers) => (await raw(url, '/', headers)).status),
      );
      expect([url, statuses]).toEqual([url, [403, 403, 403]]);
    }
  });

  it('lets a JWT route through for a token of its issuer only', async () => {
    const ask = (token: string) => raw(local.urls.agents, '/people/me', { authorization: `Bearer ${token}` });
    const token = local.issuer.tokenFor('dev@acme.example');
    const [head, , signature] = token.split('.');
    const other = Buffer.from(JSON.stringify({ sub: 'eva@acme.example', exp: 9e9 })).toString('base64url');
    expect((await ask(`${head}.${other}.${signature}`)).status).toBe(401);
    const { text } = await ask(token);
    expect(JSON.parse(text).requestContext.authorizer.jwt.claims).toMatchObject({ sub: 'dev@acme.example' });
  });

  it('lets an IAM route through for a signature of a local key only, and says whose it is', async () => {
    const keys = local.standIns.callers.keysOf('robot');
    const ask = (secretAccessKey: string) =>
      new AwsClient({ ...keys, secretAccessKey, region: 'eu-central-1', service: 'execute-api', retries: 0 }).fetch(
        `${local.urls.agents}/iam/v1/tools?b=2&a=%20x`,
        { method: 'POST', body: '{}' },
      );
    expect((await ask('wrong')).status).toBe(403);
    const event = (await (await ask(keys.secretAccessKey)).json()) as { requestContext: object };
    expect(event.requestContext).toMatchObject({
      authorizer: { iam: { userArn: 'arn:aws:iam::000000000000:user/robot' } },
    });
  });

  it('delivers queue messages, and moves one that keeps failing to the dead-letter queue', async () => {
    local.standIns.queues.send(queue('Work'), { body: 'good one' });
    local.standIns.queues.send(queue('Work'), { body: 'bad one' });
    await vi.waitFor(() => expect(local.standIns.queues.counts(queue('Dead')).visible).toBe(1), 10_000);
    expect(seen().filter((line) => line === 'good one')).toHaveLength(1);
    expect(seen().filter((line) => line === 'bad one')).toHaveLength(2);
  });

  it('delivers stream records, and keeps one that failed for good in the bucket', async () => {
    const put = (pk: string) =>
      local.standIns.client.send(new PutItemCommand({ TableName: 'tiny-state-Actions', Item: { pk: { S: pk } } }));
    for (const pk of ['rec-1', 'bad-rec', 'rec-2']) await put(pk);
    await vi.waitFor(() => expect(local.standIns.objects.keys('tiny-state-payloads')).toHaveLength(1), 10_000);
    await vi.waitFor(() => expect(seen().at(-1)).toBe('rec-2'), 10_000);
    const keys = local.standIns.objects.keys('tiny-state-payloads');
    const kept = keys.map((key) =>
      Buffer.from(local.standIns.objects.get('tiny-state-payloads', key) ?? []).toString(),
    );
    expect(kept).toHaveLength(1);
    expect(kept[0]).toContain('bad-rec');
  });

  it('runs a schedule when asked', async () => {
    const [outcome] = await local.pollers.fire('one');
    expect(outcome?.kind).toBe('returned');
    expect(seen()).toContain('tick tiny-one');
  });

  it('replaces a process that was killed in mid-work', async () => {
    const { headers } = await raw(local.urls.agents, '/v1/who');
    await local.pool('one').kill();
    const after = await raw(local.urls.agents, '/v1/who');
    expect(after.status).toBe(200);
    expect(after.headers['x-pid']).not.toBe(headers['x-pid']);
  });

  it('keeps its state to its owner', () => {
    expect(statSync(stateDir).mode & 0o777).toBe(0o700);
    expect(statSync(join(stateDir, 'keys', 'login-secret')).mode & 0o777).toBe(0o600);
  });

  it('refuses a template with a resource that it does not know', () => {
    const file = join(assembly, 'state.template.json');
    const before = readFileSync(file, 'utf8');
    writeFileSync(file, before.replace('AWS::KMS::Key', 'AWS::Kinesis::Stream'));
    expect(() => readPlan(assembly, { urlOf: (name) => name })).toThrow(/AWS::Kinesis::Stream \(Key\)/);
    writeFileSync(file, before);
  });
});
