import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ErpnextSimulator } from '../../infra/local/systems/erpnext/start.ts';
import { systemClock } from '../../shared/model/clock.ts';
import { callErpnext, startTestErpnext } from '../kit/erpnext-simulator.ts';

describe('the simulated site of ERPNext', () => {
  it('knows the companies of the other systems, some of them twice, and is the same every time', async () => {
    const [one, other] = [await startTestErpnext({ seeded: true }), await startTestErpnext({ seeded: true })];
    try {
      const names = ({ site }: ErpnextSimulator) =>
        [...site.docs.Customer.values()].map(({ values }) => values.customer_name);
      expect(names(one)).toEqual(names(other));
      expect(names(one).length).toBeGreaterThan(120);
      expect([...one.site.docs['Sales Order'].values()].map(({ docstatus }) => docstatus)).toEqual(
        expect.arrayContaining([0, 1, 2]),
      );
      expect([...one.site.docs.Customer.values()].some(({ values }) => values.custom_crm_id)).toBe(true);
    } finally {
      await one.close();
      await other.close();
    }
  });

  it('survives a restart with every change', async () => {
    const stateDir = mkdtempSync(join(tmpdir(), 'erpnext-'));
    try {
      const first = await startTestErpnext({ stateDir, clock: systemClock });
      const { body } = await callErpnext(first, 'POST', '/api/resource/Customer', { customer_name: 'Kept' });
      await first.close();
      const second = await startTestErpnext({ stateDir, clock: systemClock });
      const read = await callErpnext(second, 'GET', `/api/resource/Customer/${body.data.name}`);
      const next = await callErpnext(second, 'POST', '/api/resource/Customer', { customer_name: 'Next' });
      await second.close();
      expect([read.body.data, next.body.data.name === body.data.name]).toEqual([body.data, false]);
    } finally {
      rmSync(stateDir, { recursive: true });
    }
  });
});
