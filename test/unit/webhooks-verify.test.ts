import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { verify } from '../../shared/webhooks/verify.ts';
import type { VerifyInput } from '../../shared/webhooks/verify-types.ts';
import { publishedVectors, signedVectors, type WebhookVector } from '../kit/webhook-vectors.ts';

const named = signedVectors.map((vector) => [vector.name, vector] as const);
const vectorOf = (name: string): WebhookVector => {
  const found = signedVectors.find((vector) => vector.name === name);
  if (!found) throw new Error(`no vector ${name}`);
  return found;
};
const withHeader = ({ input }: WebhookVector, name: string, value: string | string[]): VerifyInput => ({
  ...input,
  headers: { ...input.headers, [name]: value },
});
const flipText = (text: string, at: number, bit: number) => {
  const bytes = Buffer.from(text, 'latin1');
  const index = at % bytes.length;
  bytes[index] = (bytes[index] ?? 0) ^ (1 << bit);
  return bytes.toString('latin1');
};

describe('verify', () => {
  it.each(publishedVectors)('accepts the published example: %s', (_name, input) => {
    expect(verify(input)).toMatchObject({ ok: true, secretIndex: 0 });
  });

  it.each(named)('accepts a signed request: %s', (_name, { input }) => {
    expect(verify(input)).toMatchObject({ ok: true, secretIndex: 0 });
  });

  it.each(named)('reads headers in any letter case: %s', (_name, { input }) => {
    const headers = Object.fromEntries(
      Object.entries(input.headers).map(([name, value]) => [name.toUpperCase(), value]),
    );
    expect(verify({ ...input, headers }).ok).toBe(true);
  });

  it.each(named)('refuses another secret and names the one that matched: %s', (_name, { input }) => {
    const known = input.secrets as string;
    const other = known.startsWith('whsec_')
      ? `whsec_${Buffer.alloc(24, 7).toString('base64')}`
      : known.startsWith('whpk_')
        ? `whpk_${Buffer.alloc(32, 9).toString('base64')}`
        : input.scheme === 'sendgrid'
          ? 'MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEqTxd43gyp8IOEto2LdIfjRQrIbsd4SXZkLW6jDutdhXSJCWHw8REntlo7aNDthvj+y7GjUuFDb/R1NGe1OPzpA=='
          : 'another secret';
    expect(verify({ ...input, secrets: other })).toEqual({ ok: false, reason: 'mismatch' });
    expect(verify({ ...input, secrets: [other, known] })).toMatchObject({ ok: true, secretIndex: 1 });
  });

  it.each(named)('refuses any flipped bit of what the scheme signs: %s', (_name, vector) => {
    const { input, signs, signature, timestampHeader, idHeader } = vector;
    fc.assert(
      fc.property(fc.nat(100_000), fc.integer({ min: 0, max: 7 }), (at, bit) => {
        const body = Uint8Array.from(input.body);
        body[at % body.length] = (body[at % body.length] ?? 0) ^ (1 << bit);
        const header = (name: string) => withHeader(vector, name, flipText(input.headers[name] ?? '', at, bit));
        const changed: VerifyInput[] = [{ ...input, body }, header(signature)];
        if (signs.includes('url')) changed.push({ ...input, url: flipText(input.url, at, bit) });
        if (timestampHeader) changed.push(header(timestampHeader));
        if (idHeader) changed.push(header(idHeader));
        expect(changed.map((one) => verify(one).ok)).not.toContain(true);
      }),
      { numRuns: 150 },
    );
  });

  it.each(named)('refuses strange signatures without throwing: %s', (_name, vector) => {
    const value = vector.input.headers[vector.signature] ?? '';
    const strange = [
      '',
      ' ',
      '⚠️',
      `${value}\u0000`,
      value.slice(0, -1),
      `${value}=`,
      `${value},${value}`,
      `${value}zz`,
    ];
    const verdicts = strange.map((text) => verify(withHeader(vector, vector.signature, text)).ok);
    expect(verdicts).toEqual(strange.map(() => false));
  });

  it.each(named)('refuses a signature header that came twice: %s', (_name, vector) => {
    const value = vector.input.headers[vector.signature] ?? '';
    const twice = withHeader(vector, vector.signature, [value, value]);
    const cased = withHeader(vector, vector.signature.toUpperCase(), value);
    expect([verify(twice), verify(cased)]).toEqual([
      { ok: false, reason: 'duplicate_header' },
      { ok: false, reason: 'duplicate_header' },
    ]);
  });

  it.each(named)('calls an empty or blank secret a configuration problem: %s', (_name, { input }) => {
    for (const secrets of ['', '   ', [], [input.secrets as string, ''], `${input.secrets} `]) {
      expect(verify({ ...input, secrets })).toEqual({ ok: false, reason: 'config' });
    }
  });

  it('never throws, whatever it is given', () => {
    const names = [...new Set(signedVectors.map(({ input }) => input.scheme)), 'graph', 'salesforce-outbound', 'x'];
    const headerNames = signedVectors.flatMap(({ input }) => Object.keys(input.headers));
    fc.assert(
      fc.property(
        fc.constantFrom(...names, '__proto__', 'toString'),
        fc.dictionary(fc.constantFrom(...headerNames), fc.oneof(fc.string({ unit: 'binary' }), fc.constant(undefined))),
        fc.uint8Array({ maxLength: 200 }),
        fc.webUrl(),
        (scheme, headers, body, url) => {
          const secrets = ['a shared secret'];
          expect(verify({ scheme, secrets, headers, body, url, method: 'POST', nowMs: 0 }).ok).toBe(false);
        },
      ),
      { numRuns: 500 },
    );
  });

  it('answers nonsense in place of an input as a refusal', () => {
    const nonsense = { scheme: 'github', secrets: 's', headers: null, body: 'text', url: 7, method: null, nowMs: 0 };
    expect(verify(nonsense as unknown as VerifyInput).ok).toBe(false);
  });
});

