/** Fields of the supplier's orders, articles and delivery addresses, as agents are shown them. */
export const orderFields = {
  order_no: 'order_no',
  article_no: 'article_no',
  quantity: 'quantity',
  status: 'status',
  wanted_date: 'wanted_date',
  ship_to: 'ship_to',
  placed_at: 'placed_at',
  changed_at: 'changed_at',
} as const;

export const articleFields = {
  article_no: 'article_no',
  description: 'description',
  price: 'price_eur',
  stock: 'stock',
} as const;

export const shipToFields = { code: 'code', name: 'name', city: 'city' } as const;
