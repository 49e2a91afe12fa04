import { sha256Hex } from '../../model/ids.ts';
import { isObject, type Json } from '../../model/json.ts';
import type { HttpAnswer } from '../../model/operation.ts';
import { bodyOf } from '../json-body.ts';
import type { AccountFacts, ConnectorManifest, CredentialFacts, Headroom } from '../manifest.ts';
import { dataOf, environmentField, getSpec, isName } from './client.ts';
import { erpnextFailure } from './errors.ts';
import { fieldText } from './filters.ts';
import { operations } from './operations.ts';

/** Companies that are asked for at most: a list as long as this may not be all of them. */
const mostCompanies = 100;

/**
 * What the house needs to know of ERPNext. Every site has a host of its own, so that a system's configuration names its origin.
 * @see https://docs.frappe.io/framework/user/en/api/rest
 */
export const manifest: ConnectorManifest = {
  connector: 'erpnext',
  origin: null,
  originSuffixes: [],
  tokenPath: '/api/method/frappe.integrations.oauth2.get_token',
  scopes: [...new Set([...operations.values()].flatMap((operation) => operation.scopes))].sort(),
  headroom,
  classify: (answer) => (answer.status < 300 ? null : erpnextFailure(answer).error),
  account: {
    // The first says under which host the site is served, the second what the site itself says it is for.
    request: () => getSpec('/.well-known/openid-configuration'),
    also: () =>
      getSpec('/api/resource/Company', [
        ['fields', fieldText(['name', environmentField])],
        ['order_by', 'name asc'],
        ['limit_page_length', String(mostCompanies)],
      ]),
    judge: accountOf,
  },
  credential: {
    request: () => getSpec('/api/method/frappe.realtime.get_user_info'),
    judge: credentialOf,
  },
  // A key has no end; one that was replaced is read again from its secret.
  saysTokenExpired: () => false,
  undo: Object.fromEntries(
    [...operations.values()]
      .filter((operation) => operation.kind === 'write')
      .map(({ id, undo }) => [id, undo.kind === 'operation' ? undo.operation : null]),
  ),
};

/**
 * A site cannot tell by itself that it is production, so that it counts as production unless every company this user sees says
 * `sandbox of <host>` in a custom field, with the host the site is served under: a copy of a test site that went live, or of a
 * live site, says the host it was copied from. `company` is told where the user sees exactly one.
 */
function accountOf(answer: HttpAnswer, also?: HttpAnswer): AccountFacts | null {
  const site = siteIn(answer);
  const rows = also?.status === 200 ? dataOf(also) : undefined;
  const companies = Array.isArray(rows) ? (rows as readonly Json[]).filter(isObject) : [];
  const [first] = companies;
  if (site === null || first === undefined || !companies.every(({ name }) => isName(name))) return null;
  const labelled =
    companies.length < mostCompanies &&
    companies.every((company) => company[environmentField] === `sandbox of ${site}`);
  const company = companies.length === 1 ? { company: String(first.name) } : {};
  return { identity: { site, ...company }, is: labelled ? 'sandbox' : 'production' };
}

function siteIn(answer: HttpAnswer): string | null {
  const issuer = answer.status === 200 ? bodyOf(answer)?.issuer : undefined;
  if (typeof issuer !== 'string' || !URL.canParse(issuer)) return null;
  const { hostname } = new URL(issuer);
  return hostname === '' ? null : hostname;
}

/**
 * Frappe names its users by their address, so that the credential is told as a hash of it. A user that is not named as a
 * service counts as a person: `plumbline@...` or one that begins with `svc`, `service`, `integration`, `bot` or `api`.
 */
function credentialOf(answer: HttpAnswer): CredentialFacts | null {
  const said = answer.status === 200 ? dataOf(answer) : undefined;
  const user = isObject(said) ? said.user : undefined;
  if (typeof user !== 'string' || user === '' || user === 'Guest') return null;
  const isService = /^(plumbline|svc|service|integration|bot|api)(?![a-z])/i.test(user);
  return {
    actsAs: `user-${sha256Hex(user.toLowerCase()).slice(0, 16)}`,
    holder: isService ? 'service' : 'person',
    scopes: null,
    expiresAtMs: null,
  };
}

/** Time of work of the whole site in the window, microseconds; only of sites with a `rate_limit`. */
function headroom({ headers }: HttpAnswer): readonly Headroom[] {
  const [max, remaining] = [headers['x-ratelimit-limit'], headers['x-ratelimit-remaining']].map((text) =>
    text !== undefined && /^[0-9]{1,15}$/.test(text) ? Number(text) : null,
  );
  return typeof max === 'number' && typeof remaining === 'number'
    ? [{ limit: 'processing_microseconds', max, remaining }]
    : [];
}
