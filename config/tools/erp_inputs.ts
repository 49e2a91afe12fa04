import * as z from 'zod/mini';
import type { Gate } from '../../shared/policy/gates.ts';
import { line, plainDecimal } from './inputs.ts';

/** The id of a document in ERPNext, which is its name there. */
export const erpId = z.string().check(z.maxLength(140), z.regex(/^\S(?:.*\S)?$/, 'the id as the find tools return it'));

/** The `version` of a document, as a read returned it. */
export const version = z
  .string()
  .check(z.regex(/^[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:]{8}(\.[0-9]{1,6})?$/, 'the `version` as it was returned'));

/** A day, such as 2026-12-31. */
export const day = z
  .string()
  .check(z.regex(/^20[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$/, 'a day, YYYY-MM-DD'));

/** Lines of an order. */
export const orderLines = z
  .array(
    z.strictObject({
      item_code: erpId.check(z.describe('item code, as returned by item_find')),
      qty: z.number().check(z.gt(0), z.maximum(1_000_000)).check(z.describe('how many, in the unit of the item')),
      rate: z
        .optional(z.string().check(z.regex(/^[0-9]{1,9}(\.[0-9]{1,4})?$/), z.overwrite(plainDecimal)))
        .check(z.describe('price of one in the currency of the order, only if it was agreed; else the price list')),
    }),
  )
  .check(z.minLength(1), z.maxLength(50));

type OrderLine = z.output<typeof orderLines>[number];

/** Lines as ERPNext takes them. */
export function rowsOf(lines: readonly OrderLine[]) {
  return lines.map(({ item_code, qty, rate }) => ({
    item_code,
    qty,
    ...(rate === undefined ? {} : { rate: Number(rate) }),
  }));
}

/** How many to return, and where a page goes on. */
export const pageInputs = {
  limit: z
    ._default(z.int().check(z.minimum(1), z.maximum(50)), 10)
    .check(z.describe('how many to return at most, 1 to 50')),
  after: z
    .optional(z.string().check(z.regex(/^[A-Za-z0-9_-]{8,600}$/)))
    .check(z.describe('the `after` of an earlier answer, to get the next page')),
};

/** Words of a name. */
export const words = line(80);

/** Only a draft is submitted; a document that is, or that was cancelled, stays as it is. */
export const isDraft: Gate = {
  name: 'isDraft',
  says: 'the document is still a draft',
  needs: ['docstatus'],
  judge: ({ live }) =>
    live?.docstatus === 0
      ? { kind: 'pass' }
      : {
          kind: 'refuse',
          detail: 'The document is no draft any more: it was submitted or cancelled.',
          nextStep: 'Read the document and tell the user its status; do not try again.',
        },
};

/** What documents of ERPNext are called in answers. */
export const customerFields = {
  customer_name: 'customer_name',
  customer_group: 'customer_group',
  territory: 'territory',
  tax_id: 'tax_id',
  email_id: 'email_id',
  mobile_no: 'mobile_no',
  disabled: 'disabled',
} as const;
export const salesOrderFields = {
  customer: 'customer_id',
  customer_name: 'customer_name',
  status: 'status',
  docstatus: 'docstatus',
  transaction_date: 'order_date',
  delivery_date: 'delivery_date',
  po_no: 'customer_reference',
  currency: 'currency',
  grand_total: 'total',
  per_delivered: 'percent_delivered',
  per_billed: 'percent_billed',
  modified: 'version',
} as const;
