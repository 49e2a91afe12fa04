import type { SimAnswer } from '../loopback-server.ts';
import { type Call, checkBody, linkTo, logEffect, need, objectBody } from './call.ts';
import { GraphError, json, resourceNotFound } from './errors.ts';
import { schemas } from './schema.ts';
import { guidOf, nextVersion, type Subscription, type Tenant, userOf, type Values } from './tenant.ts';

const minuteMs = 60_000;
const resourceForm =
  /^\/?users(?:\/([^/()']+)\/(?:(messages|events)|mailFolders(?:\/|\(')([^/()']+)(?:'\))?\/messages))?$/i;

/** What a subscription is about, or null. */
export function aboutOf(resource: string): { userId: string | null; area: string; folder: string | null } | null {
  const match = resourceForm.exec(resource);
  if (!match) return null;
  return {
    userId: match[1] ?? null,
    area: match[1] === undefined ? 'users' : (match[2] ?? 'messages').toLowerCase(),
    folder: match[3]?.toLowerCase() ?? null,
  };
}

/** `/subscriptions…`. The addresses of a new one were asked before. */
export function subscriptionsRoute(call: Call): SimAnswer {
  const [, id] = call.rest;
  const { method, query, path } = call.request;
  expire(call.tenant);
  if (id !== undefined) return oneSubscription(call, id);
  if (method === 'POST') return subscribe(call);
  if (method !== 'GET') throw new GraphError(405, 'Request_BadRequest', 'Specified HTTP method is not allowed.');
  const all = [...call.tenant.subscriptions.values()];
  const from = Number(query.get('$skip') ?? 0);
  const onward = new URLSearchParams({ $skip: String(from + 100) }).toString();
  const link = all.length > from + 100 ? { '@odata.nextLink': linkTo(call, path, onward) } : {};
  return json(200, { ...link, value: all.slice(from, from + 100).map(shownOf) });
}

/** Ends what is over. */
export function expire({ subscriptions, clock, file }: Tenant): void {
  for (const one of subscriptions.values()) {
    if (one.expiresAtMs > clock.now()) continue;
    subscriptions.delete(one.id);
    file.remove('subscription', one.id);
  }
}

/** The client state is shown to nobody. */
function shownOf(one: Subscription): Values {
  const { id, resource, changeType, notificationUrl, lifecycleNotificationUrl } = one;
  const expirationDateTime = new Date(one.expiresAtMs).toISOString();
  return {
    ...{ id, resource, changeType, notificationUrl, lifecycleNotificationUrl, expirationDateTime },
    ...{ clientState: null, applicationId: guidOf('application'), creatorId: guidOf('creator') },
  };
}

function oneSubscription(call: Call, id: string): SimAnswer {
  const { tenant, request } = call;
  const one = tenant.subscriptions.get(id);
  if (!one) throw resourceNotFound(id);
  if (call.rest[2] === 'reauthorize' && request.method === 'POST') return json(204, null);
  if (request.method === 'GET') return json(200, shownOf(one));
  if (request.method === 'DELETE') {
    tenant.subscriptions.delete(id);
    tenant.file.remove('subscription', id);
    logEffect(call, 'archive', 'subscription', { id, key: null, properties: {} });
    return json(204, null);
  }
  if (request.method !== 'PATCH')
    throw new GraphError(405, 'Request_BadRequest', 'Specified HTTP method is not allowed.');
  const body = objectBody(call);
  checkBody(call, schemas.subscription, body);
  const expiresAtMs = endOf(tenant, one.resource, body.expirationDateTime);
  save(tenant, { ...one, expiresAtMs });
  logEffect(call, 'update', 'subscription', { id, key: null, properties: body });
  return json(200, shownOf({ ...one, expiresAtMs }));
}

/** @throws GraphError 400 for no time, a time that is over, and one that is too far ahead */
function endOf(tenant: Tenant, resource: string, value: unknown): number {
  const atMs = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  const about = aboutOf(resource);
  const longest = (about?.area === 'users' ? 41_760 : 4230) * minuteMs;
  const leftMs = atMs - tenant.clock.now();
  if (leftMs > 0 && leftMs <= longest) return atMs;
  const message = `Subscription expiration can only be ${longest / minuteMs} minutes in the future.`;
  throw new GraphError(400, 'ExtensionError', message, { inner: 'ValidationError' });
}

function subscribe(call: Call): SimAnswer {
  const { tenant } = call;
  const body = objectBody(call);
  checkBody(call, schemas.subscription, body);
  const { resource, changeType, notificationUrl, lifecycleNotificationUrl = null, clientState = null } = body;
  const about = typeof resource === 'string' ? aboutOf(resource) : null;
  const bad = (message: string) => new GraphError(400, 'ExtensionError', message, { inner: 'ValidationError' });
  if (!about || typeof changeType !== 'string' || typeof notificationUrl !== 'string')
    throw bad('A required property is missing.');
  if (about.userId !== null && !userOf(tenant, about.userId)) throw resourceNotFound(about.userId);
  if (!/^(created|updated|deleted)(,(created|updated|deleted))*$/.test(changeType))
    throw bad('The changeType is not valid.');
  if (typeof clientState === 'string' && clientState.length > 128)
    throw bad('The clientState is longer than 128 characters.');
  need(call, about.area === 'users' ? 'directory' : 'mailbox', ...rolesOf(about.area));
  const one: Subscription = {
    ...{ id: guidOf('subscription', nextVersion(tenant)), resource: resource as string, changeType, notificationUrl },
    lifecycleNotificationUrl: typeof lifecycleNotificationUrl === 'string' ? lifecycleNotificationUrl : null,
    clientState: typeof clientState === 'string' ? clientState : null,
    expiresAtMs: endOf(tenant, resource as string, body.expirationDateTime),
    immutableIds: /immutableid/i.test(call.request.headers.prefer ?? ''),
  };
  save(tenant, one);
  logEffect(call, 'create', 'subscription', { id: one.id, key: null, properties: { resource, changeType } });
  return json(201, shownOf(one));
}

function rolesOf(area: string): readonly string[] {
  if (area === 'users') return ['User.Read.All'];
  return area === 'events' ? ['Calendars.Read', 'Calendars.ReadWrite'] : ['Mail.Read', 'Mail.ReadWrite'];
}

/** Keeps a subscription. */
export function save(tenant: Tenant, one: Subscription): void {
  tenant.subscriptions.set(one.id, one);
  tenant.file.save('subscription', one.id, one);
}