describe('timestamps', () => {
  const timed = ['hubspot-v3', 'slack', 'stripe', 'standard-webhooks', 'svix', 'zendesk', 'sendgrid'];

  it.each(timed)('accepts 300 s and refuses 301 s, in the past and in the future: %s', (name) => {
    const { input } = vectorOf(name);
    const verdicts = [-301, -300, -299, 299, 300, 301].map(
      (s) => verify({ ...input, nowMs: input.nowMs + s * 1000 }).ok,
    );
    expect(verdicts).toEqual([false, true, true, true, true, false]);
  });

  it('counts milliseconds where the provider does', () => {
    const { input } = vectorOf('hubspot-v3');
    const at = (ms: number) => verify({ ...input, nowMs: input.nowMs + ms }).ok;
    expect([at(300_000), at(300_001), at(-300_000), at(-300_001)]).toEqual([true, false, true, false]);
  });

  it.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY, 1e12])(
    'is not switched off by a tolerance of %s',
    (tolerance) => {
      const { input } = vectorOf('stripe');
      const late = { ...input, nowMs: input.nowMs + 90_000_000, toleranceSeconds: tolerance };
      expect(verify(late)).toEqual({ ok: false, reason: 'stale_timestamp' });
    },
  );

  it.each(['1795000000.5', '1795000000abc', '+1795000000', '0x6afd', '1.795e9', '01795000000', ' 1795000000', ''])(
    'refuses the timestamp %j',
    (text) => {
      expect(verify(withHeader(vectorOf('slack'), 'x-slack-request-timestamp', text)).ok).toBe(false);
    },
  );

  it('refuses a signed timestamp that is no number', () => {
    const { input } = vectorOf('hubspot-v3');
    const digest = createHmac('sha256', 'a shared secret')
      .update(`POST${input.url}`)
      .update(input.body)
      .update('NaN')
      .digest('base64');
    const headers = { 'x-hubspot-request-timestamp': 'NaN', 'x-hubspot-signature-v3': digest };
    expect(verify({ ...input, headers })).toEqual({ ok: false, reason: 'malformed_timestamp' });
  });

  it('refuses a day that does not exist', () => {
    const vector = withHeader(vectorOf('zendesk'), 'x-zendesk-webhook-signature-timestamp', '2026-02-31T00:00:00Z');
    expect(verify(vector)).toEqual({ ok: false, reason: 'malformed_timestamp' });
  });
});

