import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import { readAwsEnv, readEnv, readRuntimeConfig } from '../../shared/config/env.ts';

test('named variables are read with their types', () => {
  const source = { STAGE: 'local', LOCAL_ORIGINS: '{"hubspot":"http://127.0.0.1:4210"}' };
  expect(readEnv(['STAGE', 'LOCAL_ORIGINS'], source)).toEqual({
    STAGE: 'local',
    LOCAL_ORIGINS: { hubspot: 'http://127.0.0.1:4210' },
  });
});

test('every missing variable is named at once', () => {
  expect(() => readEnv(['STAGE', 'TABLE_ACTIONS', 'TABLE_LEDGER'], { STAGE: 'dev' })).toThrow(
    /TABLE_ACTIONS is missing; TABLE_LEDGER is missing/,
  );
});

test('a wrong value is not repeated in the error', () => {
  const source = { QUEUE_INBOX_URL: 'not-a-url-secret' };
  expect(() => readEnv(['QUEUE_INBOX_URL'], source)).toThrow(/QUEUE_INBOX_URL is wrong/);
  expect(() => readEnv(['QUEUE_INBOX_URL'], source)).not.toThrow(/not-a-url-secret/);
});

test('simulator origins are refused outside the stage local', () => {
  const source = { STAGE: 'prod', LOCAL_ORIGINS: '{"hubspot":"http://127.0.0.1:4210"}' };
  expect(() => readEnv(['STAGE', 'LOCAL_ORIGINS'], source)).toThrow(/outside the stage local/);
});

test('a simulator origin that is not loopback is refused', () => {
  const source = { STAGE: 'local', LOCAL_ORIGINS: '{"hubspot":"http://10.0.0.1:4210"}' };
  expect(() => readEnv(['LOCAL_ORIGINS'], source)).toThrow(/LOCAL_ORIGINS is wrong/);
});

test('an optional variable may be absent or empty', () => {
  expect(readEnv(['WEBHOOK_PUBLIC_URL'], { WEBHOOK_PUBLIC_URL: '' })).toEqual({});
});

test('the endpoint of one AWS service wins over the endpoint of all', () => {
  const env = readAwsEnv({
    AWS_REGION: 'eu-central-1',
    AWS_ACCESS_KEY_ID: 'id',
    AWS_SECRET_ACCESS_KEY: 'key',
    AWS_ENDPOINT_URL: 'http://127.0.0.1:1',
    AWS_ENDPOINT_URL_S3: 'http://127.0.0.1:2',
  });
  expect([env.endpoint('S3'), env.endpoint('LAMBDA')]).toEqual(['http://127.0.0.1:2', 'http://127.0.0.1:1']);
});

test('the runtime configuration is read beside the bundle', () => {
  const dir = mkdtempSync(join(tmpdir(), 'bundle-'));
  try {
    writeFileSync(join(dir, 'config.json'), '{"version":"v1","systems":{},"agents":{}}');
    expect(readRuntimeConfig(pathToFileURL(join(dir, 'index.mjs')).href).version).toBe('v1');
  } finally {
    rmSync(dir, { recursive: true });
  }
});

test('a bundle without its configuration does not start', () => {
  expect(() => readRuntimeConfig('file:///nowhere/at/all/index.mjs')).toThrow(/config.json is missing/);
});
