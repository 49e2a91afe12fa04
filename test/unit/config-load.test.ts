import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { tools as index } from '../../config/tools/index.ts';
import { loadConfig } from '../../shared/config/load.ts';
import { type ConfigProblem, problemLine } from '../../shared/config/problems.ts';
import { connectorNames } from '../../shared/connectors/registry.ts';
import { loadTools } from '../../shared/tools/list.ts';

const known = {
  tools: (await loadTools(index)).map(({ name, effect, input }) => ({
    name,
    effect,
    inputs: Object.keys(input.shape),
  })),
  connectors: connectorNames,
  feeds: { hubspot: ['contacts', 'deals'], stripe: [] },
};
let dir: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'config-'));
  cpSync(new URL('../../config', import.meta.url).pathname, dir, { recursive: true });
});
afterEach(() => rmSync(dir, { recursive: true }));

function edit(file: string, from: string | RegExp, to: string): number {
  const path = join(dir, file);
  const text = readFileSync(path, 'utf8');
  const changed = text.replace(from, to);
  expect(changed).not.toBe(text);
  writeFileSync(path, changed);
  return changed.slice(0, changed.indexOf(to)).split('\n').length;
}

function problems(): readonly ConfigProblem[] {
  const result = loadConfig(dir, known);
  return result.kind === 'problems' ? result.problems : [];
}

test('the shipped configuration is valid', () => {
  expect(problems()).toEqual([]);
});

test('equal files have an equal version, and any change has another', () => {
  const version = () => {
    const result = loadConfig(dir, known);
    return result.kind === 'ok' ? result.config.version : null;
  };
  const first = version();
  expect(version()).toBe(first);
  edit('policies.yaml', 'within: 4h', 'within: 5h');
  expect(version()).not.toBe(first);
});

test('five mistakes in three files are all reported, each with file, line, path and what is allowed', () => {
  const lines = [
    edit('agents.yaml', 'mode: write', 'mode: wirte'),
    edit('agents.yaml', 'owner: support\n', 'owner: suport\n'),
    edit('policies.yaml', 'within: 4h', 'within: soon'),
    edit('systems/hubspot.yaml', 'breaker:', 'braker:'),
    edit('systems/hubspot.yaml', 'grant: bearer', 'grant: barer'),
  ];
  const found = problems();
  expect(found.map(({ file, path }) => `${file} ${path}`).sort()).toEqual([
    'agents.yaml sales-assistant.mode',
    'agents.yaml support-assistant.owner',
    'policies.yaml approvals[0].within',
    'systems/hubspot.yaml auth.grant',
    'systems/hubspot.yaml braker',
  ]);
  expect(found.map(({ line }) => line).sort()).toEqual(lines.sort());
  expect(found.every(({ allowed, column }) => allowed !== undefined && allowed !== '' && column > 0)).toBe(true);
  expect(found.find(({ path }) => path === 'auth.grant')?.allowed).toBe(
    'bearer, refresh_token, client_credentials, jwt_bearer, api_key, basic, hmac',
  );
});

test.each([
  [
    'an agent tool that does not exist',
    'agents.yaml',
    'deal_update_stage',
    'deal_update_stag',
    'sales-assistant.tools[3]',
  ],
  ['a pattern that matches no tool', 'agents.yaml', 'deal_*', 'offer_*', 'sales-assistant.tools[2]'],
  ['a responsible person who is not known', 'agents.yaml', 'anna@', 'nobody@', 'sales-assistant.responsible[0]'],
  ['a policy for an unknown tool', 'policies.yaml', 'tool: contact_upsert', 'tool: contact_upset', 'budgets[1].tool'],
  [
    'a policy on an input the tool lacks',
    'policies.yaml',
    'stage: [closed',
    'stgae: [closed',
    'approvals[0].when.stgae',
  ],
  ['an approval by an unknown team', 'policies.yaml', 'by: revops-leads', 'by: stewards', 'approvals[0].by'],
  ['an unknown connector', 'systems/hubspot.yaml', 'connector: hubspot', 'connector: hubspots', 'connector'],
  ['an owner that is no team', 'systems/hubspot.yaml', 'owner: revops', 'owner: revop', 'owner'],
  [
    'a team that escalates to nobody',
    'owners.yaml',
    'escalateTo: revops-leads',
    'escalateTo: leads',
    'teams.revops.escalateTo',
  ],
  ['a rollout of an unknown tool', 'policies.yaml', 'deal_create:', 'deal_crate:', 'rollout.deal_crate'],
  [
    'a scope that is no condition',
    'agents.yaml',
    'pipeline = default',
    'pipeline ~ default',
    'sales-assistant.scope.records.deal',
  ],
])('%s is refused', (_what, file, from, to, path) => {
  edit(file, from, to);
  expect(problems().map((problem) => `${problem.file} ${problem.path}`)).toEqual([`${file} ${path}`]);
});

