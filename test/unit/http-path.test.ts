import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isLoopback, isPublicAddress } from '../../shared/http/address.ts';
import { encodeBody, requestDigest } from '../../shared/http/digest.ts';
import { checkHeader, encodeQuery, path, segment } from '../../shared/http/path.ts';
import type { RequestSpec } from '../../shared/model/operation.ts';

const refused = (act: () => unknown): boolean => {
  try {
    act();
    return false;
  } catch (error) {
    if ((error as { code?: string }).code !== 'invalid_input') throw error;
    return true;
  }
};

describe('path segments', () => {
  it('keep any accepted text as exactly one segment of the same path', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (value) => {
        if (refused(() => segment(value))) return;
        const url = new URL(`https://host${path`/a/${value}/b`}?q=1`);
        const parts = url.pathname.split('/');
        expect(parts).toHaveLength(4);
        expect(decodeURIComponent(parts[2] ?? '')).toBe(value);
        expect(url.search).toBe('?q=1');
      }),
      { numRuns: 2000 },
    );
  });

  it('refuse what climbs, is empty, holds control characters or is not well-formed', () => {
    for (const value of [
      '',
      '.',
      '..',
      '../x',
      'x/..',
      'a/./b',
      '..\\x',
      'a\nb',
      'a\u0000',
      'a\u007f',
      'a\u0085',
      '\ud800',
    ]) {
      expect([value, refused(() => segment(value))]).toEqual([value, true]);
    }
  });

  it('accept ids and e-mail addresses', () => {
    expect(path`/contacts/${'a+b@c.example'}/${501}`).toBe('/contacts/a%2Bb%40c.example/501');
  });
});

describe('queries', () => {
  it('come back as they were given', () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 20 }).filter((value) => value.isWellFormed());
    fc.assert(
      fc.property(fc.array(fc.tuple(text, text), { maxLength: 5 }), (pairs) => {
        const url = new URL(`https://host/a${encodeQuery(pairs)}`);
        expect([...url.searchParams]).toEqual(pairs);
        expect(url.hash).toBe('');
      }),
    );
  });
});

describe('headers', () => {
  it('never carry a line end, whatever the value', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (value) => {
        const bad = /[^\t\u0020-\u007e\u00a0-\u00ff]/.test(value);
        expect(refused(() => checkHeader('x-a', value))).toBe(bad);
      }),
    );
  });

  it('refuse a value with CR or LF', () => {
    expect(refused(() => checkHeader('x-a', 'b\r\nx: y'))).toBe(true);
  });
});

describe('request digests', () => {
  const spec: RequestSpec = {
    method: 'POST',
    path: '/crm',
    query: [['a', '1']],
    headers: { 'x-key': 'k' },
    body: { json: { a: 1 } },
  };

  it.each<[string, Partial<RequestSpec>]>([
    ['method', { method: 'PUT' }],
    ['path', { path: '/crm2' }],
    ['query', { query: [['a', '2']] }],
    ['headers', { headers: { 'x-key': 'other' } }],
    ['body', { body: { json: { a: 2 } } }],
    ['body encoding', { body: { form: [['a', '1']] } }],
  ])('differ where the %s differs', (_name, change) => {
    expect(requestDigest({ ...spec, ...change })).not.toBe(requestDigest(spec));
  });

  it('stay the same under other credentials, dates, traces and header case', () => {
    const headers = { 'X-Key': 'k', Authorization: 'Bearer x', date: 'now', traceparent: '00-1' };
    expect(requestDigest({ ...spec, headers })).toBe(requestDigest(spec));
  });

  it('are pinned, so that a deploy does not change them', () => {
    expect(requestDigest(spec)).toBe('ca743bb260d96482993780f3d03a4d8e632388f27a5db0468870b724208eb801');
  });

  it('are made over the bytes that are sent', () => {
    expect(encodeBody({ ...spec, body: { form: [['a b', 'c&d']] } })?.bytes.toString()).toBe('a+b=c%26d');
  });
});

describe('addresses', () => {
  it.each([
    ['8.8.8.8', true],
    ['104.16.1.1', true],
    ['172.32.0.1', true],
    ['172.31.255.255', false],
    ['100.64.0.1', false],
    ['169.254.169.254', false],
    ['0.0.0.0', false],
    ['255.255.255.255', false],
    ['2606:4700::1', true],
    ['::', false],
    ['::1', false],
    ['fd00:ec2::254', false],
    ['fe80::1', false],
    ['ff02::1', false],
    ['::ffff:8.8.8.8', false],
    ['64:ff9b::a00:1', false],
    ['2002:a00:1::', false],
    ['2001:db8::1', false],
    ['not an address', false],
    ['', false],
  ])('%s may be called: %s', (address, may) => {
    expect(isPublicAddress(address)).toBe(may);
  });

  it('tell loopback from everything else', () => {
    expect(['127.0.0.1', '127.9.9.9', '::1', '8.8.8.8', '10.0.0.1', 'localhost'].map(isLoopback)).toEqual([
      true,
      true,
      true,
      false,
      false,
      false,
    ]);
  });
});
