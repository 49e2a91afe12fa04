import { createHash } from 'node:crypto';
import { equalBytes } from './encoding.ts';
import { type CheckedRequest, matchIndex } from './verify-table.ts';
import { type Proof, Refusal } from './verify-types.ts';
import { childrenOf, parseXml, type XmlElement } from './xml.ts';

const soap = 'http://schemas.xmlsoap.org/soap/envelope/';
/** Namespace of Salesforce outbound messages. */
export const outboundNamespace = 'http://soap.sforce.com/2005/09/outbound';

/**
 * Salesforce Outbound Messages are unsigned: an unguessable token in the path (last segment, or `token` in the query) is the
 * secret, and `params.organizationId` (one or several, comma-separated, 15 or 18 characters) says whose messages these are.
 * @see https://developer.salesforce.com/docs/atlas.en-us.api.meta/api/sforce_api_om_outboundmessaging_wsdl.htm
 */
export function verifySalesforce(request: CheckedRequest): Proof {
  const allowed = (request.params?.organizationId ?? '').split(',').filter((id) => id !== '');
  if (allowed.length === 0 || !allowed.every(isOrganizationId)) throw new Refusal('config');
  const hash = (text: string) => createHash('sha256').update(text).digest();
  const given = hash(tokenOf(request.url));
  const secretIndex = matchIndex(request.secrets, (secret) => [[hash(secret), given]]);
  const notifications = outboundMessage(request.body);
  if (!notifications) throw new Refusal('malformed_body');
  const [organization, ...others] = childrenOf(notifications, 'OrganizationId', outboundNamespace);
  if (!organization || others.length > 0 || !isOrganizationId(organization.text)) throw new Refusal('malformed_body');
  const same = allowed.map((id) => sameOrganization(id, organization.text));
  if (!same.includes(true)) throw new Refusal('mismatch');
  return { secretIndex };
}

/** The `notifications` element of a SOAP envelope, or null where the body is none. */
export function outboundMessage(body: Uint8Array): XmlElement | null {
  const envelope = parseXml(body);
  if (envelope?.name !== 'Envelope' || envelope.namespace !== soap) return null;
  const [content, ...bodies] = childrenOf(envelope, 'Body', soap);
  if (!content || bodies.length > 0) return null;
  const [notifications, ...others] = childrenOf(content, 'notifications', outboundNamespace);
  return notifications && others.length === 0 ? notifications : null;
}

function tokenOf(url: string): string {
  const match = /^[^?#]*?:\/\/[^/?#]*([^?#]*)(?:\?([^#]*))?/.exec(url);
  const named = (match?.[2] ?? '').split('&').filter((pair) => pair.startsWith('token='));
  if (named.length > 1) throw new Refusal('duplicate_header');
  const token = named[0]?.slice('token='.length) ?? match?.[1]?.split('/').at(-1) ?? '';
  if (!/^[A-Za-z0-9_.~-]{16,256}$/.test(token)) throw new Refusal('missing_header');
  return token;
}

function isOrganizationId(id: string): boolean {
  return /^00D[A-Za-z0-9]{12}(?:[A-Za-z0-9]{3})?$/.test(id);
}

function sameOrganization(a: string, b: string): boolean {
  // the 18-character form is the 15-character one and a checksum of its letter case
  if (a.length === b.length) return equalBytes(Buffer.from(a), Buffer.from(b));
  return equalBytes(Buffer.from(a.slice(0, 15)), Buffer.from(b.slice(0, 15)));
}