describe('what single schemes ask for', () => {
  it.each(['hubspot-v1', 'hubspot-v2'])('refuses %s where a v3 signature came too', (name) => {
    const vector = withHeader(vectorOf(name), 'X-HubSpot-Signature-v3', 'anything');
    expect(verify(vector)).toEqual({ ok: false, reason: 'downgrade' });
  });

  it('decodes the escapes that HubSpot decodes before it signs', () => {
    const { input } = vectorOf('hubspot-v3');
    const digest = createHmac('sha256', 'a shared secret')
      .update('POSThttps://hooks.example.com/x?next=https://a.b/c')
      .update(input.body)
      .update(String(input.nowMs))
      .digest('base64');
    const headers = { ...input.headers, 'x-hubspot-signature-v3': digest };
    expect(verify({ ...input, headers, url: 'https://hooks.example.com/x?next=https%3A%2F%2Fa.b%2Fc' }).ok).toBe(true);
  });

  it('accepts any valid v1 of Stripe beside malformed ones, and never v0', () => {
    const vector = vectorOf('stripe');
    const header = vector.input.headers['stripe-signature'] ?? '';
    const beside = withHeader(vector, 'stripe-signature', `${header},v1=potato,v0=00`);
    const old = withHeader(vector, 'stripe-signature', header.replace('v1=', 'v0='));
    expect([verify(beside).ok, verify(old).ok]).toEqual([true, false]);
  });

  it('refuses a Stripe header with two times', () => {
    const vector = vectorOf('stripe');
    const header = `t=1795000000,${vector.input.headers['stripe-signature']}`;
    expect(verify(withHeader(vector, 'stripe-signature', header)).ok).toBe(false);
  });

  it('looks at five signatures and five secrets at most', () => {
    const vector = vectorOf('stripe');
    const [time, good] = (vector.input.headers['stripe-signature'] ?? '').split(',');
    const wrong = `v1=${'0'.repeat(64)}`;
    const sixth = withHeader(vector, 'stripe-signature', [time, wrong, wrong, wrong, wrong, wrong, good].join(','));
    const others = ['b', 'c', 'd', 'e', 'f'];
    const verdicts = [verify(sixth).ok, verify({ ...vector.input, secrets: [...others, 'a shared secret'] }).ok];
    expect(verdicts).toEqual([false, false]);
  });

  it('finds the right one in a list of Standard Webhooks signatures, of both kinds', () => {
    const symmetric = vectorOf('standard-webhooks');
    const asymmetric = vectorOf('standard-webhooks v1a');
    const list = `v2,abcd v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc= ${asymmetric.input.headers['webhook-signature']} ${symmetric.input.headers['webhook-signature']}`;
    const both = [symmetric, asymmetric].map((vector) => verify(withHeader(vector, 'webhook-signature', list)));
    expect(both).toEqual([expect.objectContaining({ ok: true }), expect.objectContaining({ ok: true })]);
  });

  it('returns the id that the signature covers', () => {
    expect(verify(vectorOf('svix').input)).toMatchObject({ signedId: 'msg_1', timestampMs: 1_795_000_000_000 });
  });

  it.each(['whsec_', 'whpk_AAAA', 'whsec_not base64', 'whsk_AAAA', 'whsec_c2hvcnQ='])(
    'calls the Standard Webhooks key %j a configuration problem',
    (secrets) => {
      expect(verify({ ...vectorOf('svix').input, secrets })).toEqual({ ok: false, reason: 'config' });
    },
  );

  it('refuses svix headers that disagree with the unbranded ones', () => {
    expect(verify(withHeader(vectorOf('svix'), 'webhook-id', 'msg_2'))).toEqual({
      ok: false,
      reason: 'duplicate_header',
    });
  });

  it('tries the spellings of a URL that Twilio signs', () => {
    const vector = vectorOf('twilio');
    const sign = (url: string) => createHmac('sha1', 'a shared secret').update(url).digest('base64');
    const spelled = (signed: string, given: string) =>
      verify({ ...withHeader(vector, 'x-twilio-signature', sign(signed)), body: new Uint8Array(), url: given }).ok;
    const [port, bare] = ['https://e.com:443/p?t=1', 'https://e.com/p?t=1'];
    const [quote, escaped] = ["https://e.com/p?t='q", 'https://e.com/p?t=%27q'];
    expect([spelled(port, bare), spelled(bare, port), spelled(quote, escaped), spelled(escaped, quote)]).toEqual(
      Array(4).fill(true),
    );
  });

  it('refuses a Twilio body that nothing vouches for', () => {
    const vector = vectorOf('twilio');
    const json = { ...vector.input, body: Buffer.from('{}'), headers: { ...vector.input.headers } };
    json.headers['content-type'] = 'application/json';
    expect(verify(json)).toEqual({ ok: false, reason: 'body_not_covered' });
  });

  it('compares Basic credentials whole', () => {
    const basic = (text: string) => ({ authorization: `Basic ${Buffer.from(text).toString('base64')}` });
    const input = { scheme: 'pipedrive', secrets: 'hook:s3cret', method: 'POST', url: 'https://e.com', nowMs: 0 };
    const verdicts = ['hook:s3cret', 'hook:s3cre', 'hook:', ':s3cret'].map(
      (text) => verify({ ...input, body: new Uint8Array(), headers: basic(text) }).ok,
    );
    expect(verdicts).toEqual([true, false, false, false]);
  });

  it('believes only the Graph items that carry the client state', () => {
    const value = [{ clientState: 'right-state' }, { clientState: 'wrong' }, {}, { clientState: 'right-state' }];
    const body = Buffer.from(JSON.stringify({ value }));
    const input = { scheme: 'graph', method: 'POST', url: 'https://e.com', nowMs: 0, headers: {} };
    expect(verify({ ...input, secrets: ['old', 'right-state'], body })).toEqual({
      ok: true,
      secretIndex: 1,
      items: [0, 3],
    });
    expect(verify({ ...input, secrets: 'other', body })).toEqual({ ok: false, reason: 'mismatch' });
  });
});

