import type { ToolIndex } from '../../shared/tools/catalog.ts';

/** The tools that are deployed: each is loaded with its first call. A tool that is not named here does not exist. */
export const tools: ToolIndex = {
  contact_append_note: { through: ['hubspot'], load: () => import('./contact_append_note.ts') },
  contact_find: { through: ['hubspot'], load: () => import('./contact_find.ts') },
  contact_get: { through: ['hubspot'], load: () => import('./contact_get.ts') },
  contact_upsert: { through: ['hubspot'], load: () => import('./contact_upsert.ts') },
  customer_billing_find: { through: ['stripe'], load: () => import('./customer_billing_find.ts') },
  customer_billing_get: { through: ['stripe'], load: () => import('./customer_billing_get.ts') },
  customer_find_everywhere: {
    through: ['hubspot', 'stripe'],
    load: () => import('./customer_find_everywhere.ts'),
  },
  deal_create: { through: ['hubspot'], load: () => import('./deal_create.ts') },
  deal_get: { through: ['hubspot'], load: () => import('./deal_get.ts') },
  deal_search: { through: ['hubspot'], load: () => import('./deal_search.ts') },
  deal_update_stage: { through: ['hubspot'], load: () => import('./deal_update_stage.ts') },
  invoice_add_line: { through: ['stripe'], load: () => import('./invoice_add_line.ts') },
  invoice_create: { through: ['stripe'], load: () => import('./invoice_create.ts') },
  invoice_list: { through: ['stripe'], load: () => import('./invoice_list.ts') },
  payment_list: { through: ['stripe'], load: () => import('./payment_list.ts') },
  refund_create: { through: ['stripe'], load: () => import('./refund_create.ts') },
  ticket_append_note: { through: ['hubspot'], load: () => import('./ticket_append_note.ts') },
  ticket_create: { through: ['hubspot'], load: () => import('./ticket_create.ts') },
};
