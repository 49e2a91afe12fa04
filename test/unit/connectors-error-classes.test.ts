import { describe, expect, it } from 'vitest';
import { failureOf } from '../../shared/connectors/failure.ts';
import { connectorNames, loadConnector } from '../../shared/connectors/registry.ts';
import type { FailureClass } from '../../shared/model/operation.ts';
import { shippedConfig } from '../kit/agent-world.ts';
import { type VendorError, vendorErrors } from '../kit/vendor-errors.ts';

const rows = Object.entries(vendorErrors).flatMap(([connector, classes]) =>
  Object.entries(classes).map(([kind, error]) => [connector, kind as FailureClass, error] as const),
);
const answered = (error: VendorError) => 'answer' in error;

/** The manifest of a connector; of one that a configuration describes, as the shipped system has it. */
async function manifestOf(name: string) {
  const connector = await loadConnector(name);
  const [system = '', config] = Object.entries(shippedConfig().systems).find(([, one]) => one.connector === name) ?? [];
  return config && connector.onSystem ? connector.onSystem(system, config).manifest : connector.manifest;
}

describe('every class of failure', () => {
  it('has a row for every connector: add yours to test/kit/vendor-errors.ts', () => {
    expect(Object.keys(vendorErrors).sort()).toEqual([...connectorNames].sort());
  });

  it.each(rows.filter(([, , error]) => answered(error)))('%s: %s', async (connector, kind, error) => {
    if (!('answer' in error)) throw new Error('no answer');
    const said = (await manifestOf(connector)).classify(error.answer);
    expect(said?.class).toBe(kind);
    expect(said?.code).not.toBe('');
    expect(failureOf(said ?? { class: kind, code: '', message: '' }, connector).detail).toMatch(/\.$/);
  });

  it.each(rows.filter(([, , error]) => !answered(error)))('%s: %s never, with a reason', (_connector, _kind, error) => {
    expect('never' in error && error.never.length).toBeGreaterThan(30);
  });

  it('is reached by the answer of at least one vendor', () => {
    const reached = new Set(rows.filter(([, , error]) => answered(error)).map(([, kind]) => kind));
    expect([...reached].sort()).toEqual(Object.keys(vendorErrors.hubspot ?? {}).sort());
  });

  it.each(connectorNames.map((name) => [name]))('%s: an answer that succeeded is none', async (name) => {
    const body = name === 'slack' ? { ok: true } : name === 'rest' ? { result: 'OK' } : {};
    const answer = { status: 200, headers: {}, bodyText: JSON.stringify(body) };
    expect((await manifestOf(name)).classify(answer)).toBeNull();
  });
});
