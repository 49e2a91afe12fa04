import { strictUtf8 } from './encoding.ts';

/** One element: local name, namespace, direct text, children. */
export type XmlElement = {
  readonly name: string;
  readonly namespace: string;
  readonly text: string;
  readonly children: readonly XmlElement[];
};

const maxBytes = 262_144;
const maxDepth = 32;
const maxElements = 5_000;
const nameGrammar = '[A-Za-z_][A-Za-z0-9_.-]*(?::[A-Za-z_][A-Za-z0-9_.-]*)?';
const token = new RegExp(
  `<!--(?:(?!--)[\\s\\S])*-->|<!\\[CDATA\\[([\\s\\S]*?)\\]\\]>|<(/?)(${nameGrammar})((?:\\s+${nameGrammar}\\s*=\\s*(?:"[^"<]*"|'[^'<]*'))*)\\s*(/?)>|([^<]+)`,
  'y',
);
const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

type Open = {
  readonly raw: string;
  readonly name: string;
  readonly namespace: string;
  readonly scope: ReadonlyMap<string, string>;
  text: string;
  readonly children: XmlElement[];
};

/**
 * Parses the small part of XML that SOAP needs. Document types, entities of one's own and processing instructions other
 * than the prolog are refused before anything is parsed, so nothing is ever expanded or fetched. Null where refused.
 * @param bytes UTF-8, at most 256 KB, 32 levels and 5000 elements
 */
export function parseXml(bytes: Uint8Array): XmlElement | null {
  if (bytes.length > maxBytes) return null;
  const whole = strictUtf8(bytes)?.replace(/^\ufeff/, '');
  if (whole === undefined) return null;
  const text = whole.replace(/^<\?xml\s[^?<>]*\?>/, '');
  if (/<\?|<!DOCTYPE|<!ENTITY/i.test(text)) return null;
  const root: Open = { raw: '', name: '', namespace: '', scope: new Map(), text: '', children: [] };
  if (!readTokens(text, root)) return null;
  const [only, ...others] = root.children;
  return only && others.length === 0 && root.text.trim() === '' ? only : null;
}

function readTokens(text: string, root: Open): boolean {
  const stack: Open[] = [root];
  let elements = 0;
  token.lastIndex = 0;
  while (token.lastIndex < text.length) {
    const match = token.exec(text);
    const top = stack.at(-1);
    if (!match || !top) return false;
    const [, cdata, closing, name, attributes = '', empty, plain] = match;
    if (cdata !== undefined) top.text += cdata;
    else if (plain !== undefined) {
      const decoded = decodeText(plain);
      if (decoded === null) return false;
      top.text += decoded;
    } else if (name !== undefined && closing === '/') {
      if (stack.length < 2 || top.raw !== name || attributes !== '' || empty !== '') return false;
      stack.pop();
      stack.at(-1)?.children.push(closed(top));
    } else if (name !== undefined) {
      elements += 1;
      const next = opened(name, attributes, top.scope);
      if (!next || elements > maxElements || stack.length > maxDepth) return false;
      if (empty === '/') top.children.push(closed(next));
      else stack.push(next);
    }
  }
  return stack.length === 1;
}

function closed({ name, namespace, text, children }: Open): XmlElement {
  return { name, namespace, text, children };
}

function opened(raw: string, attributes: string, outer: ReadonlyMap<string, string>): Open | null {
  const scope = new Map(outer);
  const seen = new Set<string>();
  for (const [, key = '', quoted = ''] of attributes.matchAll(/([^\s=]+)\s*=\s*("[^"]*"|'[^']*')/g)) {
    if (seen.has(key)) return null;
    seen.add(key);
    const value = decodeText(quoted.slice(1, -1));
    if (value === null) return null;
    if (key === 'xmlns') scope.set('', value);
    else if (key.startsWith('xmlns:')) scope.set(key.slice(6), value);
  }
  const cut = raw.indexOf(':');
  const namespace = scope.get(cut < 0 ? '' : raw.slice(0, cut));
  if (cut >= 0 && namespace === undefined) return null;
  return { raw, name: raw.slice(cut + 1), namespace: namespace ?? '', scope, text: '', children: [] };
}

function decodeText(text: string): string | null {
  if (/&(?!(?:amp|lt|gt|quot|apos|#\d{1,7}|#x[0-9a-fA-F]{1,6});)/.test(text)) return null;
  return text.replace(/&(#x?)?([A-Za-z0-9]+);/g, (_whole, numeric: string | undefined, name: string) => {
    if (!numeric) return entities[name] ?? '';
    const point = Number.parseInt(name, numeric === '#x' ? 16 : 10);
    return point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff) || point === 0
      ? '\ufffd'
      : String.fromCodePoint(point);
  });
}

/** Children of this name and namespace. */
export function childrenOf(element: XmlElement, name: string, namespace: string): readonly XmlElement[] {
  return element.children.filter((child) => child.name === name && child.namespace === namespace);
}
