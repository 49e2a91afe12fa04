import type { SimAnswer } from '../loopback-server.ts';
import { type Call, docTypeOf, mayDo, present } from './call.ts';
import { deleteDoc, insertDoc, liveDoc, saveDoc } from './documents.ts';
import { FrappeError, json } from './errors.ts';
import { listDocs } from './list.ts';
import type { DocType } from './schema.ts';
import { rollBack, savepoint } from './site.ts';

/** `/api/resource/...`: version 1. @see https://docs.frappe.io/framework/user/en/api/rest */
export function resourceRoute(call: Call, docTypeName: string | undefined, name: string): SimAnswer {
  const { site, form, request } = call;
  const docType = docTypeOf(docTypeName);
  if (name === '') {
    if (request.method === 'POST') return json(200, { data: present(site, insertDoc(call, docType, form), false) });
    if (request.method !== 'GET') throw notAllowed();
    mayDo(call, docType, 'read');
    const { limit_start: start, limit_page_length, limit } = form;
    return json(200, { data: listDocs(site, docType, { ...form, start, length: limit_page_length ?? limit }) });
  }
  switch (request.method) {
    case 'GET':
      mayDo(call, docType, 'read');
      return json(200, { data: present(site, liveDoc(site, docType, name), false) });
    case 'PUT':
      return json(200, { data: present(site, saveDoc(call, liveDoc(site, docType, name), form), false) });
    case 'DELETE':
      deleteDoc(call, liveDoc(site, docType, name));
      return json(202, { data: 'ok' });
    case 'POST':
      return json(200, { data: runMethod(call, docType, name, form.run_method) });
    default:
      throw notAllowed();
  }
}

function notAllowed(): FrappeError {
  return new FrappeError('MethodNotAllowed', 'The method is not allowed for the requested URL.', 405);
}

function runMethod(call: Call, docType: DocType, name: string, method: unknown): unknown {
  const doc = liveDoc(call.site, docType, name);
  if (method !== 'submit' && method !== 'cancel') throw new FrappeError('PermissionError', 'Not Whitelisted', 403);
  return present(call.site, saveDoc(call, doc, { docstatus: method === 'submit' ? 1 : 2 }), false);
}

/** `/api/method/...`: functions of Frappe by their dotted path. */
export function methodRoute(call: Call, method: string): SimAnswer {
  const made = Object.hasOwn(methods, method) ? methods[method] : undefined;
  if (!made) throw new FrappeError('ValidationError', `Failed to get method for command ${method.slice(0, 140)}`);
  return json(200, { message: made(call) });
}

/** Functions that anybody may call. */
export const guestMethods: readonly string[] = ['frappe.ping', 'frappe.client.get_time_zone', 'ping'];

const bodyOf = (value: unknown): Record<string, unknown> => {
  const body: unknown = typeof value === 'string' ? JSON.parse(value) : value;
  if (typeof body === 'object' && body !== null && !Array.isArray(body)) return body as Record<string, unknown>;
  throw new FrappeError('ValidationError', 'A document is expected');
};

const docsOf = (value: unknown): Record<string, unknown>[] => {
  const list: unknown = typeof value === 'string' ? JSON.parse(value) : value;
  return Array.isArray(list) ? list.map(bodyOf) : [];
};

const named = ({ site, form }: Call) => liveDoc(site, docTypeOf(form.doctype), String(form.name ?? ''));

const methods: Readonly<Record<string, (call: Call) => unknown>> = {
  'frappe.ping': () => 'pong',
  ping: () => 'pong',
  'frappe.auth.get_logged_user': ({ user }) => user,
  'frappe.realtime.get_user_info': ({ user }) => ({
    user,
    user_type: 'System User',
    installed_apps: ['frappe', 'erpnext'],
  }),
  'frappe.client.get_time_zone': ({ site }) => ({ time_zone: site.timeZone }),
  'frappe.client.get_list': ({ site, form }) => {
    const { limit_start: start, limit_page_length: length } = form;
    return listDocs(site, docTypeOf(form.doctype), { ...form, start, length });
  },
  'frappe.client.get_count': ({ site, form }) =>
    listDocs(site, docTypeOf(form.doctype), { filters: form.filters, length: 0 }).length,
  'frappe.client.get': (call) => present(call.site, named(call), false),
  'frappe.client.insert': (call) => {
    const doc = bodyOf(call.form.doc);
    return present(call.site, insertDoc(call, docTypeOf(doc.doctype), doc), false);
  },
  'frappe.client.insert_many': (call) => {
    const docs = docsOf(call.form.docs);
    if (docs.length > 200) throw new FrappeError('ValidationError', 'Only 200 inserts allowed in one request');
    return docs.map((doc) => insertDoc(call, docTypeOf(doc.doctype), doc).name);
  },
  'frappe.client.bulk_update': (call) => {
    const failed = docsOf(call.form.docs).flatMap((doc) => {
      const to = savepoint(call.tx);
      const { doctype, docname, ...values } = doc;
      try {
        saveDoc(call, liveDoc(call.site, docTypeOf(doctype), String(docname)), values);
        return [];
      } catch (error) {
        if (!(error instanceof FrappeError)) throw error;
        rollBack(call.tx, to);
        return [
          { doc, exc: `Traceback (most recent call last):\nfrappe.exceptions.${error.type}: ${error.message}\n` },
        ];
      }
    });
    return { failed_docs: failed };
  },
  'frappe.client.submit': (call) => {
    const given = bodyOf(call.form.doc);
    const doc = liveDoc(call.site, docTypeOf(given.doctype), String(given.name ?? ''));
    return present(call.site, saveDoc(call, doc, { ...given, docstatus: 1 }), false);
  },
  'frappe.client.cancel': (call) => present(call.site, saveDoc(call, named(call), { docstatus: 2 }), false),
  'frappe.client.set_value': (call) => {
    const { fieldname, value } = call.form;
    const given = typeof fieldname === 'string' && value !== undefined ? { [fieldname]: value } : bodyOf(fieldname);
    return present(call.site, saveDoc(call, named(call), given), false);
  },
  'frappe.client.delete': (call) => {
    deleteDoc(call, named(call));
    return null;
  },
};
