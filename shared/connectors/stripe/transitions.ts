import type { JsonObject } from '../../model/json.ts';
import type {
  HttpAnswer,
  ProbeVerdict,
  ResendClass,
  Undo,
  WriteEffect,
  WriteOperation,
} from '../../model/operation.ts';
import { type BeforeImage, beforeImageOf } from '../before-image.ts';
import {
  objectPath,
  operationName,
  postSpec,
  type StripeObject,
  type StripeRecord,
  type StripeValue,
} from './client.ts';
import { isRecord, readRecord } from './reads.ts';
import { beforeOf, found, inconclusive, leastSettleMs, writeNamed, writeSuccess } from './writes.ts';

/** One record and the parameters of what is done with it. */
export type TransitionInput = { readonly id: string; readonly properties: JsonObject };

/** A step in the life of a record, and how its read-back tells done from not done: by status alone. */
type Transition = {
  readonly object: StripeObject;
  readonly verb: 'finalize' | 'void' | 'confirm' | 'capture' | 'cancel';
  readonly effect: WriteEffect;
  /** Statuses that only a carried out step leads to. */
  readonly done: readonly string[];
  /** Statuses in which it has not been carried out. */
  readonly still: readonly string[];
  readonly undo: Undo;
  /** Parameters that are always sent as they stand here. */
  readonly fixed?: JsonObject;
};

const refundUndo: Undo = {
  kind: 'operation',
  operation: 'stripe.refunds.create',
  how: 'Refunds what was taken; the fees stay.',
};

/** @see https://docs.stripe.com/invoicing/overview and https://docs.stripe.com/payments/paymentintents/lifecycle */
const transitions: readonly Transition[] = [
  {
    object: 'invoice',
    verb: 'finalize',
    effect: 'update',
    done: ['open', 'paid', 'uncollectible', 'void'],
    still: ['draft'],
    undo: { kind: 'operation', operation: 'stripe.invoices.void', how: 'Voids the invoice; its number stays used.' },
    // Stripe would otherwise go on by itself and collect or mail it: each of these is an action of its own.
    fixed: { auto_advance: false },
  },
  {
    object: 'invoice',
    verb: 'void',
    effect: 'update',
    done: ['void'],
    still: ['open', 'uncollectible'],
    undo: { kind: 'none', why: 'Stripe never opens a void invoice again; a new one has to be made.' },
  },
  {
    object: 'payment_intent',
    verb: 'confirm',
    effect: 'send',
    done: ['processing', 'requires_action', 'requires_capture', 'succeeded'],
    still: ['requires_confirmation', 'requires_payment_method'],
    undo: refundUndo,
  },
  {
    object: 'payment_intent',
    verb: 'capture',
    effect: 'send',
    done: ['succeeded'],
    still: ['requires_capture'],
    undo: refundUndo,
  },
  {
    object: 'payment_intent',
    verb: 'cancel',
    effect: 'update',
    done: ['canceled'],
    still: ['requires_payment_method', 'requires_confirmation', 'requires_action', 'requires_capture'],
    undo: { kind: 'none', why: 'A canceled payment cannot be taken up again; a new one has to be made.' },
  },
];

const byKey: ResendClass = { kind: 'key', windowMs: 23 * 3_600_000, settleMs: leastSettleMs };

/** The steps in the lives of invoices and payments, each under the action's key. */
export function transitionOperations(): readonly WriteOperation<TransitionInput>[] {
  return transitions.map(transitionOperation);
}

function transitionOperation(step: Transition): WriteOperation<TransitionInput> {
  const { object, verb, effect, undo, fixed = {} } = step;
  // The latest charge too: a declined attempt leaves the status as it was, but a charge of its own.
  const written = object === 'payment_intent' ? ['status', 'latest_charge'] : ['status'];
  const before = beforeOf<TransitionInput>(object, () => written);
  return {
    ...writeNamed(object, verb),
    id: `stripe.${operationName(object)}.${verb}`,
    effect,
    resend: byKey,
    undo,
    request: (context, input) =>
      postSpec(context, objectPath(object, input.id, verb), { ...input.properties, ...fixed }),
    judge: (answer, input) => writeSuccess(object, answer, input.id),
    before,
    probe: {
      request: before.request,
      judge: (answer, _input, stored) => judgeProbe(step, answer, beforeImageOf(stored)),
    },
  };
}

function judgeProbe(step: Transition, answer: HttpAnswer, before: BeforeImage<StripeValue> | null): ProbeVerdict {
  const read = readRecord(step.object, answer);
  if (!isRecord(read)) {
    return read.class === 'not_found' ? { kind: 'different', data: null } : inconclusive(answer, `a ${step.object}`);
  }
  const status = String(read.properties.status);
  if (step.done.includes(status)) return found(step.object, read);
  return step.still.includes(status) && untouched(read, before)
    ? { kind: 'before' }
    : { kind: 'different', data: read };
}

function untouched(record: StripeRecord, before: BeforeImage<StripeValue> | null): boolean {
  const then = before?.written;
  if (!then) return true;
  return Object.entries(then).every(([name, value]) => (record.properties[name] ?? null) === value);
}
