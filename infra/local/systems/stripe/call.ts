import type { AppliedEffect } from '../effect-log.ts';
import { hashOf } from '../effect-log.ts';
import type { SimRequest } from '../loopback-server.ts';
import type { Account, Body, Kind, Origin } from './account.ts';
import { live } from './account.ts';
import { noSuch, StripeError } from './errors.ts';
import type { Params } from './form.ts';

/** One authenticated request on its way through the simulated account. */
export type Call = {
  readonly account: Account;
  readonly request: SimRequest;
  readonly params: Params;
  readonly origin: Origin;
  /** Null for a secret key, which may do everything; the permissions of a restricted one. */
  readonly permissions: ReadonlySet<string> | null;
  /** Card payments that are to be declined whatever the card. */
  readonly declines: { next(): string | null };
};

/** What the API calls a kind in `No such …`. */
export const words: Readonly<Record<Kind, string>> = {
  customer: 'customer',
  product: 'product',
  price: 'price',
  invoice: 'invoice',
  invoiceitem: 'invoiceitem',
  charge: 'charge',
  refund: 'refund',
  payment_intent: 'payment_intent',
  event: 'event',
  webhook_endpoint: 'webhook endpoint',
};

const resources: Readonly<Record<Kind, string>> = {
  customer: 'customer',
  product: 'product',
  price: 'plan',
  invoice: 'invoice',
  invoiceitem: 'invoice',
  charge: 'charge',
  refund: 'charge',
  payment_intent: 'payment_intent',
  event: 'event',
  webhook_endpoint: 'webhook',
};

/** Refuses where a restricted key lacks the right. @throws StripeError 403 */
export function needPermission(call: Call, kind: Kind, right: 'read' | 'write'): void {
  needNamed(call, `rak_${resources[kind]}_${right}`);
}

/** Refuses where a restricted key lacks a permission. @throws StripeError 403 */
export function needNamed({ permissions, account, request }: Call, name: string): void {
  if (permissions === null || permissions.has(name)) return;
  // The right to write holds the right to read.
  if (name.endsWith('_read') && permissions.has(name.replace(/_read$/, '_write'))) return;
  const key = (request.headers.authorization ?? '').slice(-4);
  const message = `The provided key 'rk_test_*********${key}' does not have the required permissions for this endpoint on account '${account.accountId}'. Having the '${name}' permission would allow this request to continue.`;
  throw new StripeError(403, { type: 'invalid_request_error', message });
}

/** The record a path or parameter names. @throws StripeError 404, or 400 for a parameter */
export function need(call: Call, kind: Kind, id: unknown, param = 'id'): Body {
  const body = live(call.account, kind, id);
  if (body === null) throw noSuch(words[kind], String(id), param);
  return body;
}

/** Writes one applied change to the effect log, under the key it carried. */
export function logEffect(
  call: Call,
  change: AppliedEffect['change'],
  body: Body,
  given: Readonly<Record<string, unknown>>,
): void {
  const metadata = given.metadata as Record<string, unknown> | null | undefined;
  const reference = call.origin.key ?? metadata?.plumbline_ref;
  call.account.effects.applied({
    atMs: call.account.clock.now(),
    method: call.request.method,
    path: call.request.path,
    change,
    object: body.object,
    id: body.id,
    key: typeof reference === 'string' ? reference : null,
    properties: given,
    requestHash: hashOf(call.request),
  });
}
