import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { verify } from '../../shared/webhooks/verify.ts';
import type { VerifyInput } from '../../shared/webhooks/verify-types.ts';
import { publishedVectors } from '../kit/webhook-published.ts';
import { signedVectors, vectorOf, withHeader } from '../kit/webhook-vectors.ts';

const named = signedVectors.map((vector) => [vector.name, vector] as const);
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
