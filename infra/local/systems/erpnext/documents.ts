import { type Call, isSubmittable, logEffect, mayWrite } from './call.ts';
import { FrappeError } from './errors.ts';
import { type DocType, docTypes, initialDocTypes } from './schema.ts';
import {
  type Doc,
  type DocEvent,
  docOf,
  fold,
  nextSerial,
  nowMicros,
  place,
  remove,
  type Site,
  save,
  stamp,
} from './site.ts';
import { completeValues, takeValues } from './values.ts';

/** The live document. @throws FrappeError 404 */
export function liveDoc(site: Site, docType: DocType, name: string): Doc {
  const doc = docOf(site, docType, name);
  if (doc) return doc;
  throw new FrappeError('DoesNotExistError', `${docType} ${name.slice(0, 140)} not found`, 404);
}

/** Inserts one document. Fields that the DocType has not are dropped without a word. @throws FrappeError */
export function insertDoc(call: Call, docType: DocType, body: Readonly<Record<string, unknown>>): Doc {
  const { site, tx } = call;
  mayWrite(call, docType, 'create');
  const nowAt = nowMicros(site);
  const status = body.docstatus === 1 ? 1 : 0;
  const doc: Doc = {
    ...{ docType, name: '', docstatus: status, owner: call.user, values: {} },
    ...{ creationMicros: nowAt, modifiedMicros: nowAt },
  };
  doc.values = completeValues(site, docType, takeValues(site, docType, body), {
    name: '',
    today: stamp(site, nowAt).slice(0, 10),
  });
  doc.name = newName(site, doc, stamp(site, nowAt).slice(0, 4));
  checkUnique(site, doc);
  place(site, doc);
  tx.undo.push(() => remove(site, doc));
  settleStatus(site, doc);
  told(call, 'create', doc, 'after_insert', body);
  return doc;
}

function newName(site: Site, doc: Doc, year: string): string {
  const { naming } = initialDocTypes[doc.docType];
  if (naming === 'random') return nextSerial(site).toString(36).padStart(10, '7k2');
  if ('series' in naming) return naming.series.replace('.YYYY.', year) + String(nextSerial(site)).padStart(5, '0');
  const name = String(doc.values[naming.field] ?? '').trim();
  if (docOf(site, doc.docType, name)) {
    throw new FrappeError('DuplicateEntryError', `${doc.docType} ${name} already exists`, 409);
  }
  return name;
}

function checkUnique(site: Site, doc: Doc): void {
  for (const field of site.fields[doc.docType].values()) {
    const value = doc.values[field.fieldname];
    if (!field.unique || value === null || value === undefined || value === '') continue;
    const wanted = fold(String(value));
    for (const other of site.docs[doc.docType].values()) {
      if (other.name === doc.name || fold(String(other.values[field.fieldname] ?? '')) !== wanted) continue;
      throw new FrappeError('UniqueValidationError', `${field.fieldname} must be unique`);
    }
  }
}

/**
 * Saves changes to one document. `modified` in the body is compared as text with what is kept; `docstatus` moves it on.
 * @throws FrappeError
 */
export function saveDoc(call: Call, doc: Doc, body: Readonly<Record<string, unknown>>): Doc {
  const { site, tx } = call;
  const kept = stamp(site, doc.modifiedMicros);
  if (body.modified !== undefined && String(body.modified) !== kept) {
    const message = `Error: Document has been modified after you have opened it (${kept}, ${String(body.modified).slice(0, 40)}). Please refresh to get the latest document.`;
    throw new FrappeError('TimestampMismatchError', message);
  }
  const to = Number(body.docstatus ?? doc.docstatus);
  const step = stepOf(doc, to);
  mayWrite(
    call,
    doc.docType,
    { save: 'write', update_after_submit: 'write', submit: 'submit', cancel: 'cancel' }[step],
  );
  const given = takeValues(site, doc.docType, body);
  if (step === 'update_after_submit') checkAfterSubmit(site, doc, given);
  if (step === 'cancel') checkNotLinked(site, doc);
  const before = structuredClone(doc);
  tx.undo.push(() => {
    Object.assign(doc, before);
    save(site, doc);
  });
  const merged = step === 'cancel' ? doc.values : { ...doc.values, ...given };
  doc.values =
    step === 'cancel'
      ? doc.values
      : completeValues(site, doc.docType, merged, { name: doc.name, today: kept.slice(0, 10) });
  checkUnique(site, doc);
  doc.docstatus = to as Doc['docstatus'];
  doc.modifiedMicros = nowMicros(site);
  settleStatus(site, doc);
  save(site, doc);
  const events = {
    save: 'on_update',
    submit: 'on_submit',
    cancel: 'on_cancel',
    update_after_submit: 'on_update_after_submit',
  } as const;
  told(call, 'update', doc, events[step], body);
  return doc;
}

