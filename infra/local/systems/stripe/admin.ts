import * as z from 'zod';
import { adminRoutes, count, webhookKnobs } from '../admin-routes.ts';
import type { FaultBook } from '../faults.ts';
import { type Account, change, kinds, live } from './account.ts';
import type { KeyStore } from './idempotency.ts';
import { payInvoice } from './invoices.ts';
import type { WebhookSender } from './webhooks.ts';

/** Faults that only Stripe has, beside those of the fault book. */
export type Knobs = {
  /** Decline codes of the next card payments, in order. */
  declines: string[];
  /** How many of the next writes find their record locked. */
  locks: number;
  /** Fields that are not answered any more, as `kind.field`. */
  hidden: Set<string>;
};

/** What the knobs turn. */
export type AdminDeps = { account: Account; faults: FaultBook; keys: KeyStore; webhooks: WebhookSender; knobs: Knobs };

const kind = z.enum(kinds);
const nobody = { requestId: null, key: null };

/** The routes under `/_`: they are no part of Stripe. */
export const adminRoute = adminRoutes<AdminDeps>({
  state: ({ account }) => account,
  shows: { keys: ({ keys }) => ({ keys: keys.size() }), webhooks: ({ webhooks }) => ({ deliveries: webhooks.log() }) },
  missing: 'No such record, or not in this state.',
  knobs: {
    ...webhookKnobs<AdminDeps>(({ webhooks }) => webhooks),
    /** Somebody switches the endpoint on or off. */
    endpoint: (deps, body) => {
      const { status } = z.strictObject({ status: z.enum(['enabled', 'disabled']) }).parse(body);
      return deps.webhooks.turn(status) ? { status } : null;
    },
    /** The endpoint is switched off after so many failed attempts in a row; null: never. */
    'disable-after': (deps, body) => {
      const { attempts } = z.strictObject({ attempts: z.number().int().min(1).nullable() }).parse(body);
      deps.webhooks.disableAfter(attempts);
      return { attempts };
    },
    /** The next card payments are declined, whatever the card. */
    decline: (deps, body) => {
      const shape = z.strictObject({
        code: z.string().default('generic_decline'),
        count: z.number().int().min(1).default(1),
      });
      const { code, count: times } = shape.prefault({}).parse(body);
      for (let n = 0; n < times; n += 1) deps.knobs.declines.push(code);
      return { declines: deps.knobs.declines };
    },
    /** The next writes are answered `lock_timeout`. */
    lock: (deps, body) => {
      deps.knobs.locks += count.parse(body).count;
      return { locks: deps.knobs.locks };
    },
    /** A field is not answered any more, as after a change of the API version. */
    'hide-field': (deps, body) => {
      const given = z.strictObject({ kind, field: z.string() }).parse(body);
      deps.knobs.hidden.add(`${given.kind}.${given.field}`);
      return { hidden: [...deps.knobs.hidden] };
    },
    /** A customer pays an open invoice. */
    'pay-invoice': (deps, body) => {
      const { id } = z.strictObject({ id: z.string() }).parse(body);
      const paid = payInvoice(deps.account, id, nobody);
      return paid === null ? null : { id, status: paid.status };
    },
    /** Changes a record as a person in the dashboard would. */
    touch: (deps, body) => {
      const given = z.strictObject({ kind, id: z.string(), fields: z.record(z.string(), z.json()) }).parse(body);
      if (live(deps.account, given.kind, given.id) === null) return null;
      change(deps.account, given.kind, given.id, given.fields, { origin: nobody, type: `${given.kind}.updated` });
      return { id: given.id };
    },
  },
});
