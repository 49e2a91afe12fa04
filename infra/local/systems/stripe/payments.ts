import type { SimAnswer } from '../loopback-server.ts';
import { type Body, change, create, live, nowS, tell } from './account.ts';
import { type Call, logEffect, need } from './call.ts';
import { checkCurrency, shown } from './customers.ts';
import { invalid, json, refusedByState, StripeError } from './errors.ts';
import { type Fields, type Given, readParams } from './params.ts';

const intentFields: Fields = {
  amount: { type: 'int', required: true, min: 1, max: 99_999_999 },
  currency: { type: 'string', required: true },
  customer: { type: 'string' },
  payment_method: { type: 'string' },
  payment_method_types: { type: 'list' },
  automatic_payment_methods: { type: 'object' },
  capture_method: { type: 'string', oneOf: ['automatic', 'automatic_async', 'manual'] },
  confirm: { type: 'bool' },
  description: { type: 'string', max: 1000 },
  receipt_email: { type: 'string' },
  off_session: { type: 'bool' },
  return_url: { type: 'string' },
  metadata: { type: 'metadata' },
};
const emptyIntent = {
  amount_capturable: 0,
  amount_received: 0,
  application: null,
  application_fee_amount: null,
  automatic_payment_methods: null,
  canceled_at: null,
  cancellation_reason: null,
  capture_method: 'automatic_async',
  confirmation_method: 'automatic',
  customer: null,
  description: null,
  last_payment_error: null,
  latest_charge: null,
  metadata: {},
  next_action: null,
  payment_method: null,
  payment_method_types: ['card'],
  receipt_email: null,
  status: 'requires_payment_method',
};

/** What the test cards do, as the issuer of each would. @see https://docs.stripe.com/testing */
const cards: Readonly<Record<string, string>> = {
  pm_card_visa: 'pays',
  pm_card_mastercard: 'pays',
  pm_card_chargeDeclined: 'generic_decline',
  pm_card_chargeDeclinedInsufficientFunds: 'insufficient_funds',
  pm_card_authenticationRequired: 'asks',
};

/** `POST /v1/payment_intents`. */
export function createIntent(call: Call): SimAnswer {
  const given = readParams(call.params, intentFields);
  if (given.customer !== undefined) need(call, 'customer', given.customer, 'customer');
  checkCard(given.payment_method);
  const { confirm, off_session: _off, return_url: _url, payment_method_types: _types, ...rest } = given;
  const status = given.payment_method ? 'requires_confirmation' : 'requires_payment_method';
  const fields = { ...emptyIntent, ...shown(rest), currency: checkCurrency(given.currency), status };
  const body = create(call.account, 'payment_intent', fields, call.origin);
  const secret = { client_secret: `${body.id}_secret_simulated` };
  change(call.account, 'payment_intent', body.id, secret, { origin: call.origin, type: null });
  logEffect(call, 'create', body, given);
  return json(200, confirm === true ? charge(call, body.id, given) : live(call.account, 'payment_intent', body.id));
}

function checkCard(method: unknown): void {
  if (typeof method === 'string' && !Object.hasOwn(cards, method)) {
    const fields = { type: 'invalid_request_error', code: 'resource_missing', param: 'payment_method' } as const;
    throw new StripeError(400, { ...fields, message: `No such PaymentMethod: '${method}'` });
  }
}

function wrongState(verb: string, intent: Body, allowed: readonly string[]): StripeError {
  const message = `This PaymentIntent's status is ${String(intent.status)}, but it must have one of the following to be ${verb}: ${allowed.join(', ')}.`;
  return refusedByState(message, 'payment_intent_unexpected_state', { payment_intent: intent });
}

const confirmable = ['requires_payment_method', 'requires_confirmation', 'requires_action'];

