import { hashOf } from '../effect-log.ts';
import type { SimRequest } from '../loopback-server.ts';
import { HubSpotError, invalid, notFound } from './errors.ts';
import type { CrmObject, Portal, Values } from './portal.ts';
import {
  type CrmType,
  createdProperty,
  crmTypeOf,
  defaultProperties,
  modifiedProperty,
} from './property-definitions.ts';

/** One authenticated request on its way through the simulated portal. */
export type Call = {
  readonly portal: Portal;
  readonly request: SimRequest;
  /** `v3`, `v4` or a date version. */
  readonly version: string;
  readonly scopes: ReadonlySet<string>;
};

/** The JSON body as an object. @throws HubSpotError 400 */
export function bodyOf(call: Call): Record<string, unknown> {
  const parsed = parseBody(call);
  if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) return parsed as Record<string, unknown>;
  throw invalid('Invalid input JSON: an object is expected.');
}

/** The JSON body. @throws HubSpotError 400, 415 */
export function parseBody(call: Call): unknown {
  if (!/^application\/json\b/i.test(call.request.headers['content-type'] ?? '')) {
    throw new HubSpotError(415, 'UNSUPPORTED_MEDIA_TYPE', 'HTTP 415 Unsupported Media Type');
  }
  try {
    return JSON.parse(call.request.bodyText);
  } catch {
    throw invalid('Invalid input JSON on line 1, column 1: the body is not JSON.');
  }
}

/** The object type of a path segment. @throws HubSpotError 400 */
export function typeOf(segment: string | undefined): CrmType {
  const type = crmTypeOf(segment ?? '');
  if (type === null) throw invalid(`Unable to infer object type from: ${segment ?? ''}`);
  return type;
}

/** Refuses where the token lacks the scope. @throws HubSpotError 403 MISSING_SCOPES */
export function needScope(call: Call, type: CrmType, right: 'read' | 'write'): void {
  // Notes are guarded by the scopes of contacts; tickets may also carry their older, single scope.
  const scope = `crm.objects.${type === 'notes' ? 'contacts' : type}.${right}`;
  if (call.scopes.has(scope) || (type === 'tickets' && call.scopes.has('tickets'))) return;
  const message =
    "This app hasn't been granted all required scopes to make this call. Read more about required scopes here: https://developers.hubspot.com/scopes.";
  throw new HubSpotError(403, 'MISSING_SCOPES', message, {
    errors: [
      { message: 'One or more of the following scopes are required.', context: { requiredGranularScopes: [scope] } },
    ],
    links: { scopes: 'https://developers.hubspot.com/scopes' },
  });
}

/** A whole number of the query or body within bounds. @throws HubSpotError 400 */
export function boundedNumber(
  name: string,
  raw: unknown,
  fallback: number,
  bounds: { min: number; max: number },
): number {
  if (raw === null || raw === undefined || raw === '') return fallback;
  const value = Number(raw);
  if (Number.isInteger(value) && value >= bounds.min && value <= bounds.max) return value;
  throw invalid(`${name} must be a whole number between ${bounds.min} and ${bounds.max}.`);
}

/** Names of a comma-separated query parameter that may also be repeated. */
export function namesOf(call: Call, parameter: string): string[] {
  return call.request.query
    .getAll(parameter)
    .flatMap((part) => part.split(','))
    .map((part) => part.trim())
    .filter(Boolean);
}

/**
 * A record as the API shows it. Properties that exist but have no value are null; unknown ones are left out.
 * @param names requested properties, none for the defaults
 */
export function present(call: Call, object: CrmObject, names: readonly string[], historyOf: readonly string[] = []) {
  const { type } = object;
  const asked = names.length > 0 ? names : defaultProperties[type];
  const shown: Values = {};
  for (const name of new Set([...asked, createdProperty(type), modifiedProperty(type), 'hs_object_id'])) {
    if (call.portal.definitions[type].has(name)) shown[name] = object.properties[name] ?? null;
  }
  const archived = object.archivedAtMs !== null;
  const history = Object.fromEntries(historyOf.map((name) => [name, object.history[name] ?? []]));
  return {
    id: object.id,
    properties: shown,
    createdAt: new Date(object.createdAtMs).toISOString(),
    updatedAt: new Date(object.updatedAtMs).toISOString(),
    archived,
    ...(object.archivedAtMs === null ? {} : { archivedAt: new Date(object.archivedAtMs).toISOString() }),
    ...(historyOf.length > 0 ? { propertiesWithHistory: history } : {}),
  };
}

/** Writes one applied change to the effect log. */
export function logEffect(
  call: Call,
  change: 'create' | 'update' | 'archive' | 'associate' | 'dissociate' | 'define',
  what: { object: string; id: string; properties?: Readonly<Record<string, unknown>>; key?: string | null },
): void {
  const properties = what.properties ?? {};
  const reference = what.key ?? properties.plumbline_ref;
  call.portal.effects.applied({
    atMs: call.portal.clock.now(),
    method: call.request.method,
    path: call.request.path,
    change,
    object: what.object,
    id: what.id,
    key: typeof reference === 'string' ? reference : null,
    properties,
    requestHash: hashOf(call.request),
  });
}

/** A route that does not exist, or not with this method. */
export function noRoute(call: Call): HubSpotError {
  return notFound(`No route for ${call.request.method} ${call.request.path}`);
}
