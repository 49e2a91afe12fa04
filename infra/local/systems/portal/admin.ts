import * as z from 'zod';
import { adminRoutes, count } from '../admin-routes.ts';
import type { FaultBook } from '../faults.ts';
import { keep, type Portal, wallTime } from './portal.ts';

/** The routes under `/_`: they are no part of the portal. */
export const adminRoute = adminRoutes<{ readonly portal: Portal; readonly faults: FaultBook }>({
  state: ({ portal }) => portal,
  shows: {},
  missing: 'No such order.',
  knobs: {
    /** A release of which nobody was told: a field has another name from now on. */
    'rename-field': ({ portal: { knobs } }, body) => {
      const { from, to } = z.strictObject({ from: z.string(), to: z.string() }).parse(body);
      knobs.renamed.set(from, to);
      return Object.fromEntries(knobs.renamed);
    },
    /** Every list shows this order twice. */
    'show-twice': ({ portal: { knobs } }, body) => {
      knobs.shownTwice.add(z.strictObject({ order_no: z.string() }).parse(body).order_no);
      return { shownTwice: [...knobs.shownTwice] };
    },
    /** The next orders are stored twice, under two numbers. */
    'double-orders': ({ portal: { knobs } }, body) => {
      knobs.doubled += count.parse(body).count;
      return { doubled: knobs.doubled };
    },
    /** Somebody orders by telephone: one more row before all others. */
    telephone: ({ portal }) => {
      const [last] = [...portal.orders.values()].slice(-1);
      const now = wallTime(portal);
      const order_no = `P${String(50_000 + portal.orders.size)}`;
      const [article] = portal.articles;
      keep(portal, {
        ...{ order_no, article_no: article?.article_no ?? '', quantity: 1, status: 'NEW', your_ref: 'BY PHONE' },
        ...{ wanted_date: null, ship_to: last?.ship_to ?? 'ST7000', placed_at: now, changed_at: now },
      });
      return { order_no };
    },
  },
});
