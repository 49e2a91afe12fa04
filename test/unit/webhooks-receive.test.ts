import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { PlumblineError } from '../../shared/model/errors.ts';
import { createSecretCache } from '../../shared/webhooks/secret-cache.ts';
import { doorSecret, hubspotHeaders, hubspotItem, testDoor, urlEvent } from '../kit/webhook-door.ts';

const down = () => {
  throw new PlumblineError('down', { code: 'store_unavailable', retry: 'later', hint: 'wait' });
};
const batch = (count: number) => JSON.stringify(Array.from({ length: count }, (_, i) => hubspotItem(i + 1)));
const signed = (body: string | Uint8Array) => urlEvent('/acme/crm', body, hubspotHeaders(body));
const github = (body: string | Uint8Array) => {
  const mac = createHmac('sha256', doorSecret).update(body).digest('hex');
  return urlEvent('/acme/hub', body, { 'x-hub-signature-256': `sha256=${mac}`, 'x-github-event': 'issues' });
};

describe('receive', () => {
  it('queues every item of a verified batch and acknowledges it', async () => {
    const door = testDoor();
    const answer = await door.post(signed(batch(100)));
    expect([answer.statusCode, door.sent.length, new Set(door.sent.map((one) => one.identity)).size]).toEqual([
      200, 100, 100,
    ]);
  });

  it('makes no call for forged, unsigned, stale and unroutable requests', async () => {
    const door = testDoor();
    const body = batch(1);
    const stale = hubspotHeaders(body, undefined, Date.parse('2020-01-01'));
    const forged = [
      urlEvent('/acme/crm', body, { ...hubspotHeaders(body), 'x-hubspot-signature-v3': 'AAAA' }),
      urlEvent('/acme/crm', body),
      urlEvent('/acme/crm', body, stale),
      urlEvent('/acme/nothing', body, hubspotHeaders(body)),
      urlEvent('/acme/crm/more', body, hubspotHeaders(body)),
      urlEvent('/acme/hub', 'x'.repeat(300_000)),
    ];
    const answers = await Promise.all(forged.map((event) => door.post(event)));
    expect(answers).toEqual(forged.map(() => answers[0]));
    expect([answers[0]?.statusCode, door.calls.queue, door.payloads.puts]).toEqual([401, 0, 0]);
  });

  it('names the reason of a refusal in metrics, never in the answer', async () => {
    const door = testDoor();
    const answer = await door.post(urlEvent('/acme/crm', batch(1)));
    expect(answer.body).toBe('');
    expect(door.metrics).toEqual(['webhook_rejected {"system":"acme","channel":"crm","reason":"missing_header"}']);
  });

  it('logs a flood of forgeries once', async () => {
    const door = testDoor();
    for (let i = 0; i < 50; i += 1) await door.post(urlEvent('/acme/crm', batch(1)));
    expect(door.lines).toHaveLength(1);
  });

  it('verifies bytes that came base64-encoded', async () => {
    const door = testDoor();
    expect((await door.post(signed(Buffer.from(batch(1))))).statusCode).toBe(200);
  });

  it('verifies an event of a REST API', async () => {
    const door = testDoor();
    const body = batch(1);
    const headers = Object.fromEntries(Object.entries(hubspotHeaders(body)).map(([k, v]) => [k.toUpperCase(), v]));
    const event = { httpMethod: 'POST', path: '/acme/crm', headers, body, isBase64Encoded: false, requestContext: {} };
    expect((await door.post(event)).statusCode).toBe(200);
  });

  it('uses the configured public URL and ignores Host and forwarded headers', async () => {
    const body = batch(1);
    const lies = { host: 'evil.example', 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'http' };
    const headers = { ...hubspotHeaders(body), ...lies };
    expect((await testDoor().post(urlEvent('/acme/crm', body, headers))).statusCode).toBe(200);
  });

  it('falls back to the domain that AWS names where no public URL is configured', async () => {
    const body = batch(1);
    const headers = hubspotHeaders(body, 'https://abc.lambda-url.eu-central-1.on.aws');
    const door = testDoor({ publicOrigin: null });
    expect((await door.post(urlEvent('/acme/crm', body, headers))).statusCode).toBe(200);
  });

  it('answers 503 where the queue is down, and acknowledges nothing', async () => {
    const answer = await testDoor({ queue: { send: async () => down() } }).post(signed(batch(1)));
    expect([answer.statusCode, answer.headers['retry-after']]).toEqual([503, '30']);
  });

  it('answers 503 where the payload store is down', async () => {
    const door = testDoor({ payloads: { put: async () => down() } });
    expect((await door.post(github(JSON.stringify({ text: 'x'.repeat(300_000) })))).statusCode).toBe(503);
  });

  it('answers 503 where the secrets were never loaded', async () => {
    expect((await testDoor({ secretsOf: () => null }).post(signed(batch(1)))).statusCode).toBe(503);
  });

  it('refuses what is too large, encoded or of another method before anything is hashed', async () => {
    const door = testDoor();
    const get = { requestContext: { http: { method: 'GET' } } };
    const events = [
      urlEvent('/acme/crm', 'x'.repeat(1_048_577)),
      urlEvent('/acme/crm', '[]', { 'Content-Encoding': 'gzip' }),
      urlEvent('/acme/crm', '[]', {}, get),
      urlEvent('/acme/nothing', '[]', {}, get),
    ];
    const answers = await Promise.all(events.map((event) => door.post(event)));
    expect(answers.map(({ statusCode }) => statusCode)).toEqual([413, 415, 405, 405]);
  });

  it('puts a large body into the payload store once, and sends pointers', async () => {
    const door = testDoor();
    const items = Array.from({ length: 30 }, (_, i) => hubspotItem(i, { propertyValue: 'x'.repeat(10_000) }));
    await door.post(signed(JSON.stringify(items)));
    expect(door.payloads.puts).toBe(1);
    expect(door.sent.map(({ item }) => ('index' in item ? item.index : -1))).toEqual(items.map((_, index) => index));
  });

  it('keeps the digits of 64-bit ids', async () => {
    const door = testDoor();
    await door.post(github('{"id":9007199254740993,"big":1e400}'));
    expect(door.sent[0]?.item).toEqual({ inline: { id: '9007199254740993', big: '1e400' } });
  });

  it.each([
    ['deep nesting', `${'['.repeat(65)}${']'.repeat(65)}`, 'too_deep'],
    ['a million levels', '['.repeat(1_000_000), 'too_deep'],
    ['a prototype key', '{"__proto__":{"admin":true}}', 'dangerous_key'],
    ['an escaped prototype key', '{"__proto\\u005f_" :1}', 'dangerous_key'],
    ['a key twice', `{"a":1,"a"${' '.repeat(100)}:2}`, 'duplicate_key'],
    ['NaN', '{"a":NaN}', 'invalid_json'],
    ['a lone surrogate', '{"a":"\\ud800"}', 'lone_surrogate'],
    ['wrong UTF-8', Buffer.from([0x7b, 0xff, 0x7d]), 'invalid_utf8'],
    ['nothing', '', 'empty'],
  ])('acknowledges and quarantines %s', async (_name, body, reason) => {
    const door = testDoor();
    const answer = await door.post(github(body));
    expect([answer.statusCode, door.sent.map(({ quarantine }) => quarantine)]).toEqual([200, [reason]]);
  });

  it('reads a body with a byte order mark', async () => {
    const door = testDoor();
    await door.post(github('\ufeff{"a":1}'));
    expect(door.sent[0]?.item).toEqual({ inline: { a: 1 } });
  });

  it('quarantines a poison item alone', async () => {
    const door = testDoor();
    const items = [hubspotItem(1), { subscriptionType: 'contact.creation' }, hubspotItem(2)];
    await door.post(signed(JSON.stringify(items)));
    expect(door.sent.map(({ quarantine }) => quarantine ?? null)).toEqual([null, 'no_identity', null]);
  });

  it('quarantines an item that the connector cannot take, and queues the others', async () => {
    const door = testDoor();
    const channel = door.deps.channels.get('acme/crm');
    const type = (item: unknown) => {
      if (JSON.stringify(item).includes('"eventId":2')) throw new Error('a bug');
      return 'contact.creation';
    };
    const adapter = channel?.adapter ? { ...channel.adapter, type } : null;
    const channels = new Map(channel ? [['acme/crm', { ...channel, adapter }]] : []);
    const buggy = testDoor({ channels });
    await buggy.post(signed(batch(3)));
    expect(buggy.sent.map(({ quarantine }) => quarantine ?? null)).toEqual([null, 'adapter_failed', null]);
  });

  it('gives a retry the identity and the item hash of the first attempt', async () => {
    const door = testDoor();
    await door.post(signed(JSON.stringify([hubspotItem(1)])));
    await door.post(signed(JSON.stringify([hubspotItem(1, { attemptNumber: 3 })])));
    const [first, second] = door.sent;
    expect([second?.identity, second?.itemHash, second?.attempt]).toEqual([first?.identity, first?.itemHash, 3]);
  });

  it('does not believe an id that the signature does not cover', async () => {
    const door = testDoor();
    for (const id of ['one', 'two']) {
      const event = github('{"action":"opened"}');
      await door.post({ ...event, headers: { ...event.headers, 'x-github-delivery': id } });
    }
    expect(door.sent[0]?.identity).toBe(door.sent[1]?.identity);
  });

  it('stores no credential that came inside a payload', async () => {
    const door = testDoor();
    await door.post(github('{"token":"abc","clientState":"def","text":"Bearer abcdefghijklmnopqrstuvwxyz"}'));
    await door.post(github('{"token":"ghi", broken'));
    const stored = JSON.stringify(door.sent);
    expect(['abc"', 'def"', 'ghi"', 'abcdefghij'].filter((text) => stored.includes(text))).toEqual([]);
  });
});

