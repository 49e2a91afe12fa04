import type { SimAnswer } from '../loopback-server.ts';
import { bodyOf, type Call, logEffect, needScope, noRoute, typeOf } from './call.ts';
import { HubSpotError, invalid, json, notFound } from './errors.ts';
import { putDefinition } from './portal.ts';
import { crmTypes, define, type PropertyDefinition, pipelines } from './property-definitions.ts';

const types = ['string', 'number', 'date', 'datetime', 'enumeration', 'bool'] as const;

/** `/crm/properties/{ver}/{type}[/{name}]` and `/crm/v3/properties/…`: list, read, create, archive. */
export function propertyRoute(call: Call, rest: readonly string[]): SimAnswer {
  const type = typeOf(rest[0]);
  const { method } = call.request;
  const known = call.portal.definitions[type];
  needScope(call, type, method === 'GET' ? 'read' : 'write');
  if (rest.length === 1 && method === 'GET') return json(200, { results: [...known.values()] });
  if (rest.length === 1 && method === 'POST') {
    const definition = definitionOf(bodyOf(call));
    if (known.has(definition.name)) {
      throw new HubSpotError(409, 'CONFLICT', `A property named '${definition.name}' already exists.`);
    }
    putDefinition(call.portal, type, definition);
    logEffect(call, 'define', { object: `property:${type}`, id: definition.name });
    return json(201, definition);
  }
  const definition = known.get(rest[1] ?? '');
  if (rest.length !== 2) throw noRoute(call);
  if (definition === undefined) throw notFound(`Property ${rest[1]} does not exist`);
  if (method === 'GET') return json(200, definition);
  if (method !== 'DELETE') throw noRoute(call);
  if (definition.modificationMetadata.readOnlyDefinition) throw invalid(`${definition.name} cannot be archived.`);
  known.delete(definition.name);
  call.portal.file.remove(`definition:${type}`, definition.name);
  logEffect(call, 'define', { object: `property:${type}`, id: definition.name });
  return json(204, null);
}

/** `/crm/pipelines/{ver}/{type}[/{id}[/stages]]`. */
export function pipelineRoute(call: Call, rest: readonly string[]): SimAnswer {
  if (call.request.method !== 'GET') throw noRoute(call);
  const type = typeOf(rest[0]);
  needScope(call, type, 'read');
  const known = pipelines[type] ?? [];
  if (rest.length === 1) return json(200, { results: known });
  const pipeline = known.find((one) => one.id === rest[1]);
  if (pipeline === undefined) throw notFound();
  if (rest.length === 2) return json(200, pipeline);
  if (rest.length === 3 && rest[2] === 'stages') return json(200, { results: pipeline.stages });
  throw noRoute(call);
}

/** `/account-info/v3/details`: what the account says of itself. */
export function accountRoute(call: Call): SimAnswer {
  if (call.request.method !== 'GET') throw noRoute(call);
  const { portalId, accountType } = call.portal;
  const details = {
    timeZone: 'Europe/Amsterdam',
    companyCurrency: 'EUR',
    additionalCurrencies: [],
    utcOffset: '+01:00',
    utcOffsetMilliseconds: 3_600_000,
  };
  return json(200, { portalId, accountType, ...details, uiDomain: 'app.hubspot.com', dataHostingLocation: 'eu1' });
}

/** Every scope the simulator knows. */
export const allScopes: readonly string[] = crmTypes
  .filter((type) => type !== 'notes')
  .flatMap((type) => [`crm.objects.${type}.read`, `crm.objects.${type}.write`])
  .concat('oauth');

function definitionOf(body: Readonly<Record<string, unknown>>): PropertyDefinition {
  const [name, label, group] = [body.name, body.label, body.groupName];
  const type = types.find((known) => known === body.type);
  if (typeof name !== 'string' || !/^[a-z][a-z0-9_]{0,99}$/.test(name))
    throw invalid('name: lower-case letters, digits and underscores.');
  if (type === undefined) throw invalid(`type must be one of ${types.join(', ')}.`);
  if (typeof label !== 'string' || typeof group !== 'string') throw invalid('label and groupName are required.');
  const unique = body.hasUniqueValue === true;
  if (unique && type !== 'string' && type !== 'number')
    throw invalid('Only string and number properties can be unique.');
  const options = Array.isArray(body.options) ? body.options.map((one: { value?: unknown }) => String(one.value)) : [];
  return define(name, type, { options, unique, label, group });
}
