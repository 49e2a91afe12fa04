import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { issueKey } from '../../shared/auth/api-keys.ts';
import { dynamoApiKeyStore } from '../../shared/aws/api-key-store.ts';
import { controlStore } from '../../shared/aws/control-store.ts';
import { systemClock, systemRandom } from '../../shared/model/clock.ts';
import { notesWith, startToolWorld, type ToolWorld } from '../kit/tool-world.ts';

let world: ToolWorld;
beforeAll(async () => {
  world = await startToolWorld();
});
afterAll(() => world?.close());

type Problem = { code?: string; detail?: string; error?: { code: string; errors?: { path: string }[] } };

async function send(body: string | Uint8Array, headers: Record<string, string> = {}, tool = 'contact_append_note') {
  const response = await fetch(`${world.local.urls.agents}/v1/tools/${tool}/calls`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      authorization: `Bearer ${world.local.agentKeys['sales-assistant']}`,
      ...headers,
    },
    body: typeof body === 'string' ? body : Buffer.from(body),
  });
  const text = await response.text();
  const json = JSON.parse(text) as Problem;
  return { status: response.status, text, json, code: json.code ?? json.error?.code };
}

const note = (text: string, contact_id: unknown = '1201') => JSON.stringify({ arguments: { contact_id, text } });
const utf8 = (text: string) => new TextEncoder().encode(text);
const joined = (...parts: Uint8Array[]) => Uint8Array.from(parts.flatMap((part) => [...part]));
const bytes = (...list: number[]) => Uint8Array.from(list);

describe('a body', () => {
  const cut = '{"arguments":{"contact_id":"1201","text":"cut';
  const bad: readonly [what: string, body: () => string | Uint8Array, status: number, code: string][] = [
    ['that is cut off', () => cut, 400, 'malformed_json'],
    ['that is empty', () => '', 400, 'malformed_json'],
    ['that is nested 100,000 deep', () => '['.repeat(100_000), 400, 'malformed_json'],
    [
      'with a byte that is no UTF-8',
      () => joined(utf8('{"arguments":{"text":"'), bytes(0xff), utf8('"}}')),
      400,
      'malformed_json',
    ],
    [
      'with an overlong encoding',
      () => joined(utf8('{"reason":"'), bytes(0xc0, 0xaf), utf8('"}')),
      400,
      'malformed_json',
    ],
    [
      'with a surrogate in UTF-8',
      () => joined(utf8('{"reason":"'), bytes(0xed, 0xa0, 0x80), utf8('"}')),
      400,
      'malformed_json',
    ],
    ['of 2 MB', () => note('x'.repeat(2_097_152)), 413, 'body_too_large'],
    ['that is a list', () => '[]', 422, 'invalid_input'],
    ['that is null', () => 'null', 422, 'invalid_input'],
    ['with an unknown member', () => '{"arguments":{},"dry_run":true}', 422, 'invalid_input'],
    ['with a number for an id', () => note('n', 1201), 422, 'invalid_input'],
    [
      'with 9,007,199,254,740,993 for an id',
      () => '{"arguments":{"contact_id":9007199254740993,"text":"n"}}',
      422,
      'invalid_input',
    ],
    ['with an id of 10,000 digits', () => note('n', '1'.repeat(10_000)), 422, 'invalid_input'],
    ['with a path for an id', () => note('n', '../1201'), 422, 'invalid_input'],
    [
      'with a half of a surrogate pair',
      () => '{"arguments":{"contact_id":"1201","text":"half \\ud83d"}}',
      422,
      'invalid_input',
    ],
    [
      'with `again` that is no text',
      () => '{"arguments":{"contact_id":"1201","text":"n","again":7}}',
      422,
      'invalid_input',
    ],
    [
      'with __proto__ as an argument',
      () => '{"arguments":{"contact_id":"1201","text":"n","__proto__":{"a":1}}}',
      422,
      'invalid_input',
    ],
    [
      'with a number in its context that cannot be kept exactly',
      () => '{"arguments":{"contact_id":"1201","text":"n"},"context":{"model_output":{"id":9007199254740993}}}',
      422,
      'invalid_input',
    ],
    [
      'with a line break in its run id',
      () => '{"arguments":{"contact_id":"1201","text":"n"},"context":{"run_id":"a\\r\\nX-B: c"}}',
      422,
      'invalid_input',
    ],
  ];

  it.each(bad)('%s is refused, and nothing is sent', async (_what, body, status, code) => {
    const before = (await world.requests()).length;
    const told = await send(body());
    expect([told.status, told.code]).toEqual([status, code]);
    expect((await world.requests()).length).toBe(before);
  });

  it('that is not JSON is answered with the position', async () => {
    const { json } = await send('{"arguments":\n{"contact_id": 1201x}}');
    expect(json.detail).toMatch(/position 33 \(line 2, column 20\)/);
  });

  it.each(['text/plain', 'application/xml', 'multipart/form-data'])('of type %s is answered with 415', async (type) => {
    const told = await send(note('n'), { 'content-type': type });
    expect([told.status, told.code]).toEqual([415, 'unsupported_media_type']);
  });

  it('for a tool that does not exist is answered with 404', async () => {
    const told = await send(note('n'), {}, 'contact_destroy');
    expect([told.status, told.code]).toEqual([404, 'unknown_tool']);
  });

  it('is refused with all its mistakes at once', async () => {
    const args = { deal_id: 'x', stage: 'won', colour: 'red' };
    const { json } = await send(JSON.stringify({ arguments: args }), {}, 'deal_update_stage');
    expect(json.error?.errors?.map(({ path }) => path).sort()).toEqual(['colour', 'deal_id', 'reason', 'stage']);
  });

  it('that is wrong in 50,000 places is answered with the first 50 of them', async () => {
    const args = Object.fromEntries(Array.from({ length: 50_000 }, (_, i) => [`f${i}`, 1]));
    const { status, json } = await send(JSON.stringify({ arguments: args }));
    expect([status, json.error?.errors?.length]).toEqual([422, 50]);
  });

  it('of a known agent has its one entry on the ledger, also where it is refused', async () => {
    const before = new Set((await world.entries()).map(({ entryId }) => entryId));
    await send(cut);
    await send(note('n', 7));
    await send('x', { 'content-type': 'text/plain' });
    await send(note('n'), {}, 'contact_destroy');
    const added = (await world.entries()).filter((entry) => entry.kind === 'call' && !before.has(entry.entryId));
    expect(added.map((entry) => 'code' in entry && entry.code).sort()).toEqual([
      'invalid_input',
      'malformed_json',
      'unknown_tool',
      'unsupported_media_type',
    ]);
  });
});