describe('Salesforce outbound messages', () => {
  const token = 'unguessable-token-0123456789';
  const soap = (organization: string, extra = '') =>
    `<?xml version="1.0" encoding="UTF-8"?>${extra}<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><notifications xmlns="http://soap.sforce.com/2005/09/outbound"><OrganizationId>${organization}</OrganizationId><ActionId>04k000000000001AAA</ActionId></notifications></s:Body></s:Envelope>`;
  const input = {
    scheme: 'salesforce-outbound',
    secrets: token,
    params: { organizationId: '00D000000000001' },
    method: 'POST',
    url: `https://e.com/salesforce/outbound/${token}`,
    headers: {},
    nowMs: 0,
  };
  const judged = (body: string) => verify({ ...input, body: Buffer.from(body) });

  it('accepts the token and the organization, in its long form too', () => {
    expect([judged(soap('00D000000000001')).ok, judged(soap('00D000000000001EAA')).ok]).toEqual([true, true]);
  });

  it('refuses another organization', () => {
    expect(judged(soap('00D000000000002'))).toEqual({ ok: false, reason: 'mismatch' });
  });

  it('refuses another token', () => {
    const url = 'https://e.com/salesforce/outbound/another-token-0123456789ab';
    expect(verify({ ...input, url, body: Buffer.from(soap('00D000000000001')) })).toEqual({
      ok: false,
      reason: 'mismatch',
    });
  });

  it.each(['<!DOCTYPE x [<!ENTITY a "b">]>', '<!doctype x SYSTEM "http://evil">', '<?php echo 1 ?>'])(
    'refuses %s before anything is parsed',
    (extra) => {
      expect(judged(soap('00D000000000001', extra))).toEqual({ ok: false, reason: 'malformed_body' });
    },
  );
});
