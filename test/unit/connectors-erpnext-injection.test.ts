import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { erpnext } from '../../shared/connectors/erpnext/calls.ts';
import { type Condition, filterText } from '../../shared/connectors/erpnext/filters.ts';
import { operationById } from '../../shared/connectors/erpnext/operations.ts';
import type { PlannedCall } from '../../shared/model/operation.ts';

const invalid = expect.objectContaining({ code: 'invalid_input' });
const request = (call: PlannedCall) => {
  const operation = operationById(call.operation);
  if (!operation) throw new Error(call.operation);
  return operation.request({ apiVersion: '15', providerKey: 'act_k_1' }, call.input);
};

describe('what agents and records say never leaves its place in a request to ERPNext', () => {
  it.each(['', '.', '..', '../User', 'a/../b', 'a\nb', '\u0000'])('a name of %j is refused', (id) => {
    expect(() => request(erpnext.customers.delete(id))).toThrow(invalid);
    expect(() => request(erpnext.salesOrders.get(id))).toThrow(invalid);
  });

  it('any other name is one segment of the path', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (id) => {
        let path: string;
        try {
          ({ path } = request(erpnext.customers.delete(id)));
        } catch (error) {
          expect((error as { code?: string }).code).toBe('invalid_input');
          return;
        }
        const parts = new URL(`https://host${path}`).pathname.split('/');
        expect(parts.slice(0, 4)).toEqual(['', 'api', 'resource', 'Customer']);
        expect(parts).toHaveLength(5);
      }),
    );
  });

  const value = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.boolean(),
  );
  const operator = fc.constantFrom('=', '!=', '<', '<=', '>', '>=', 'starts_with', 'contains', 'in', 'not_in');
  const triples = ['=', '!=', '<', '<=', '>', '>=', 'like', 'in', 'not in', 'is'];

  it('a filter stays the conditions that were asked, whatever its values hold', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(operator, value)), (asked) => {
        const where = asked.map(([op, one]) =>
          op === 'in' || op === 'not_in'
            ? { field: 'tax_id', operator: op, values: [one] }
            : { field: 'tax_id', operator: op, value: one },
        ) as Condition[];
        let text: string;
        try {
          text = filterText(where);
        } catch (error) {
          expect((error as { code?: string }).code).toBe('invalid_input');
          return;
        }
        const rows = JSON.parse(text) as [string, string, unknown][];
        expect(rows).toHaveLength(asked.length);
        rows.forEach(([field, op, held], at) => {
          expect(field).toBe('tax_id');
          expect(triples).toContain(op);
          const given = asked[at]?.[1];
          const plain = typeof given === 'boolean' ? Number(given) : given;
          if (op === 'like') expect(String(held).replaceAll(/^%|%$/g, '')).not.toMatch(/[%\\]/);
          else expect(held).toEqual(JSON.parse(JSON.stringify(op.endsWith('in') ? [plain] : plain)));
        });
      }),
    );
  });

  it('a text to look for cannot widen what is looked for, and its backslashes escape nothing', () => {
    const value = '%a\\%_b';
    expect(JSON.parse(filterText([{ field: 'tax_id', operator: 'contains', value }]))).toEqual([
      ['tax_id', 'like', '%_a___b%'],
    ]);
    expect(JSON.parse(filterText([{ field: 'tax_id', operator: 'starts_with', value: '%' }]))).toEqual([
      ['tax_id', 'like', '_%'],
    ]);
    expect(() => filterText([{ field: 'tax_id', operator: 'contains', value: '' }])).toThrow(invalid);
  });

  it.each(['name; drop', '`tabUser`.api_secret', 'count(*)', 'Name', '', 'a.b', 'a b', '__proto__x', 'ifnull(a,b)'])(
    'a field of %j is refused',
    (field) => {
      expect(() => filterText([{ field, operator: '=', value: 1 }])).toThrow(invalid);
      expect(() => request(erpnext.customers.list({ fields: [field] }))).toThrow(invalid);
      expect(() => request(erpnext.customers.create({ [field]: 'x' }))).toThrow(invalid);
    },
  );

  it.each(['cmd', 'run_method', 'data', 'flags', 'docstatus', 'modified', 'name', 'owner', 'custom_plumbline_ref'])(
    'the field %s is never written, since it means something to Frappe itself',
    (field) => {
      expect(() => request(erpnext.customers.create({ [field]: 'x' }))).toThrow(invalid);
      expect(() => request(erpnext.customers.update('C', { [field]: 'x' }))).toThrow(invalid);
      expect(() => request(erpnext.salesOrders.create({ items: [{ [field]: 'x' }] }))).toThrow(invalid);
    },
  );

  it.each([' ', 'x', 'eyJhIjoxfQ', Buffer.from('["2026-01-01","A"]').toString('base64url')])(
    'a next page of %j is refused',
    (after) => {
      expect(() => request(erpnext.customers.list({ after }))).toThrow(invalid);
    },
  );

  it.each([0, 501, 1.5])('a limit of %s is refused', (limit) => {
    expect(() => request(erpnext.customers.list({ limit }))).toThrow(invalid);
  });
});
