import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { rules } from '../../config/rules/index.ts';
import { loadConfig } from '../../shared/config/load.ts';
import { ruleDecider } from '../../shared/webhooks/delivery/rule.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'endpoint-'));
  cpSync(new URL('../../config', import.meta.url).pathname, dir, { recursive: true });
});
afterEach(() => rmSync(dir, { recursive: true }));

const endpoint = { url: 'https://desk.acme.example/hooks', secret: 'plumbline/dev/desk-endpoint' };

/** The problems of the shipped configuration with one more agent. */
function problems(agent: object): readonly string[] {
  const file = join(dir, 'agents.yaml');
  writeFileSync(
    file,
    `${readFileSync(file, 'utf8')}\nnew-agent: ${JSON.stringify({ owner: 'support', tools: ['contact_get'], ...agent })}\n`,
  );
  const result = loadConfig(dir, { rules: Object.keys(rules) });
  return result.kind === 'ok' ? [] : result.problems.map(({ path, message }) => `${path}: ${message}`);
}

test('an endpoint with events and a rule that exists is taken', () => {
  const rule = { whileDown: 'rule', rule: 'changes_are_read_later' };
  expect(problems({ events: ['app_mention'], endpoint: { ...endpoint, ...rule } })).toEqual([]);
});

test('an endpoint without events is told', () => {
  expect(problems({ endpoint })).toEqual([
    'new-agent.endpoint.url: would be told of nothing: this agent names no events.',
  ]);
});

test('a rule that does not exist is told', () => {
  expect(problems({ events: ['x'], endpoint: { ...endpoint, whileDown: 'rule', rule: 'guess' } })).toEqual([
    'new-agent.endpoint.rule: No rule is called `guess`.',
  ]);
});

test('an endpoint without a key of handles is told', () => {
  const file = join(dir, 'policies.yaml');
  writeFileSync(file, readFileSync(file, 'utf8').replace(/^events:.*$/m, ''));
  expect(problems({ events: ['x'], endpoint })).toEqual([
    'new-agent.endpoint.secret: is not enough: policies.yaml names no key of event handles.',
  ]);
});

test('every rule of the index bears its own name and decides', async () => {
  const event = { eventId: 'e', agent: 'desk', system: 's', record: 'contact/1', occurredAtMs: null };
  for (const [name, load] of Object.entries(rules)) {
    expect((await load()).default.name).toBe(name);
    const verdict = await ruleDecider(rules)(name, { ...event, type: 'contact.propertyChange' });
    expect(['ignore', 'case']).toContain(verdict.kind);
  }
  await expect(ruleDecider(rules)('guess', { ...event, type: 'x' })).rejects.toMatchObject({ code: 'config_invalid' });
  expect((await ruleDecider(rules)('changes_are_read_later', { ...event, type: 'ticket.creation' })).kind).toBe('case');
});
