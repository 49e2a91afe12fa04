import { describe, expect, it } from 'vitest';
import { hubspot } from '../../shared/connectors/hubspot/calls.ts';
import { operationById } from '../../shared/connectors/hubspot/operations.ts';
import type { SendInput } from '../../shared/connectors/sender.ts';
import { makeAttempt, type SystemDeps } from '../../shared/tools/attempt.ts';

type AttemptInput = Parameters<ReturnType<typeof makeAttempt>>[0];

const duplicate = { status: 409, body: { category: 'CONFLICT', message: 'Deal already exists. Existing ID: 9' } };
const absent = { status: 404, body: { category: 'OBJECT_NOT_FOUND', message: 'resource not found' } };
const found = { status: 200, body: { id: '9', properties: { plumbline_ref: 'act_k_1' } } };
const failing = { status: 500, body: {} };

/** Sends a create that HubSpot calls a duplicate; what the read-back then meets is given. */
async function attempted(attempts: number, readBack: { status: number; body: object }) {
  const purposes: string[] = [];
  const send = async (input: SendInput) => {
    purposes.push(input.purpose);
    const { status, body } = input.purpose === 'write' ? duplicate : readBack;
    const answer = { status, headers: {}, bodyText: JSON.stringify(body) };
    return { kind: 'answer' as const, answer, fetchedAtMs: 0 };
  };
  const deps = {
    send,
    operations: operationById,
    systems: { hubspot: { apiVersion: '2026-09' } },
    control: { check: async () => ({ kind: 'on' }) },
  } as unknown as SystemDeps;
  const call = hubspot.deals.create({ dealname: 'A' });
  const record = { attempts, tool: 'deal_create', principal: 'agent:a', runId: null };
  const input = { record, call, providerKey: 'act_k_1', deadlineMs: 1, mayWrite: () => true };
  return { verdict: await makeAttempt(deps)(input as unknown as AttemptInput), purposes };
}

describe('a create that the system calls a duplicate', () => {
  it('was refused, where it is the first attempt', async () => {
    const { verdict, purposes } = await attempted(1, found);
    expect(verdict).toMatchObject({ kind: 'not_applied', error: { class: 'duplicate', target: '9' } });
    expect(purposes).toEqual(['write']);
  });

  it('was applied, where the record carries the key of this action', async () => {
    expect((await attempted(2, found)).verdict).toMatchObject({ kind: 'applied', records: [['hubspot', 'deal', '9']] });
  });

  it('was refused, where no record carries the key', async () => {
    expect((await attempted(2, absent)).verdict).toMatchObject({ kind: 'not_applied', error: { class: 'duplicate' } });
  });

  it('is unknown, where the read-back says nothing', async () => {
    expect((await attempted(2, failing)).verdict).toMatchObject({ kind: 'unknown' });
  });
});
