import { describe, expect, it } from 'vitest';
import { findSecrets, redactSecrets } from '../../shared/model/secret-shape.ts';

// Written in parts, so that no scanner takes them for real ones.
const random = 'Ab3dEf6hIj9kLmNoPqRsTuVwXyZ0123456789';
const samples: readonly [kind: string, text: string][] = [
  ['private key', `-----BEGIN RSA ${'PRIVATE'} KEY-----\nMIIE\n-----END RSA ${'PRIVATE'} KEY-----`],
  ['bearer credential', `bearer ${random}`],
  ['bearer credential', `Authorization: Bearer ${random}`],
  ['basic credential', `Basic ${random}==`],
  ['JSON web token', `eyJ${random}.eyJ${random}.${random}`],
  ['Plumbline key', `pl_key_1_${'0123456789abcdefghjkmnpqrstvwxyz0123456789'}`],
  ['HubSpot token', `pat-eu1-${'0123abcd-'.repeat(3)}0123`],
  ['Stripe key', `sk_test_${random}`],
  ['Stripe key', `rk_live_${random}`],
  ['Stripe key', `whsec_${random}`],
  ['GitHub token', `ghp_${random}`],
  ['GitHub token', `github_pat_${random}`],
  ['Slack token', `xoxb-${random}`],
  ['AWS access key', `${'AKIA'}ABCDEFGHIJKLMNOP`],
  ['AWS access key', `${'ASIA'}ABCDEFGHIJKLMNOP`],
  ['model provider key', `sk-proj-${random}`],
  ['Google key', `AIza${random}`],
  ['named credential', 'PASSWORD: hunter22'],
  ['named credential', '"passwd":"hunter22"'],
  ['named credential', 'pwd=hunter22'],
  ['named credential', 'client_secret = hunter22'],
  ['named credential', 'Api-Key: hunter22'],
  ['named credential', 'apikey=hunter22'],
  ['named credential', 'Access_Token=hunter22'],
  ['named credential', 'refresh_token=hunter22'],
  ['named credential', 'Secret: hunter22'],
];

describe('text in the shape of a credential', () => {
  it.each(samples)('is found as %s', (kind, text) => {
    expect(findSecrets(`it says ${text} here`).map((found) => found.kind)).toContain(kind);
    expect(redactSecrets(`it says ${text} here`).text).toMatch(/^it says .*\[redacted: /s);
  });

  it('is nothing that people write', () => {
    for (const text of ['Bring the tokens to the party.', 'basic training', 'a bearer of news', 'skip it', '4711']) {
      expect(redactSecrets(text)).toEqual({ text, kinds: [] });
    }
  });
});
