/** One field of a DocType, as its meta shows it. */
export type Field = {
  readonly fieldname: string;
  readonly fieldtype: 'Data' | 'Link' | 'Date' | 'Float' | 'Currency' | 'Int' | 'Check' | 'Select' | 'Text' | 'Table';
  /** Of a link or table: the other DocType; of a select: its values, one a line. */
  readonly options?: string;
  readonly reqd?: true;
  readonly unique?: true;
  readonly readOnly?: true;
  /** May still change when the document is submitted. */
  readonly allowOnSubmit?: true;
  readonly default?: string | number;
};

/** Every DocType of the simulated site that has documents of its own. */
export const docTypes = [
  'Company',
  'Customer',
  'Supplier',
  'Item',
  'Warehouse',
  'Bin',
  'Sales Order',
  'Purchase Order',
  'Sales Invoice',
  'Comment',
  'Deleted Document',
] as const;

export type DocType = (typeof docTypes)[number];

/** How a DocType names, and whether its documents are submitted. */
export type DocTypeFacts = {
  readonly submittable?: true;
  /** A series such as `SAL-ORD-.YYYY.-`, the value of a field, or random. */
  readonly naming: { readonly series: string } | { readonly field: string } | 'random';
  readonly fields: readonly Field[];
};

const data = (fieldname: string, more: Partial<Field> = {}): Field => ({ fieldname, fieldtype: 'Data', ...more });
const link = (fieldname: string, options: string, more: Partial<Field> = {}): Field => ({
  ...{ fieldname, fieldtype: 'Link', options, ...more },
});
const number = (fieldname: string, more: Partial<Field> = {}): Field => ({ fieldname, fieldtype: 'Float', ...more });
const date = (fieldname: string, more: Partial<Field> = {}): Field => ({ fieldname, fieldtype: 'Date', ...more });
const check = (fieldname: string): Field => ({ fieldname, fieldtype: 'Check', default: 0 });
const ref = data('custom_plumbline_ref', { unique: true });
const external = data('custom_crm_id', { allowOnSubmit: true });

const totals = [
  data('currency', { reqd: true, default: 'EUR' }),
  number('grand_total', { readOnly: true, default: 0 }),
  data('status', { readOnly: true, default: 'Draft' }),
  link('company', 'Company', { reqd: true }),
  data('amended_from', { readOnly: true }),
  number('per_billed', { readOnly: true, default: 0 }),
];

/** The DocTypes with their fields, custom ones included. */
export const initialDocTypes: Readonly<Record<DocType, DocTypeFacts>> = {
  Company: {
    naming: { field: 'company_name' },
    fields: [data('company_name', { reqd: true }), data('default_currency'), data('custom_plumbline_environment')],
  },
  Customer: {
    naming: { series: 'CUST-.YYYY.-' },
    fields: [
      data('customer_name', { reqd: true }),
      { fieldname: 'customer_type', fieldtype: 'Select', options: 'Company\nIndividual', default: 'Company' },
      ...[data('customer_group', { default: 'Commercial' }), data('territory', { default: 'All Territories' })],
      ...[data('tax_id'), data('email_id'), data('mobile_no'), data('default_currency'), check('disabled')],
      ...[ref, data('custom_external_id', { unique: true }), external],
    ],
  },
  Supplier: {
    naming: { field: 'supplier_name' },
    fields: [
      data('supplier_name', { reqd: true }),
      ...[data('supplier_group', { default: 'Services' }), data('country'), data('tax_id'), check('disabled'), ref],
    ],
  },
  Item: {
    naming: { field: 'item_code' },
    fields: [
      ...[data('item_code', { reqd: true }), data('item_name'), data('item_group', { reqd: true })],
      ...[
        data('stock_uom', { reqd: true, default: 'Nos' }),
        { fieldname: 'is_stock_item', fieldtype: 'Check', default: 1 } as const,
      ],
      ...[number('standard_rate', { default: 0 }), check('disabled'), ref],
    ],
  },
  Warehouse: { naming: { field: 'warehouse_name' }, fields: [data('warehouse_name', { reqd: true })] },
  Bin: {
    naming: 'random',
    fields: [
      ...[link('item_code', 'Item', { reqd: true }), link('warehouse', 'Warehouse', { reqd: true }), data('stock_uom')],
      ...['actual_qty', 'reserved_qty', 'ordered_qty', 'projected_qty'].map((name) => number(name, { default: 0 })),
    ],
  },
  'Sales Order': {
    submittable: true,
    naming: { series: 'SAL-ORD-.YYYY.-' },
    fields: [
      ...[link('customer', 'Customer', { reqd: true }), data('customer_name', { readOnly: true })],
      ...[date('transaction_date', { reqd: true }), date('delivery_date', { allowOnSubmit: true })],
      ...[data('po_no', { allowOnSubmit: true }), number('per_delivered', { readOnly: true, default: 0 })],
      ...[
        { fieldname: 'items', fieldtype: 'Table', options: 'Sales Order Item', reqd: true } as const,
        ...totals,
        ref,
        external,
      ],
    ],
  },
  'Purchase Order': {
    submittable: true,
    naming: { series: 'PUR-ORD-.YYYY.-' },
    fields: [
      ...[link('supplier', 'Supplier', { reqd: true }), data('supplier_name', { readOnly: true })],
      ...[
        date('transaction_date', { reqd: true }),
        date('schedule_date'),
        number('per_received', { readOnly: true, default: 0 }),
      ],
      ...[
        { fieldname: 'items', fieldtype: 'Table', options: 'Purchase Order Item', reqd: true } as const,
        ...totals,
        ref,
      ],
    ],
  },
  'Sales Invoice': {
    submittable: true,
    naming: { series: 'ACC-SINV-.YYYY.-' },
    fields: [
      ...[link('customer', 'Customer', { reqd: true }), data('customer_name', { readOnly: true })],
      ...[
        date('posting_date', { reqd: true }),
        date('due_date'),
        number('outstanding_amount', { readOnly: true, default: 0 }),
      ],
      ...[
        { fieldname: 'items', fieldtype: 'Table', options: 'Sales Invoice Item', reqd: true } as const,
        ...totals,
        ref,
      ],
    ],
  },
  Comment: {
    naming: 'random',
    fields: [
      {
        fieldname: 'comment_type',
        fieldtype: 'Select',
        options: 'Comment\nInfo\nLike',
        reqd: true,
        default: 'Comment',
      },
      ...[data('reference_doctype'), data('reference_name'), { fieldname: 'content', fieldtype: 'Text' } as const, ref],
    ],
  },
  'Deleted Document': { naming: 'random', fields: [data('deleted_name'), data('deleted_doctype'), data('data')] },
};

/** Fields of the rows of orders and invoices. */
export const rowFields: readonly Field[] = [
  ...[link('item_code', 'Item', { reqd: true }), data('item_name'), data('uom'), number('qty', { reqd: true })],
  ...[number('rate'), number('amount', { readOnly: true }), date('delivery_date'), date('schedule_date')],
  data('sales_order'),
];

/** Fields that every document has. */
export const standardFields = ['name', 'owner', 'creation', 'modified', 'modified_by', 'docstatus', 'idx'] as const;
