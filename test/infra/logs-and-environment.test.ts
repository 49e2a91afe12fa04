import { describe, expect, test } from 'vitest';
import { logMetrics } from '../../infra/constructs/log-metric.ts';
import { functions } from '../../infra/functions.ts';
import type { TokenPost } from '../../shared/auth/refresh.ts';
import { jsonLog } from '../../shared/observe/json-log.ts';
import { importGraph, sourceFiles, sourceText } from '../kit/sources.ts';
import { tokenWorld } from '../kit/token-world.ts';

const graph = await importGraph(sourceFiles('functions', 'shared', 'config'));

/** The text of everything that a function imports by value, itself included. */
function codeOf(name: string): string {
  const seen = new Set<string>();
  const visit = (file: string): void => {
    if (seen.has(file) || !graph.has(file)) return;
    seen.add(file);
    for (const next of graph.get(file) ?? []) visit(next);
  };
  visit(`functions/${name}.ts`);
  return [...seen].map(sourceText).join('\n');
}

/** The names between quotes in the calls of `readEnv`, also those that stand in a list beside it. */
function readBy(name: string): readonly string[] {
  const code = sourceText(`functions/${name}.ts`);
  return [...new Set(code.match(/'[A-Z]+(_[A-Z]+)*'/g) ?? [])].map((one) => one.slice(1, -1)).sort();
}

describe('what alarms read from logs', () => {
  const metrics = logMetrics.filter(({ value }) => value !== undefined);

  test.each(metrics.flatMap(({ value, functions: names }) => names.map((name) => [value?.slice(2) ?? '', name])))(
    '%s is measured by the code of %s',
    (metric, name) => {
      expect(codeOf(name)).toContain(`'${metric}'`);
    },
  );

  test('a metric is a line of JSON with its value under its name, as the filter patterns ask', () => {
    const lines: string[] = [];
    const log = jsonLog({ clock: { now: () => 0 }, write: (line) => void lines.push(line), fields: {} });
    log.metric('OldestUnknownMs', 12, 'Milliseconds', { system: 'hubspot' });
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ OldestUnknownMs: 12 });
  });

  const answer =
    (status: number, bodyText: string): TokenPost =>
    async () => ({ kind: 'answer', status, bodyText });
  const posts: Readonly<Record<string, TokenPost>> = {
    refresh_failed: answer(400, '{"error":"invalid_grant"}'),
    refresh_outcome_unknown: async () => ({ kind: 'lost', code: 'connection_lost' }),
    token_for_other_origin: answer(200, '{"access_token":"a","instance_url":"https://other.example"}'),
  };

  test.each(Object.entries(posts))(
    'a credential that cannot be refreshed is logged under a reason that the filter pattern names: %s',
    async (expected, post) => {
      const world = tokenWorld();
      const lines: { reason?: string }[] = [];
      const write = (line: string) => void lines.push(JSON.parse(line) as { reason?: string });
      const log = jsonLog({ clock: world.clock, write, fields: {} });
      await world.ask(0, { ...world.process(), log, post });
      const reason = lines.find((line) => line.reason !== undefined)?.reason;
      expect(reason).toBe(expected);
      expect(logMetrics.find(({ name }) => name === 'RefreshFailed')?.pattern).toContain(`$.reason = "${reason}"`);
    },
  );
});

describe('the environment of functions', () => {
  const everywhere = ['STAGE', 'LOCAL_ORIGINS'];

  test.each(functions)('$name reads the variables it is given, and no other', ({ name, env }) => {
    expect(readBy(name).filter((one) => !everywhere.includes(one))).toEqual([...env].sort());
  });
});
