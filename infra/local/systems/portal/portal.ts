import { toLocal } from '../../../../shared/connectors/rest/local-time.ts';
import type { Clock } from '../../../../shared/model/clock.ts';
import type { EffectLog } from '../effect-log.ts';
import type { StateFile } from '../state-file.ts';

/** One order as the portal keeps it; times are those of its clock on the wall, without a zone. */
export type Order = {
  readonly order_no: string;
  article_no: string;
  quantity: number;
  status: 'NEW' | 'CONFIRMED' | 'SHIPPED' | 'CANCELLED';
  /** Text of the customer's own. The portal keeps it and compares nothing. */
  your_ref: string;
  wanted_date: string | null;
  ship_to: string;
  placed_at: string;
  changed_at: string;
};

/** One article of the price list; prices are text with a comma. */
export type Article = { readonly article_no: string; description: string; price: string; stock: number };

/** One delivery address: a customer of ours under the supplier's number and spelling. */
export type ShipTo = { readonly code: string; name: string; city: string };

/** The portal's data and its bad habits. */
export type Portal = {
  readonly clock: Clock;
  readonly effects: EffectLog;
  readonly file: StateFile;
  readonly customerNo: string;
  readonly environment: 'TEST' | 'LIVE';
  /** In the order they were made. */
  readonly orders: Map<string, Order>;
  readonly articles: readonly Article[];
  readonly shipTos: readonly ShipTo[];
  readonly knobs: Knobs;
};

/** What the person who runs the simulator can turn, beside the fault book. */
export type Knobs = {
  /** Names that the portal writes otherwise since its last release, which it told nobody. */
  readonly renamed: Map<string, string>;
  /** Orders that every list shows twice. */
  readonly shownTwice: Set<string>;
  /** How many of the next orders are stored twice, under two numbers. */
  doubled: number;
};

/** The zone of the wall on which the portal's clock hangs. */
export const portalZone = 'Europe/Amsterdam';

/** Now, as the portal writes it: `2026-11-03 14:05:00`. */
export function wallTime(portal: Pick<Portal, 'clock'>, atMs = portal.clock.now()): string {
  return toLocal(atMs, portalZone).replace('T', ' ');
}

/** Keeps an order, and its place in the order of making. */
export function keep(portal: Portal, order: Order): void {
  portal.orders.set(order.order_no, order);
  portal.file.save('order', order.order_no, order);
}