describe('a header', () => {
  const context = (value: object | string) =>
    Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
  const bad: readonly [what: string, headers: Record<string, string>, code: string][] = [
    [
      'Idempotency-Key for a tool that derives what is the same',
      { 'idempotency-key': 'k1' },
      'idempotency_key_not_accepted',
    ],
    ['context that is no base64url', { 'x-agent-context': '{"run_id":"a"}' }, 'invalid_input'],
    ['context that is no JSON', { 'x-agent-context': context('nope') }, 'invalid_input'],
    [
      'context with a run id that breaks lines',
      { 'x-agent-context': context({ run_id: 'a\r\nSet-Cookie: b' }) },
      'invalid_input',
    ],
    ['context of 5,000 characters', { 'x-agent-context': context('x'.repeat(5000)) }, 'invalid_input'],
    ['run id of 200 characters', { 'x-agent-run-id': 'r'.repeat(200) }, 'invalid_input'],
    ['run id that is no ASCII', { 'x-agent-run-id': 'r\u00fcn' }, 'invalid_input'],
  ];

  it.each(bad)('with a %s is refused with 422', async (_what, headers, code) => {
    const told = await send(note('Never sent.'), headers);
    expect([told.status, told.code]).toEqual([422, code]);
    expect(notesWith(await world.effects(), 'Never sent.')).toEqual([]);
  });
});

