import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson, normaliseJson } from '../../shared/action/canonical.ts';
import { mintEventHandle, verifyEventHandle } from '../../shared/action/event-handle.ts';
import { deriveIdentity } from '../../shared/action/keys.ts';
import { actionId, newId, parseActionId } from '../../shared/model/ids.ts';
import type { Json } from '../../shared/model/json.ts';
import { testIdentity, testRandom } from '../kit/kernel.ts';

const event = { id: 'hubspot#crm#evt-1', part: { line: 1 } };

describe('an action key', () => {
  it.each([
    ['window', testIdentity(), '3bjmn2y5cgcj2gkamjgq34bh3x0bra9j0s63be5a'],
    ['run', testIdentity({ occasion: 'run', runId: 'run_a' }), '9e5ekj6z2vyrsbys0fjdh0bzcaf8d4d48gpnav8c'],
    ['event', testIdentity({ occasion: 'event', event }), 'jz51d2dzhgy8s0tyaz731qdg3q527cyda7tqj0tg'],
    ['ever', testIdentity({ occasion: 'ever' }), 'mjh96k6ph334gh0fg7qz2k7v24dn1n6t42y4b7vs'],
    [
      'ever by a natural key',
      testIdentity({ occasion: 'ever', natural: ['saga', 'step-1'] }),
      'bzw8kvq9b3hhsktngrapvaxdhvrdr8xx3eshxdyn',
    ],
    ['caller', testIdentity({ occasion: 'caller', idempotencyKey: 'k-1' }), 'jk4w8011ex0npbnzn2ayz1g4ycyn86q0ft53spsh'],
  ])('of occasion %s is the same in every version', (_name, identity, golden) => {
    expect(identity.key).toBe(golden);
  });

  it('makes an action id that can be parsed', () => {
    const { key } = testIdentity();
    expect(parseActionId(actionId(key, 3))).toEqual({ key, gen: 3 });
  });

  it.each([
    ['principal', { principal: 'agent:other' }],
    ['action type', { actionType: 'deal_create' }],
    ['target', { target: ['hubspot', 'deal', '502'] as const }],
    ['identifying input', { identifying: { stage: 'lost' } }],
  ])('is another for another %s', (_name, given) => {
    expect(testIdentity(given).key).not.toBe(testIdentity().key);
  });

  it('is the same whatever the wording that does not identify', () => {
    expect(testIdentity({ input: { reason: 'other words' } }).key).toBe(testIdentity().key);
  });

  it('of one event is the same in every run and wording', () => {
    const one = testIdentity({ occasion: 'event', event, runId: 'run_a', identifying: { text: 'a' } });
    const other = testIdentity({ occasion: 'event', event, runId: 'run_b', identifying: { text: 'b' } });
    expect(other.key).toBe(one.key);
  });

  it('of another part of one event is another', () => {
    const one = testIdentity({ occasion: 'event', event });
    expect(testIdentity({ occasion: 'event', event: { ...event, part: { line: 2 } } }).key).not.toBe(one.key);
  });

  it.each(['run', 'event'] as const)('of a %s tool without one is that of the window', (occasion) => {
    expect(testIdentity({ occasion })).toEqual(testIdentity());
  });

  it('of an Idempotency-Key asks for refusal where the intent is another', () => {
    const keyed = { occasion: 'caller', idempotencyKey: 'k-1' } as const;
    expect(testIdentity(keyed)).toMatchObject({ onMismatch: 'refuse' });
    expect(testIdentity({ ...keyed, identifying: { stage: 'x' } }).key).toBe(testIdentity(keyed).key);
  });
});

describe('deriving an identity', () => {
  const base = {
    principal: 'agent:a',
    actionType: 't',
    windowMs: null,
    target: ['s', 'o', '1'] as const,
    identifying: {},
    input: {},
    event: null,
  };
  const at = { nowMs: 1_800_000_000_000, retentionMs: 400 * 86_400_000 };

  it('refuses an Idempotency-Key that the tool did not ask for', () => {
    const derived = deriveIdentity({ ...base, occasion: 'window', runId: null, idempotencyKey: 'k' }, at);
    expect(derived).toMatchObject({ kind: 'refused', code: 'idempotency_key_not_accepted' });
  });

  it.each([null, '', 'ä', 'x'.repeat(256)])('refuses the Idempotency-Key %j', (idempotencyKey) => {
    const derived = deriveIdentity({ ...base, occasion: 'caller', runId: null, idempotencyKey }, at);
    expect(derived).toMatchObject({ kind: 'refused', code: 'invalid_input' });
  });

  it('refuses a run older than the records that would show what it did', () => {
    const runId = newId('run', at.nowMs - at.retentionMs - 1, testRandom());
    const derived = deriveIdentity({ ...base, occasion: 'run', runId, idempotencyKey: null }, at);
    expect(derived).toMatchObject({ kind: 'refused', code: 'run_too_old' });
  });
});

describe('canonical text', () => {
  it.each<[Json, string]>([
    [{ b: 1, a: [true, null] }, '{"a":[true,null],"b":1}'],
    [{ n: 1e21 }, '{"n":1000000000000000000000}'],
    [{ n: 1.5e-7 }, '{"n":0.00000015}'],
    [{ n: -2.5e22 }, '{"n":-25000000000000000000000}'],
    [{ n: -0 }, '{"n":0}'],
    ['e\u0301', '"\u00e9"'],
  ])('of %j is %s', (value, text) => {
    expect(canonicalJson(value)).toBe(text);
  });

  it('keeps a number and its text apart', () => {
    expect(canonicalJson([1])).not.toBe(canonicalJson(['1']));
  });

  it('refuses names that become one', () => {
    expect(() => normaliseJson({ 'e\u0301': 1, '\u00e9': 2 })).toThrow('same name');
  });

  it('means what the value means', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const json = normaliseJson(value as Json);
        expect(JSON.parse(canonicalJson(json))).toEqual(json);
      }),
      { seed: 7, numRuns: 300 },
    );
  });
});

describe('an event handle', () => {
  const key = new Uint8Array(32).fill(1);
  const newer = new Uint8Array(32).fill(2);
  const grant = { eventId: 'hubspot#crm#evt-1', principal: 'agent:a', atMs: 1_800_000_000_000 };
  const at = { principal: 'agent:a', nowMs: grant.atMs + 1000, retentionMs: 86_400_000 };
  const handle = mintEventHandle(key, grant);

  it('names its event for the agent it was delivered to, also during a rotation', () => {
    expect(verifyEventHandle([newer, key], handle, at)).toEqual({
      kind: 'event',
      eventId: grant.eventId,
      atMs: grant.atMs,
    });
  });

  it.each([
    ['another agent', handle, { ...at, principal: 'agent:b' }],
    ['an age beyond retention', handle, { ...at, nowMs: grant.atMs + 86_400_001 }],
    ['the future', handle, { ...at, nowMs: grant.atMs - 300_001 }],
    [
      'another event',
      mintEventHandle(key, { ...grant, eventId: 'x' })
        .split('.')
        .slice(0, 3)
        .join('.') + handle.slice(-44),
      at,
    ],
    ['another key', mintEventHandle(newer, grant), at],
    ['no handle', 'hubspot#crm#evt-1', at],
  ])('is refused for %s', (_name, given, when) => {
    expect(verifyEventHandle([key], given, when).kind).toBe('refused');
  });
});