describe('handshakes and acknowledgements', () => {
  const query = (path: string, rawQueryString: string, method: string) =>
    urlEvent(path, '', {}, { rawQueryString, requestContext: { http: { method } } });

  it('echoes the validation token of Graph as plain text', async () => {
    const answer = await testDoor().post(query('/acme/graph', 'validationToken=%3Cb%3E+x', 'POST'));
    expect(answer).toMatchObject({ statusCode: 200, body: '<b> x', headers: { 'x-content-type-options': 'nosniff' } });
  });

  it('echoes no validation token that is too long, nor on another channel', async () => {
    const door = testDoor();
    const long = await door.post(query('/acme/graph', `validationToken=${'a'.repeat(4097)}`, 'POST'));
    const other = await door.post(query('/acme/crm', 'validationToken=abc', 'POST'));
    expect([long.statusCode, other.statusCode]).toEqual([401, 401]);
  });

  it('answers the challenge of Meta for the right token only', async () => {
    const ask = (token: string) => `hub.mode=subscribe&hub.challenge=42&hub.verify_token=${token}`;
    const door = testDoor();
    const right = await door.post(query('/acme/meta', ask('what-was-typed'), 'GET'));
    const wrong = await door.post(query('/acme/meta', ask('something'), 'GET'));
    expect([right.body, right.statusCode, wrong.statusCode]).toEqual(['42', 200, 401]);
  });

  it('answers the challenge of Slack after its signature passed', async () => {
    const door = testDoor();
    const body = '{"type":"url_verification","challenge":"c1"}';
    const mac = createHmac('sha256', doorSecret).update(`v0:1795000000:${body}`).digest('hex');
    const headers = { 'x-slack-signature': `v0=${mac}`, 'x-slack-request-timestamp': '1795000000' };
    const answers = [
      await door.post(urlEvent('/acme/slack', body, headers)),
      await door.post(urlEvent('/acme/slack', body)),
    ];
    expect(answers.map(({ statusCode, body: text }) => [statusCode, text])).toEqual([
      [200, 'c1'],
      [401, ''],
    ]);
  });

  it('answers Salesforce with one SOAP acknowledgement for a hundred notifications', async () => {
    const token = 'unguessable-token-0123456789';
    const door = testDoor({ secretsOf: () => [token] });
    const many = Array.from(
      { length: 100 },
      (_, i) => `<Notification><Id>04l${i}</Id><sObject><Name>A &amp; B</Name></sObject></Notification>`,
    );
    const soap = `<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body><notifications xmlns="http://soap.sforce.com/2005/09/outbound"><OrganizationId>00D000000000001EAA</OrganizationId><ActionId>04k1</ActionId><SessionId>live!session</SessionId>${many.join('')}</notifications></e:Body></e:Envelope>`;
    const answer = await door.post(urlEvent(`/acme/sf/${token}`, soap));
    expect(answer.body).toContain('<Ack>true</Ack>');
    expect([door.sent.length, JSON.stringify(door.sent).includes('live!session')]).toEqual([100, false]);
  });
});

describe('the secret cache', () => {
  it('loads at start and by age, never because of a request', async () => {
    let now = 0;
    let loads = 0;
    const secrets = {
      current: async () => {
        loads += 1;
        return [{ value: `v${loads}`, versionId: 'x' }];
      },
    };
    const { deps } = testDoor();
    const clock = { now: () => now, sleep: async () => {} };
    const cache = createSecretCache({ secrets, names: ['a'], clock, log: deps.log });
    for (let i = 0; i < 20; i += 1) await cache.keepFresh();
    now = 300_001;
    await Promise.all([cache.keepFresh(), cache.keepFresh()]);
    expect([loads, cache.valuesOf('a')]).toEqual([2, ['v2']]);
  });

  it('keeps the old value where a load fails', async () => {
    let now = 0;
    const current = async () => (now === 0 ? [{ value: 'v1', versionId: 'x' }] : down());
    const { deps } = testDoor();
    const clock = { now: () => now, sleep: async () => {} };
    const cache = createSecretCache({ secrets: { current }, names: ['a'], clock, log: deps.log });
    await cache.keepFresh();
    now = 400_000;
    await cache.keepFresh();
    expect(cache.valuesOf('a')).toEqual(['v1']);
  });
});
