import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { beginCall, callTool } from '../../shared/tools/call.ts';
import type { CallDeps } from '../../shared/tools/call-deps.ts';
import { together } from '../../shared/tools/together.ts';
import { type AgentWorld, agentWorld } from '../kit/agent-world.ts';

let world: AgentWorld;
beforeEach(async () => {
  world = await agentWorld();
});
afterEach(() => world.close());

const principal = { kind: 'agent', id: 'sales-assistant', via: 'file' } as const;

/** One tool call of a file's agent, as a piece of work. */
const calling = (tool: string, args: Record<string, string>) => async (own: CallDeps) => {
  const receivedAtMs = own.kernel.clock.now();
  const begun = beginCall(own, { principal, receivedAtMs });
  if (!begun) throw new Error('no such agent');
  const body = { arguments: args, context: { run_id: 'file:repairs' } };
  return (await callTool(own, begun, { principal, tool, body, headers: {}, receivedAtMs })).answer;
};
const note = (contact_id: string, text: string) => calling('contact_append_note', { contact_id, text });
const paths = () =>
  world.hubspot.effects
    .requests()
    .filter(({ method }) => method !== 'GET')
    .map(({ path }) => path.replace('/crm/objects/2026-09', ''));

describe('tool calls at once', () => {
  it('share a request, and each is judged, answered and recorded by itself', async () => {
    const [one, two] = [
      await world.create('contacts', { firstname: 'A' }),
      await world.create('contacts', { firstname: 'B' }),
    ];
    await together(world.deps, [note(one, 'known')]);
    world.hubspot.effects.clear();
    const settled = await together(world.deps, [
      note(one, 'first'),
      note(two, 'second'),
      note(one, 'known'),
      note('99999999', 'of nobody'),
      calling('contact_append_note', { contact_id: one }),
      calling('contact_get', { contact_id: two }),
      calling('no_such_tool', {}),
      () => Promise.reject(new Error('a row that cannot be read')),
    ]);
    expect(settled.map((one) => (one.status === 'fulfilled' ? one.value.status : 'threw'))).toEqual([
      'applied',
      'applied',
      'replayed',
      'failed',
      'refused',
      'ok',
      'refused',
      'threw',
    ]);
    expect(paths()).toEqual(['/notes/batch/create']);
    const made = world.hubspot.effects.effects().filter(({ change }) => change === 'create');
    expect(made.map(({ properties }) => properties['hs_note_body'])).toEqual(['first', 'second']);
  });
});
