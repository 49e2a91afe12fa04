import * as z from 'zod/mini';

const id = (prefix: string, from: string) =>
  z
    .string()
    .check(z.regex(new RegExp(`^${prefix}_[A-Za-z0-9_]{3,100}$`), `an id that begins with ${prefix}_, ${from}`));

/** A Stripe customer id. */
export const customerId = id('cus', 'as returned by customer_billing_find');
/** A Stripe invoice id. */
export const invoiceId = id('in', 'as returned by invoice_list or invoice_create');
/** A Stripe payment id. */
export const paymentId = id('pi', 'as returned by payment_list');

/** An amount in the smallest unit of its currency. */
export const amount = z.int().check(z.minimum(1), z.maximum(99_999_999));

/** What customers, invoices and payments are called in answers. */
export const customerFields = {
  name: 'name',
  email: 'email',
  phone: 'phone',
  currency: 'currency',
  balance: 'balance',
  delinquent: 'delinquent',
  description: 'description',
} as const;
export const invoiceFields = {
  number: 'number',
  status: 'status',
  customer: 'customer_id',
  currency: 'currency',
  total: 'total',
  amount_due: 'amount_due',
  amount_remaining: 'amount_remaining',
  due_date: 'due_date',
  created: 'created',
} as const;
export const paymentFields = {
  status: 'status',
  amount: 'amount',
  amount_received: 'amount_received',
  currency: 'currency',
  customer: 'customer_id',
  created: 'created',
} as const;
