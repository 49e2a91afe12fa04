import { describe, expect, it } from 'vitest';
import { graph } from '../../shared/connectors/graph/calls.ts';
import { refProperty } from '../../shared/connectors/graph/client.ts';
import { operationById } from '../../shared/connectors/graph/operations.ts';
import type { SendInput } from '../../shared/connectors/sender.ts';
import { makeAttempt, type SystemDeps } from '../../shared/tools/attempt.ts';

type AttemptInput = Parameters<ReturnType<typeof makeAttempt>>[0];

const ref = 'act_draft_1';
const mailOf = (isDraft: boolean) => ({
  ...{ id: 'AAkALg1=', subject: 'A', isDraft, conversationId: 'c', toRecipients: [] },
  singleValueExtendedProperties: [{ id: refProperty, value: ref }],
});
const gone = { status: 404, body: { error: { code: 'ErrorItemNotFound', message: 'not found' } } };
const noDraft = { status: 400, body: { error: { code: 'ErrorInvalidOperation', message: 'not a draft' } } };
const held = (...mails: readonly object[]) => ({ status: 200, body: { value: mails } });

/** Sends a draft and meets a refusal; what the read-back then finds is given. */
async function attempted(attempts: number, refusal: typeof gone, readBack: { status: number; body: object }) {
  const send = async (input: SendInput) => {
    const { status, body } = input.purpose === 'write' ? refusal : readBack;
    const answer = { status, headers: {}, bodyText: JSON.stringify(body) };
    return { kind: 'answer' as const, answer, fetchedAtMs: 0 };
  };
  const deps = {
    ...{ send, operations: operationById, systems: { graph: { apiVersion: 'v1.0' } } },
    control: { check: async () => ({ kind: 'on' }) },
  } as unknown as SystemDeps;
  const call = graph.messages.send('00000000-0000-4000-8000-000000000001', 'AAkALg1=', ref);
  const record = { attempts, tool: 'email_send', principal: 'agent:a', runId: null };
  const input = { record, call, providerKey: 'act_k_1', deadlineMs: 1, mayWrite: () => true };
  return (await makeAttempt(deps)(input as unknown as AttemptInput)).kind;
}

describe.each([
  ['is not there', gone],
  ['is refused as no draft', noDraft],
])('a draft that %s when it is to be sent', (_what, refusal) => {
  it('was not sent by the first attempt', async () => {
    expect(await attempted(1, refusal, held(mailOf(false)))).toBe('not_applied');
  });

  it('was sent by an earlier attempt, where it lies among the sent mails', async () => {
    expect(await attempted(2, refusal, held(mailOf(false)))).toBe('applied');
  });

  it('was refused, where it still is a draft', async () => {
    expect(await attempted(2, refusal, held(mailOf(true)))).toBe('not_applied');
  });

  it('is unknown, where it is found nowhere', async () => {
    expect(await attempted(2, refusal, held())).toBe('unknown');
  });
});
