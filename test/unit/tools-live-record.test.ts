import { expect, test } from 'vitest';
import type { PoliciesConfig } from '../../shared/config/schema.ts';
import type { WriteEffect } from '../../shared/model/operation.ts';
import { inScope } from '../../shared/policy/scope.ts';
import type { SystemDeps } from '../../shared/tools/attempt.ts';
import { readLive } from '../../shared/tools/live-record.ts';

const scope = { records: { deal: 'pipeline = default' }, personal: [] };
const mine = { pipeline: 'default' };

/** Whether a write of these words is inside the scope, by an operation that cannot read its record. */
async function judged(effect: WriteEffect, input: object): Promise<boolean> {
  const deps = {
    operations: () => ({ kind: 'write' }),
    systems: { hubspot: { apiVersion: '1' } },
    send: () => Promise.reject(new Error('nothing is to be asked')),
  } as unknown as SystemDeps;
  const read = await readLive(deps, {
    tool: { kind: 'write', name: 'deal_x', effect, gates: [] } as never,
    input: {},
    planned: { operation: 'x', system: 'hubspot', input: input as never },
    agent: { scope },
    policies: { rollout: {}, approvals: [], budgets: [] } as PoliciesConfig,
    target: ['hubspot', 'deal', '1'],
    ...{ deadlineMs: 1, nowMs: 0 },
  });
  return read.kind === 'ok' && inScope({ scope }, { object: 'deal', fields: read.live.fields });
}

test('what is created is judged by what is about to be written', async () => {
  expect(await judged('create', { properties: mine })).toBe(true);
});

test.each(['update', 'delete', 'append'] as const)(
  'the words of a caller do not bring a record that was not read into scope for %s',
  async (effect) => {
    expect(await judged(effect, { properties: mine })).toBe(false);
  },
);

test('the first of several records does not stand for the others', async () => {
  expect(await judged('create', { inputs: [{ properties: mine }] })).toBe(true);
  expect(await judged('create', { inputs: [{ properties: mine }, { properties: { pipeline: 'other' } }] })).toBe(false);
});