describe('a credential', () => {
  const ask = async (authorization?: string) => {
    const headers = authorization === undefined ? {} : { authorization };
    return (await fetch(`${world.local.urls.agents}/v1/tools`, { headers })).status;
  };
  const keyDeps = () => {
    const { client } = world.local.standIns;
    const keys = dynamoApiKeyStore({ client, table: world.tableName('TABLE_STATE') });
    const control = () => controlStore(client, world.tableName('TABLE_CONTROL')).read();
    return { keys, control, clock: systemClock, random: systemRandom };
  };

  it('that is missing, wrong, of another kind or of another door is answered with 401', async () => {
    const key = world.local.agentKeys['sales-assistant'] ?? '';
    const person = world.local.issuer.tokenFor('dev@acme.example');
    const wrong = `${key.slice(0, -4)}${key.endsWith('0000') ? '1111' : '0000'}`;
    const given = [undefined, 'Bearer ', `Bearer ${wrong}`, `Basic ${btoa(`${key}:`)}`, `Bearer ${person}`, key];
    expect(await Promise.all(given.map(ask))).toEqual([401, 401, 401, 401, 401, 401]);
  });

  it('that has expired is answered with 401', async () => {
    const issued = await issueKey(keyDeps(), { agent: 'support-assistant', lifeMs: -1000 });
    expect(await ask(issued.kind === 'issued' ? `Bearer ${issued.key}` : '')).toBe(401);
  });

  it('that is revoked fails within 5 s in every warm process', async () => {
    const { json } = await world.operator('dev', 'POST', '/v1/agents/support-assistant/keys', { reason: 'Rotation.' });
    const { key, key_id } = json as { key: string; key_id: string };
    const five = () => Promise.all(Array.from({ length: 5 }, () => ask(`Bearer ${key}`)));
    expect(new Set(await five())).toEqual(new Set([200]));
    const change = { what: 'key', name: key_id, off: true, reason: 'It leaked.' };
    expect((await world.operator('dev', 'PUT', '/v1/control', change)).status).toBe(200);
    const atMs = Date.now();
    await world.until('every process refuses it', async () => (await five()).every((status) => status === 401));
    expect(Date.now() - atMs).toBeLessThan(5000);
    expect(await ask(`Bearer ${world.local.agentKeys['support-assistant']}`)).toBe(200);
  });
});

describe('a secret in a call', () => {
  const secret = 'pat-eu1-0f1e2d3c-aaaa-bbbb-cccc-0123456789ab';

  it('is redacted before anything is sent or kept, warned of, and made a case', async () => {
    const told = await send(
      JSON.stringify({
        arguments: { contact_id: '1202', text: `The key is ${secret}.` },
        reason: `He said ${secret}`,
        context: { prompt: `Use ${secret}`, model_output: { key: secret } },
      }),
      { 'x-agent-context': Buffer.from(JSON.stringify({ note: secret })).toString('base64url') },
    );
    expect(told.status).toBe(200);
    expect(told.text).toContain('secret_redacted');
    expect(notesWith(await world.effects(), 'The key is [redacted: HubSpot token].')).toHaveLength(1);
    const { text } = await world.operator('dev', 'GET', '/v1/cases');
    expect(text).toContain('secret_in_input');
    expect(text).not.toContain(secret);
  });

  it('stands nowhere afterwards: no table, no object, no log', async () => {
    const { plan, standIns, stateDir } = world.local;
    const bucket = plan.functions.map(({ environment }) => environment['PAYLOAD_BUCKET']).find(Boolean) ?? '';
    const objects = standIns.objects
      .keys(bucket)
      .map((key) => Buffer.from(standIns.objects.get(bucket, key) ?? []).toString());
    const logs = readdirSync(join(stateDir, 'logs')).map((name) => readFileSync(join(stateDir, 'logs', name), 'utf8'));
    const tables = JSON.stringify([await world.records(), await world.entries()]);
    expect(objects.length).toBeGreaterThan(0);
    expect([...objects, ...logs, tables].filter((text) => text.includes(secret))).toEqual([]);
  });
});

describe('an id that is longer than JavaScript counts', () => {
  it('is sent digit by digit where it is text', async () => {
    const told = await send(JSON.stringify({ arguments: { contact_id: '9007199254740993' } }), {}, 'contact_get');
    expect([told.status, told.code]).toEqual([404, 'no_match']);
    expect((await world.requests()).at(-1)?.path).toMatch(/\/9007199254740993$/);
  });

  it('of an action or a run, 10,000 characters long, is answered with 404', async () => {
    const told = await Promise.all(['/v1/actions/', '/v1/runs/'].map((path) => world.get(path + 'a'.repeat(10_000))));
    expect(told.map(({ status }) => status)).toEqual([404, 404]);
  });
});