/** `POST /v1/payment_intents/{id}/confirm`. */
export function confirmIntent(call: Call, id: string): SimAnswer {
  const held = need(call, 'payment_intent', id);
  const given = readParams(call.params, {
    payment_method: { type: 'string' },
    off_session: { type: 'bool' },
    return_url: { type: 'string' },
    receipt_email: { type: 'string' },
    capture_method: { type: 'string', oneOf: ['automatic', 'automatic_async', 'manual'] },
  });
  checkCard(given.payment_method);
  if (!confirmable.includes(String(held.status))) throw wrongState('confirmed', held, confirmable);
  if (!given.payment_method && !held.payment_method) {
    throw refusedByState(
      "You cannot confirm this PaymentIntent because it's missing a payment method.",
      'payment_intent_unexpected_state',
      { payment_intent: held },
    );
  }
  return json(200, charge(call, id, given));
}

/** Asks the card, and makes the charge it allows or declines. */
function charge(call: Call, id: string, given: Given): Body {
  const { account, origin } = call;
  const intent = need(call, 'payment_intent', id);
  const method = String(given.payment_method ?? intent.payment_method);
  const said = call.declines.next() ?? cards[method] ?? 'pays';
  if (said === 'asks') {
    const fields = { status: 'requires_action', payment_method: method, next_action: { type: 'use_stripe_sdk' } };
    const body = change(account, 'payment_intent', id, fields, { origin, type: 'payment_intent.requires_action' });
    logEffect(call, 'update', body, given);
    return body;
  }
  const declined = said !== 'pays';
  const manual = (given.capture_method ?? intent.capture_method) === 'manual';
  const made = create(account, 'charge', chargeFields(intent, method, declined, manual), origin);
  if (declined) throw decline(call, id, method, made, said);
  const amount = Number(intent.amount);
  const sums = manual ? { amount_capturable: amount } : { amount_received: amount };
  const status = manual ? 'requires_capture' : 'succeeded';
  const fields = { status, payment_method: method, latest_charge: made.id, last_payment_error: null, ...sums };
  const type = manual ? 'payment_intent.amount_capturable_updated' : 'payment_intent.succeeded';
  const body = change(account, 'payment_intent', id, fields, { origin, type });
  if (!manual) tell(account, 'charge.succeeded', made, origin);
  logEffect(call, 'update', body, given);
  return body;
}

function chargeFields(intent: Body, method: string, declined: boolean, manual: boolean): Record<string, unknown> {
  const { amount, currency, customer, description } = intent;
  return {
    amount,
    amount_captured: declined || manual ? 0 : amount,
    amount_refunded: 0,
    captured: !declined && !manual,
    currency,
    customer,
    description,
    disputed: false,
    metadata: {},
    paid: !declined,
    payment_intent: intent.id,
    payment_method: method,
    refunded: false,
    status: declined ? 'failed' : 'succeeded',
  };
}

/** 402: the endpoint had done its work, so the answer is kept under the key. */
function decline(call: Call, id: string, method: string, made: Body, code: string): StripeError {
  const message = code === 'insufficient_funds' ? 'Your card has insufficient funds.' : 'Your card was declined.';
  const last = { type: 'card_error', code: 'card_declined', decline_code: code, message, charge: made.id };
  const fields = {
    status: 'requires_payment_method',
    payment_method: null,
    latest_charge: made.id,
    last_payment_error: last,
  };
  const told = { origin: call.origin, type: 'payment_intent.payment_failed' };
  const intent = change(call.account, 'payment_intent', id, fields, told);
  logEffect(call, 'update', intent, { declined: code, payment_method: method });
  const error = { type: 'card_error', code: 'card_declined', decline_code: code, message, charge: made.id } as const;
  return new StripeError(402, { ...error, payment_intent: intent }, true);
}