type StepName = 'save' | 'submit' | 'cancel' | 'update_after_submit';

/** The machine of `docstatus`: 0 to 0, 0 to 1, 1 to 1, 1 to 2. @throws FrappeError 417 */
function stepOf(doc: Doc, to: number): StepName {
  const from = doc.docstatus;
  if (from === 2) throw new FrappeError('ValidationError', 'Cannot edit cancelled document');
  if (to !== 0 && !isSubmittable(doc.docType))
    throw new FrappeError('DocstatusTransitionError', 'DocType is not submittable');
  if (from === 0 && to === 0) return 'save';
  if (from === 0 && to === 1) return 'submit';
  if (from === 1 && to === 1) return 'update_after_submit';
  if (from === 1 && to === 2) return 'cancel';
  const names = ['0 (Draft)', '1 (Submitted)', '2 (Cancelled)'];
  throw new FrappeError(
    'DocstatusTransitionError',
    `Cannot change docstatus from ${names[from]} to ${names[to] ?? to}`,
  );
}

function checkAfterSubmit(site: Site, doc: Doc, given: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(given)) {
    const field = site.fields[doc.docType].get(name);
    const same = JSON.stringify(doc.values[name] ?? null) === JSON.stringify(value ?? null);
    if (same || field?.allowOnSubmit) continue;
    throw new FrappeError('UpdateAfterSubmitError', `Not allowed to change <b>${name}</b> after submission`);
  }
}

/** Deletes one document and keeps it among the deleted ones. @throws FrappeError */
export function deleteDoc(call: Call, doc: Doc): void {
  const { site, tx } = call;
  mayWrite(call, doc.docType, 'delete');
  if (doc.docstatus === 1) {
    throw new FrappeError(
      'ValidationError',
      `${doc.docType} <b>${doc.name}</b>: Submitted Record cannot be deleted. You must Cancel it first.`,
    );
  }
  checkNotLinked(site, doc);
  remove(site, doc);
  tx.undo.push(() => place(site, doc));
  const nowAt = nowMicros(site);
  const kept: Doc = {
    ...{ docType: 'Deleted Document', name: nextSerial(site).toString(36).padStart(10, '7k2'), docstatus: 0 },
    ...{ owner: call.user, creationMicros: nowAt, modifiedMicros: nowAt },
    values: { deleted_name: doc.name, deleted_doctype: doc.docType, data: '{}' },
  };
  place(site, kept);
  tx.undo.push(() => remove(site, kept));
  told(call, 'archive', doc, 'on_trash', {});
}

/** @throws FrappeError 417 where another document that is not cancelled names this one */
function checkNotLinked(site: Site, doc: Doc): void {
  for (const docType of docTypes) {
    for (const other of site.docs[docType].values()) {
      if (other.docstatus === 2 || !names(site, other, doc)) continue;
      const message = `Cannot delete or cancel because ${doc.docType} <a href="/app">${doc.name}</a> is linked with ${docType} <a href="/app">${other.name}</a>`;
      throw new FrappeError('LinkExistsError', message);
    }
  }
}

function names(site: Site, other: Doc, doc: Doc): boolean {
  for (const field of site.fields[other.docType].values()) {
    const value = other.values[field.fieldname];
    if (field.fieldtype === 'Link' && field.options === doc.docType && value === doc.name) return true;
    if (!Array.isArray(value)) continue;
    const inRows = doc.docType === 'Item' ? 'item_code' : doc.docType === 'Sales Order' ? 'sales_order' : null;
    // A draft does not hold a submitted document back.
    const counts = doc.docType === 'Item' || other.docstatus === 1;
    if (inRows && counts && value.some((row) => row[inRows] === doc.name)) return true;
  }
  return false;
}

/** The status that ERPNext derives from `docstatus`. */
function settleStatus(site: Site, doc: Doc): void {
  if (!isSubmittable(doc.docType)) return;
  const open = {
    'Sales Order': 'To Deliver and Bill',
    'Purchase Order': 'To Receive and Bill',
    'Sales Invoice': 'Unpaid',
  };
  const submitted = open[doc.docType as keyof typeof open];
  doc.values.status = ['Draft', submitted, 'Cancelled'][doc.docstatus] ?? 'Draft';
  if (doc.docType === 'Sales Invoice')
    doc.values.outstanding_amount = doc.docstatus === 1 ? (doc.values.grand_total ?? 0) : 0;
  save(site, doc);
}

function told(call: Call, change: 'create' | 'update' | 'archive', doc: Doc, event: DocEvent, body: object): void {
  logEffect(call, change, doc, { ...body, docstatus: doc.docstatus });
  call.tx.events.push([doc, event]);
}
