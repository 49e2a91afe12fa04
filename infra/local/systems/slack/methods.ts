import type { Call } from './call.ts';
import { deleteMessage, permalink, postMessage, updateMessage } from './chat.ts';
import { history, info, list, members, replies } from './conversations.ts';
import { authTest, search, teamInfo, userByEmail, userInfo, userList } from './people.ts';

/** One method of the Web API: what a token needs for it, how often it may be called, and what it does. */
export type Method = {
  /** Any of these is enough here; empty: none, or the method looks itself. */
  readonly scopes: readonly string[];
  /** Calls a minute; `post`: one a second and channel, with short bursts. */
  readonly tier: 1 | 2 | 3 | 4 | 'post' | 'special';
  readonly run: (call: Call) => Record<string, unknown>;
};

/** Every method there is. @see https://docs.slack.dev/apis/web-api/rate-limits */
export const methods: Readonly<Record<string, Method>> = {
  'auth.test': { scopes: [], tier: 'special', run: authTest },
  'team.info': { scopes: ['team:read'], tier: 3, run: teamInfo },
  'chat.postMessage': { scopes: ['chat:write'], tier: 'post', run: postMessage },
  'chat.update': { scopes: ['chat:write'], tier: 3, run: updateMessage },
  'chat.delete': { scopes: ['chat:write'], tier: 3, run: deleteMessage },
  'chat.getPermalink': { scopes: [], tier: 'special', run: permalink },
  'conversations.history': { scopes: [], tier: 3, run: history },
  'conversations.replies': { scopes: [], tier: 3, run: replies },
  'conversations.list': { scopes: [], tier: 2, run: list },
  'conversations.info': { scopes: [], tier: 3, run: info },
  'conversations.members': { scopes: [], tier: 4, run: members },
  'users.list': { scopes: ['users:read'], tier: 2, run: userList },
  'users.info': { scopes: ['users:read'], tier: 4, run: userInfo },
  'users.lookupByEmail': { scopes: ['users:read.email'], tier: 3, run: userByEmail },
  // Looks for the kind of token before the scope.
  'search.messages': { scopes: [], tier: 2, run: search },
};
