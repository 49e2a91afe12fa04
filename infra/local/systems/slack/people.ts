import { bounded, type Call, needScope, needText, page, text } from './call.ts';
import { invalidArguments, SlackError } from './errors.ts';
import type { Message, User } from './workspace.ts';

/** `auth.test`. @see https://docs.slack.dev/reference/methods/auth.test */
export function authTest({ workspace, token }: Call): Record<string, unknown> {
  const { teamId, enterpriseId, domain } = workspace;
  const host = enterpriseId === null ? domain : `${domain}.enterprise`;
  return {
    url: `https://${host}.slack.com/`,
    team: 'Plumbline Sandbox',
    user: workspace.users.get(token.user)?.name ?? 'unknown',
    team_id: teamId,
    user_id: token.user,
    ...(token.kind === 'bot' ? { bot_id: workspace.botId } : {}),
    ...(enterpriseId === null ? {} : { enterprise_id: enterpriseId }),
    is_enterprise_install: false,
    ...(token.expiresInS === undefined ? {} : { expires_in: token.expiresInS }),
  };
}

/** `team.info`. */
export function teamInfo({ workspace }: Call): Record<string, unknown> {
  const { teamId, domain } = workspace;
  return { team: { id: teamId, name: 'Plumbline Sandbox', domain, email_domain: '', icon: { image_default: true } } };
}

/** `users.list`. */
export function userList(call: Call): Record<string, unknown> {
  const limit = bounded(call, 'limit', 1000, { min: 1, max: 1000 });
  const part = page(call, [...call.workspace.users.values()], limit);
  const cacheTs = Math.floor(call.workspace.clock.now() / 1000);
  const members = part.rows.map((user) => shownUser(call, user));
  return { members, cache_ts: cacheTs, response_metadata: { next_cursor: part.next } };
}

/** `users.info`. */
export function userInfo(call: Call): Record<string, unknown> {
  const user = call.workspace.users.get(needText(call, 'user'));
  if (!user) throw new SlackError('user_not_found');
  return { user: shownUser(call, user) };
}

/** `users.lookupByEmail`: deactivated people are not found. */
export function userByEmail(call: Call): Record<string, unknown> {
  const email = needText(call, 'email').toLowerCase();
  const user = [...call.workspace.users.values()].find((one) => !one.deleted && one.profile.email === email);
  if (!user) throw new SlackError('users_not_found');
  return { user: shownUser(call, user) };
}

function shownUser({ token, workspace }: Call, user: User): object {
  const { id, name, deleted, is_bot, tz, profile } = user;
  const { email, phone, ...plain } = profile;
  const seen = token.scopes.has('users:read.email') && email !== null ? { email } : {};
  return {
    ...{ id, name, deleted, is_bot, tz, team_id: workspace.teamId, real_name: profile.real_name },
    profile: { ...plain, phone: phone ?? '', ...seen, team: workspace.teamId },
  };
}

/** `search.messages`: words, `"phrases"`, `in:` and `from:`. Only the token of a person may search. */
export function search(call: Call): Record<string, unknown> {
  const { workspace, token } = call;
  if (token.kind === 'bot') throw new SlackError('not_allowed_token_type');
  needScope(call, ['search:read']);
  const query = text(call, 'query');
  if (query === undefined) throw new SlackError('no_query');
  const count = bounded(call, 'count', 20, { min: 1, max: 100 });
  const pageNo = bounded(call, 'page', 1, { min: 1, max: 100 });
  const fits = matcher(call, query);
  const matches = [...workspace.channels.values()]
    .filter(({ members, is_private }) => !is_private || members.includes(token.user))
    .flatMap((channel) => (workspace.messages.get(channel.id) ?? []).map((message) => ({ channel, message })))
    .filter(({ channel, message }) => fits(channel.name, message))
    .sort((a, b) => (a.message.ts < b.message.ts ? 1 : -1));
  const pages = Math.max(1, Math.ceil(matches.length / count));
  if (pageNo > pages) throw invalidArguments('page is past the end');
  const part = matches.slice((pageNo - 1) * count, pageNo * count);
  const shown = part.map(({ channel: { id, name, is_private }, message }) => {
    const username = workspace.users.get(message.user)?.name ?? '';
    const { metadata: _metadata, ...plain } = message;
    return {
      ...plain,
      iid: `${id}-${message.ts}`,
      team: workspace.teamId,
      username,
      channel: { id, name, is_private },
    };
  });
  const paging = { count, total: matches.length, page: pageNo, pages };
  return { query, messages: { total: matches.length, paging, matches: shown } };
}

function matcher(call: Call, query: string): (channel: string, message: Message) => boolean {
  const terms = [...query.matchAll(/"([^"]*)"|(\S+)/g)].map(([, phrase, word]) => phrase ?? word ?? '');
  const isPhrase = /^"[^"]*"$/.test(query.trim());
  const indexedUntilMs = call.workspace.clock.now() - call.searchLagMs;
  return (channel, message) =>
    Number(message.ts) * 1000 <= indexedUntilMs &&
    terms.every((term) => {
      const modifier = isPhrase ? null : /^(in|from):[#@]?(.+)$/.exec(term);
      if (modifier?.[1] === 'in') return modifier[2] === channel;
      if (modifier?.[1] === 'from') return modifier[2] === message.user;
      return message.text.toLowerCase().includes(term.toLowerCase());
    });
}
