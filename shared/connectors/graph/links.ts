import type { Json } from '../../model/json.ts';
import { refuse, type Versioned, versionPath } from './client.ts';

/** Lists that go on over several pages, by what they hold. */
export type ListKind = 'users' | 'messages' | 'events' | 'subscriptions';

/** Where Graph itself is: the worldwide service and the national clouds. @see https://learn.microsoft.com/en-us/graph/deployments */
export const graphHosts = ['graph.microsoft.com', 'graph.microsoft.us', 'dod-graph.microsoft.us'] as const;
const chinaHost = 'microsoftgraph.chinacloudapi.cn';

const pathForms: Readonly<Record<ListKind, RegExp>> = {
  users: /^\/v[0-9.]+\/users(\/delta)?$/i,
  messages: /^\/v[0-9.]+\/users(\/[^/]+|\('[^/']+'\))(\/mailFolders(\/[^/]+|\('[^/']+'\)))?\/messages(\/delta)?$/i,
  events: /^\/v[0-9.]+\/users(\/[^/]+|\('[^/']+'\))\/(calendarView|events)(\/delta)?$/i,
  subscriptions: /^\/v[0-9.]+\/subscriptions$/i,
};

/**
 * The place a page names for the next one, as path and query, kept to the letter; null for a link to anywhere but a list of this
 * kind at Graph itself. The local target's simulator names its loopback address. Requests go to the configured origin whatever
 * a link names.
 */
export function placeOf(link: Json | undefined, kind: ListKind): string | null {
  if (typeof link !== 'string' || link.length > 8192 || !URL.canParse(link)) return null;
  const url = new URL(link);
  const host = url.hostname;
  const isGraph = url.protocol === 'https:' && url.port === '' && [...graphHosts, chinaHost].includes(host);
  const isLocal = /^https?:$/.test(url.protocol) && ['127.0.0.1', 'localhost', '[::1]'].includes(host);
  if (!(isGraph || isLocal) || url.username !== '' || url.password !== '' || url.hash !== '') return null;
  const place = link.slice(link.indexOf('/', url.protocol.length + 2));
  return isPlace(place, kind) ? place : null;
}

/** The user whose mailbox a place is in, as the link names it; null where it is in none. */
export function mailboxOfPlace(place: string): string | null {
  const match = /^\/v[0-9.]+\/users(?:\/([^/?]+)|\('([^'/?]+)'\))\//i.exec(place);
  const userId = match?.[1] ?? match?.[2];
  return userId === undefined ? null : decoded(userId);
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}

/** Whether a text is path and query of a further page of such a list. */
function isPlace(place: string, kind: ListKind): boolean {
  const [at = '', query, ...rest] = place.split('?');
  if (query === undefined || query === '' || rest.length > 0 || !/^[!-~]+$/.test(place)) return false;
  if (decoded(at) === null || /%2f|%5c|%2e|\\|\/\.{1,2}(\/|$)/i.test(at)) return false;
  return pathForms[kind].test(at);
}

/** The path of a further page. Any other place than one {@link placeOf} gave is refused with `invalid_input`. */
export function placePath(context: Versioned, place: string, kind: ListKind): string {
  if (!isPlace(place, kind) || !place.startsWith(`${versionPath(context)}/`)) {
    refuse('a next page is not one of this list', 'Give the `after` of the page before, unchanged.');
  }
  return place;
}
