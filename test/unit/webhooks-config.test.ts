import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadConfig } from '../../shared/config/load.ts';
import { providers } from '../../shared/webhooks/providers.ts';
import { schemeNames } from '../../shared/webhooks/schemes.ts';

describe('the scheme of a configured webhook', () => {
  const dir = mkdtempSync(join(tmpdir(), 'webhook-config-'));
  const file = join(dir, 'systems', 'hubspot.yaml');
  let shipped = '';

  beforeAll(() => {
    cpSync(new URL('../../config', import.meta.url).pathname, dir, { recursive: true });
    shipped = readFileSync(file, 'utf8');
  });
  afterAll(() => rmSync(dir, { recursive: true }));

  it('is refused where there is none of that name, with file, line, path and what is allowed', () => {
    writeFileSync(file, shipped.replace('scheme: hubspot-v3', 'scheme: hubspot-v4'));
    const line = shipped.slice(0, shipped.indexOf('scheme: hubspot-v3')).split('\n').length;
    const result = loadConfig(dir, { schemes: schemeNames });
    expect(result.kind === 'problems' && result.problems).toMatchObject([
      { file: 'systems/hubspot.yaml', line, path: 'webhooks.crm.scheme', allowed: schemeNames.join(', ') },
    ]);
  });

  it.each(schemeNames)('may be %s', (scheme) => {
    writeFileSync(file, shipped.replace('scheme: hubspot-v3', `scheme: ${scheme}`));
    expect(loadConfig(dir, { schemes: schemeNames }).kind).toBe('ok');
  });

  it('has a provider whose deliveries can be read', () => {
    expect(schemeNames.filter((scheme) => !providers.has(scheme))).toEqual([]);
  });
});
