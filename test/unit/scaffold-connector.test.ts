import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { scaffoldConnector } from '../../infra/scaffold/new-connector.ts';

const project = resolve(import.meta.dirname, '../..');
let copy: string;

beforeEach(() => {
  copy = mkdtempSync(join(tmpdir(), 'plumbline-scaffold-'));
  const parts = [
    'shared',
    'infra',
    'config',
    'functions',
    'docs',
    'test/kit',
    'package.json',
    'tsconfig.json',
    'biome.json',
  ];
  for (const part of [...parts, 'vitest.config.ts']) cpSync(join(project, part), join(copy, part), { recursive: true });
  symlinkSync(join(project, 'node_modules'), join(copy, 'node_modules'));
});
afterEach(() => rmSync(copy, { recursive: true, force: true }));

function run(command: string, ...args: readonly string[]) {
  const { stdout, stderr, status } = spawnSync(join(copy, 'node_modules/.bin', command), args, {
    cwd: copy,
    encoding: 'utf8',
  });
  return { text: stdout + stderr, status };
}

it('writes a connector that passes type check and lint, and whose tests say what is missing', () => {
  const result = scaffoldConnector(copy, 'acme');
  if (result.kind !== 'written') throw new Error(result.why);
  const types = run('tsc', '-p', 'tsconfig.json');
  expect(types.text.split('\n').filter((line) => /acme|registry/.test(line))).toEqual([]);
  const code = result.files.filter((file) => file.endsWith('.ts'));
  expect(run('biome', 'lint', ...code).text).toContain(`Checked ${code.length} files`);
  expect(run('biome', 'lint', ...code).status).toBe(0);
  const tests = run('vitest', 'run', 'test/unit/connectors-acme.test.ts');
  expect(tests.status).not.toBe(0);
  for (const missing of [
    'Write the origin of Acme into shared/connectors/acme/manifest.ts',
    'Put the real answers of Acme into `accounts` of this test',
    'List the codes of Acme in `byCode` of errors.ts',
    'Say in acme.things.create how it is undone',
    'infra/local/systems/acme/start.ts does not serve GET /v1/things/1 yet',
    'infra/local/systems/acme/start.ts does not serve POST /v1/things yet',
    'Write the fault matrix of Acme',
  ]) {
    expect(tests.text).toContain(missing);
  }
  expect(readFileSync(join(copy, 'docs/connectors.md'), 'utf8')).toContain('\n## Acme\n');
}, 120_000);

it('the new connector is found by the registry, and writes to nothing before it is filled in', () => {
  scaffoldConnector(copy, 'acme');
  const script = [
    "const { connectorNames, loadConnector, loadAdapter } = await import('./shared/connectors/registry.ts');",
    "const { loadConfig } = await import('./shared/config/load.ts');",
    "const { manifest, operationById } = await loadConnector('acme');",
    "const adapter = await loadAdapter('acme');",
    "const answer = { status: 200, headers: {}, bodyText: JSON.stringify({ id: 'a' }) };",
    'console.log(JSON.stringify([connectorNames.includes("acme"), operationById("acme.things.create")?.kind,',
    '  manifest.account.judge(answer), adapter.split([]), loadConfig("config").kind]));',
  ].join('\n');
  const { text } = run('node', '--input-type=module', '-e', script);
  expect(text.trim()).toBe('[true,"write",null,null,"ok"]');
});

it.each(['Acme', 'my-crm', '../evil', 'a', '', 'x'.repeat(21), 'a.b'])('refuses the name %j', (name) => {
  expect(scaffoldConnector(copy, name)).toMatchObject({ kind: 'refused' });
});

it('touches nothing where anything of it exists', () => {
  expect(scaffoldConnector(copy, 'acme').kind).toBe('written');
  const before = readFileSync(join(copy, 'shared/connectors/registry.ts'), 'utf8');
  const again = scaffoldConnector(copy, 'acme');
  expect(again).toMatchObject({ kind: 'refused' });
  expect((again as { why: string }).why).toContain('shared/connectors/acme/manifest.ts');
  expect(scaffoldConnector(copy, 'hubspot').kind).toBe('refused');
  expect(readFileSync(join(copy, 'shared/connectors/registry.ts'), 'utf8')).toBe(before);
});
