import { cpSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { settingsOf } from '../../infra/settings.ts';
import { resourcesOf, templatesOf } from '../kit/templates.ts';

/** A copy of config/ with one system changed. */
function configWith(change: (text: string) => string): string {
  const dir = join(mkdtempSync(join(tmpdir(), 'plumbline-config-')), 'config');
  cpSync('config', dir, { recursive: true });
  const file = join(dir, 'systems/hubspot.yaml');
  writeFileSync(file, change(readFileSync(file, 'utf8')));
  return dir;
}

test('a stage nobody described is refused by name', () => {
  expect(() => settingsOf('staging')).toThrow('No stage is called staging; infra/settings.ts has local, dev, prod.');
});

test('a wrong setting is told with its place', () => {
  expect(() => settingsOf('dev', { account: '12' })).toThrow('account: 12 digits');
});

test.each([
  ['a development issuer', { operators: { issuer: 'http://127.0.0.1:4103', audience: 'plumbline-local' } }],
  ['an issuer on this machine over TLS', { operators: { issuer: 'https://localhost:4103', audience: 'a' } }],
  ['a public address without TLS', { webhookPublicUrl: 'http://hooks.acme.example' }],
])('a deployed stage is not synthesised with %s', (_what, overrides) => {
  expect(() => templatesOf('dev', overrides)).toThrow('Stage dev cannot have addresses of one machine or without TLS');
});

test("a deployed stage is not synthesised with a simulator's origin", () => {
  const configDir = configWith((text) => `${text}\norigin: https://127.0.0.1:4210\n`);
  expect(() => templatesOf('dev', {}, { configDir })).toThrow('config.systems.hubspot.origin: https://127.0.0.1:4210');
});

test('the local stage is synthesised with its own issuer and no user pool', () => {
  const { state, service } = templatesOf('local');
  expect(resourcesOf(state, 'AWS::Cognito::UserPool')).toEqual([]);
  const [[, authorizer] = ['', undefined]] = resourcesOf(service, 'AWS::ApiGatewayV2::Authorizer');
  expect(authorizer?.Properties).toMatchObject({ JwtConfiguration: { Issuer: 'http://127.0.0.1:4103' } });
});

test('a secret that holds a grant and is named for a second use is refused', () => {
  const configDir = configWith((text) =>
    text.replace('secret: plumbline/dev/hubspot ', 'secret: plumbline/dev/hubspot-oauth '),
  );
  expect(() => templatesOf('dev', {}, { configDir })).toThrow('give every use a secret of its own');
});
