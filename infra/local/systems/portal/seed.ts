import type { Clock } from '../../../../shared/model/clock.ts';
import { simulatedPeople } from '../people.ts';
import { type Article, keep, type Order, type Portal, type ShipTo, wallTime } from './portal.ts';

const articleCount = 240;
const orderCount = 320;
const dayMs = 86_400_000;
const kinds = ['BOLT', 'NUT', 'WASHER', 'BEARING', 'GASKET', 'FILTER', 'VALVE', 'BELT'] as const;

/** The price list: two articles have no stock, and prices are text with a comma. */
export function seedArticles(): readonly Article[] {
  return Array.from({ length: articleCount }, (_, i) => ({
    article_no: String(100_000 + i * 7),
    description: `${kinds[i % kinds.length]} ${4 + (i % 12)}x${10 + (i % 9) * 5}`,
    price: `${1 + (i % 90)},${String((i * 37) % 100).padStart(2, '0')}`,
    stock: i % 120 === 13 ? 0 : 10 + ((i * 53) % 400),
  }));
}

/** The companies that the other simulated systems know too: in capitals, without accents, cut at 24 characters, under numbers of the supplier's own. */
export function seedShipTos(clock: Clock, seed: number): readonly ShipTo[] {
  const { companies } = simulatedPeople({ clock, seed });
  return companies.map(([, values], i) => ({
    code: `ST${String(7000 + i * 3)}`,
    name: spelled(values.name ?? ''),
    city: spelled(values.city ?? ''),
  }));
}

function spelled(text: string): string {
  const plain = text.normalize('NFD').replace(/\p{M}/gu, '').toUpperCase();
  return plain
    .replace(/[^A-Z0-9 ]+/g, ' ')
    .replace(/\s+/g, ' ')
    .trim()
    .slice(0, 24);
}

/** Orders of the last months; some numbers of the customer's own stand on two of them. */
export function seedOrders(portal: Portal): void {
  const statuses: readonly Order['status'][] = ['SHIPPED', 'SHIPPED', 'SHIPPED', 'CONFIRMED', 'CANCELLED', 'NEW'];
  for (let i = 0; i < orderCount; i += 1) {
    const placedAtMs = portal.clock.now() - (orderCount - i) * 0.4 * dayMs;
    keep(portal, {
      order_no: `P${String(50_000 + i)}`,
      article_no: portal.articles[(i * 11) % portal.articles.length]?.article_no ?? '',
      quantity: 1 + ((i * 7) % 40),
      status: i < orderCount - 20 ? (statuses[i % 5] ?? 'SHIPPED') : 'NEW',
      your_ref: i % 29 === 0 ? 'REPEAT ORDER' : `PO-${2000 + i}`,
      wanted_date: i % 4 === 0 ? null : wallTime(portal, placedAtMs + 9 * dayMs).slice(0, 10),
      ship_to: portal.shipTos[(i * 5) % Math.max(1, portal.shipTos.length)]?.code ?? 'ST7000',
      placed_at: wallTime(portal, placedAtMs),
      changed_at: wallTime(portal, placedAtMs + (i % 3) * dayMs),
    });
  }
}
