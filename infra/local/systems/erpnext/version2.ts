import type { SimAnswer } from '../loopback-server.ts';
import { type Call, docTypeOf, mayDo, present } from './call.ts';
import { deleteDoc, insertDoc, liveDoc, saveDoc } from './documents.ts';
import { FrappeError, json } from './errors.ts';
import { listDocs } from './list.ts';
import type { DocType } from './schema.ts';
import { type Doc, nextSerial, rollBack, savepoint } from './site.ts';

/** `/api/v2/...`: documents, bulk requests and meta. @see https://github.com/frappe/frappe/blob/develop/frappe/api/v2.py */
export function version2Route(call: Call, rest: readonly string[]): SimAnswer {
  const [area, docTypeName, ...more] = rest;
  const { site, form, request } = call;
  if (area === 'doctype') return docTypeRoute(call, docTypeOf(docTypeName), more[0]);
  if (area !== 'document') throw new FrappeError('DoesNotExistError', 'Not found', 404);
  const docType = docTypeOf(docTypeName);
  const name = more.join('/');
  if (name === '') {
    if (request.method === 'POST') return json(200, { data: present(site, insertDoc(call, docType, form), true) });
    mayDo(call, docType, 'read');
    const limit = Number(form.limit ?? 20);
    const rows = listDocs(site, docType, { ...form, length: limit + 1 });
    return json(200, { data: rows.slice(0, limit), has_next_page: rows.length > limit });
  }
  if (name === 'bulk_update' && request.method === 'POST') return bulk(call, docType, 'docs', updateOne);
  if (name === 'bulk_delete' && request.method === 'POST') return bulk(call, docType, 'names', deleteOne);
  const doc = liveDoc(site, docType, name);
  if (request.method === 'GET') {
    mayDo(call, docType, 'read');
    return json(200, { data: present(site, doc, true) });
  }
  if (request.method === 'DELETE') {
    deleteDoc(call, doc);
    return json(202, { data: 'ok' });
  }
  return json(200, { data: present(site, saveDoc(call, doc, form), true) });
}

function docTypeRoute({ site, form }: Call, docType: DocType, what: string | undefined): SimAnswer {
  if (what === 'count')
    return json(200, { data: listDocs(site, docType, { filters: form.filters, length: 0 }).length });
  if (what !== 'meta') throw new FrappeError('DoesNotExistError', 'Not found', 404);
  const fields = [...site.fields[docType].values()].map(({ reqd, unique, readOnly, allowOnSubmit, ...field }) => ({
    ...field,
    ...{
      reqd: reqd ? 1 : 0,
      unique: unique ? 1 : 0,
      read_only: readOnly ? 1 : 0,
      allow_on_submit: allowOnSubmit ? 1 : 0,
    },
    parent: docType,
    is_custom_field: field.fieldname.startsWith('custom_') ? 1 : 0,
  }));
  return json(200, { data: { doctype: 'DocType', name: docType, fields } });
}

type One = (call: Call, docType: DocType, item: unknown) => Doc;

const updateOne: One = (call, docType, item) => {
  const { name, ...values } = item as Record<string, unknown>;
  return saveDoc(call, liveDoc(call.site, docType, String(name)), values);
};

const deleteOne: One = (call, docType, item) => {
  const doc = liveDoc(call.site, docType, String(item));
  deleteDoc(call, doc);
  return doc;
};

const nameOf = (item: unknown) => (typeof item === 'object' && item !== null && 'name' in item ? item.name : item);

/** Each item for itself, up to the threshold; above it a job in the background, of which nothing is told. */
function bulk(call: Call, docType: DocType, key: 'docs' | 'names', one: One): SimAnswer {
  const items = call.form[key];
  if (!Array.isArray(items)) throw new FrappeError('FrappeValueError', `'${key}' must be a list`);
  const inBackground = items.length > call.site.knobs.asyncThreshold;
  const done: Doc[] = [];
  const failed: object[] = [];
  for (const item of items as readonly unknown[]) {
    const to = savepoint(call.tx);
    try {
      done.push(one(call, docType, item));
    } catch (error) {
      // A deadlock ends the whole transaction, savepoints and all.
      if (!(error instanceof FrappeError) || error.type === 'QueryDeadlockError') throw error;
      rollBack(call.tx, to);
      failed.push({ name: nameOf(item), error: error.message });
    }
  }
  if (inBackground) return json(202, { data: { job_id: `job-${nextSerial(call.site)}` } });
  const names = done.map(({ name }) => name);
  const counts = { total: items.length, success_count: done.length, failure_count: failed.length };
  const docs = key === 'docs' ? { docs: done.map((doc) => present(call.site, doc, true)) } : {};
  return json(200, { data: { [key === 'docs' ? 'updated' : 'deleted']: names, failed, ...counts }, ...docs });
}
