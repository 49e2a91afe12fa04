import type { Json, JsonObject } from '../model/json.ts';
import { strictUtf8 } from './encoding.ts';
import { parseStrictJson } from './strict-json.ts';
import { outboundMessage, outboundNamespace } from './verify-salesforce.ts';
import { childrenOf, type XmlElement } from './xml.ts';

/** What a provider sends: JSON, form fields (where the content type says so), or a SOAP outbound message. */
export type BodyFormat = 'json' | 'form' | 'soap';

export type ParsedBody = { readonly ok: true; readonly value: Json } | { readonly ok: false; readonly reason: string };

const maxFields = 1_000;

/**
 * Reads a verified body as data. Never throws; what cannot be read is named.
 * @param format what the provider sends; @param contentType decides between form and JSON where the format is `form`
 */
export function parseBody(format: BodyFormat, body: Uint8Array, contentType: string | null): ParsedBody {
  if (format === 'soap') return parseSoap(body);
  if (format === 'form' && /^application\/x-www-form-urlencoded/i.test(contentType ?? '')) return parseForm(body);
  return parseStrictJson(body);
}

function parseForm(body: Uint8Array): ParsedBody {
  const text = strictUtf8(body);
  if (text === null) return { ok: false, reason: 'invalid_utf8' };
  const fields = new Map<string, string[]>();
  for (const [name, value] of new URLSearchParams(text)) {
    if (['__proto__', 'constructor', 'prototype'].includes(name)) return { ok: false, reason: 'dangerous_key' };
    fields.set(name, [...(fields.get(name) ?? []), value]);
    if (fields.size > maxFields) return { ok: false, reason: 'too_many_fields' };
  }
  const entries = [...fields].map(([name, values]) => [name, values.length === 1 ? values[0] : values] as const);
  return { ok: true, value: Object.fromEntries(entries) as JsonObject };
}

/** One object per notification; field values are text, as Salesforce sends them. */
function parseSoap(body: Uint8Array): ParsedBody {
  const message = outboundMessage(body);
  if (!message) return { ok: false, reason: 'invalid_soap' };
  const text = (name: string) => childrenOf(message, name, outboundNamespace)[0]?.text ?? null;
  const notifications = childrenOf(message, 'Notification', outboundNamespace).map((notification) => ({
    Id: childrenOf(notification, 'Id', outboundNamespace)[0]?.text ?? null,
    OrganizationId: text('OrganizationId'),
    ActionId: text('ActionId'),
    sObject: fieldsOf(childrenOf(notification, 'sObject', outboundNamespace)[0]),
  }));
  return { ok: true, value: notifications };
}

function fieldsOf(element: XmlElement | undefined): JsonObject | null {
  if (!element) return null;
  const safe = element.children.filter(({ name }) => !['__proto__', 'constructor', 'prototype'].includes(name));
  return Object.fromEntries(safe.map(({ name, text }) => [name, text]));
}