/** `POST /v1/payment_intents/{id}/capture`. */
export function captureIntent(call: Call, id: string): SimAnswer {
  const held = need(call, 'payment_intent', id);
  const given = readParams(call.params, { amount_to_capture: { type: 'int', min: 1 }, metadata: { type: 'metadata' } });
  if (held.status !== 'requires_capture') throw wrongState('captured', held, ['requires_capture']);
  const amount = typeof given.amount_to_capture === 'number' ? given.amount_to_capture : Number(held.amount_capturable);
  if (amount > Number(held.amount_capturable)) {
    throw refusedByState(
      `The amount to capture (${amount}) is greater than the capturable amount.`,
      'amount_too_large',
    );
  }
  const { account, origin } = call;
  const paid = { captured: true, amount_captured: amount };
  change(account, 'charge', String(held.latest_charge), paid, { origin, type: 'charge.captured' });
  const fields = { status: 'succeeded', amount_received: amount, amount_capturable: 0 };
  const body = change(account, 'payment_intent', id, fields, { origin, type: 'payment_intent.succeeded' });
  logEffect(call, 'update', body, given);
  return json(200, body);
}

const cancelable = [
  'requires_payment_method',
  'requires_capture',
  'requires_confirmation',
  'requires_action',
  'processing',
];

/** `POST /v1/payment_intents/{id}/cancel`. */
export function cancelIntent(call: Call, id: string): SimAnswer {
  const held = need(call, 'payment_intent', id);
  const reasons = ['duplicate', 'fraudulent', 'requested_by_customer', 'abandoned'];
  const given = readParams(call.params, { cancellation_reason: { type: 'string', oneOf: reasons } });
  if (!cancelable.includes(String(held.status))) throw wrongState('canceled', held, cancelable);
  const fields = {
    status: 'canceled',
    amount_capturable: 0,
    canceled_at: nowS(call.account),
    cancellation_reason: given.cancellation_reason ?? null,
  };
  const body = change(call.account, 'payment_intent', id, fields, {
    origin: call.origin,
    type: 'payment_intent.canceled',
  });
  logEffect(call, 'update', body, given);
  return json(200, body);
}

/** `POST /v1/refunds`: all that is left of a charge, or a part. */
export function createRefund(call: Call): SimAnswer {
  const given = readParams(call.params, {
    payment_intent: { type: 'string' },
    charge: { type: 'string' },
    amount: { type: 'int', min: 1 },
    reason: { type: 'string', oneOf: ['duplicate', 'fraudulent', 'requested_by_customer'] },
    metadata: { type: 'metadata' },
  });
  if ((given.payment_intent === undefined) === (given.charge === undefined)) {
    throw invalid('One of the following params should be provided for this request: payment_intent or charge.');
  }
  const intent =
    given.payment_intent === undefined ? null : need(call, 'payment_intent', given.payment_intent, 'payment_intent');
  const paid = intent
    ? live(call.account, 'charge', intent.latest_charge)
    : need(call, 'charge', given.charge, 'charge');
  if (paid?.captured !== true) {
    throw refusedByState(`This PaymentIntent (${String(intent?.id)}) does not have a successful charge to refund.`);
  }
  const left = Number(paid.amount_captured) - Number(paid.amount_refunded);
  if (left === 0) throw refusedByState(`Charge ${paid.id} has already been refunded.`, 'charge_already_refunded');
  const amount = typeof given.amount === 'number' ? given.amount : left;
  if (amount > left) {
    throw refusedByState(`Refund amount (${amount}) is greater than unrefunded amount on charge (${left})`, undefined, {
      param: 'amount',
    });
  }
  const { account, origin } = call;
  const empty = { balance_transaction: null, metadata: {}, reason: null, receipt_number: null, status: 'succeeded' };
  const fields = {
    ...empty,
    ...shown(given),
    amount,
    charge: paid.id,
    currency: paid.currency,
    payment_intent: paid.payment_intent,
  };
  const body = create(account, 'refund', fields, origin);
  const refunded = Number(paid.amount_refunded) + amount;
  const sums = { amount_refunded: refunded, refunded: refunded === Number(paid.amount_captured) };
  change(account, 'charge', paid.id, sums, { origin, type: 'charge.refunded' });
  logEffect(call, 'create', body, given);
  return json(200, body);
}
