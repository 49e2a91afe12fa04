import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { verify } from '../../shared/webhooks/verify.ts';
import { vectorOf, withHeader } from '../kit/webhook-vectors.ts';

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