test('a partial rollout without a segment is refused', () => {
  edit('policies.yaml', 'stage: full', 'stage: partial');
  expect(problems().map(({ path }) => path)).toEqual(['rollout.deal_create']);
});

test.each([
  ['of HubSpot', `pat-na1-${'12345678-1234-1234-1234-123456789012'}`],
  ['of HubSpot without dashes', `pat-eu1-${'0123456789abcdef'.repeat(2)}`],
  ['of random letters and digits', 'dGhpcyBpcyBub3QgYSByZWFsIGtleTQy'],
  ['that is a UUID', '0f8fad5b-d9cb-469f-a165-70867728950e'],
  ['of Stripe', `sk_${'test'}_${'0123456789abcdef'.repeat(2)}`],
])('a literal credential %s is refused and never repeated', (_whose, token) => {
  const line = edit('systems/hubspot.yaml', 'secret: plumbline/dev/hubspot ', `secret: ${token} `);
  const [problem, ...others] = problems();
  expect([problem?.line, others.length]).toEqual([line, 0]);
  expect(problemLine(problem as ConfigProblem)).not.toContain(token);
});

test.each([
  ['a tag', 'connector: !!js/function hubspot'],
  ['a custom tag', 'connector: !secret hubspot'],
])('%s in YAML is refused', (_what, line) => {
  edit('systems/hubspot.yaml', 'connector: hubspot', line);
  expect(problems().map(({ message }) => message)).toEqual(['A YAML tag is not allowed.']);
});

test('a key that stands twice is refused', () => {
  edit('systems/hubspot.yaml', 'connector: hubspot', 'connector: hubspot\nconnector: hubspot');
  expect(problems().map(({ line, message }) => [line, message])).toEqual([[3, 'Map keys must be unique.']]);
});

test('aliases that multiply are refused', () => {
  const bomb = ['a: &a [x, x, x, x, x, x]', 'b: &b [*a, *a, *a, *a, *a, *a]', 'c: [*b, *b, *b, *b, *b, *b]'].join('\n');
  edit('policies.yaml', 'approvals:', `${bomb}\napprovals:`);
  expect(problems().map(({ message }) => message)).toContain('Aliases expand to too much.');
});

test('a file above the size cap is not parsed', () => {
  writeFileSync(join(dir, 'agents.yaml'), `# ${'x'.repeat(300_000)}`);
  expect(problems().map(({ message }) => message)).toContain('The file is too large.');
});

test('a file that nothing reads is reported instead of ignored', () => {
  writeFileSync(join(dir, 'polices.yaml'), 'approvals: []');
  expect(problems().map(({ file, message }) => `${file} ${message}`)).toEqual(['polices.yaml This file is not read.']);
});

test('a feed that the connector does not offer is reported with those it offers', () => {
  const line = edit('systems/hubspot.yaml', /$/, 'feeds: { contact: { every: 5m } }\n');
  expect(problems().map((one) => [one.line, one.message, one.allowed])).toEqual([
    [line, 'The connector hubspot has no feed `contact`.', 'contacts, deals'],
  ]);
});

test('a missing file is reported', () => {
  rmSync(join(dir, 'owners.yaml'));
  expect(problems().map(({ file }) => file)).toEqual(['owners.yaml']);
});
