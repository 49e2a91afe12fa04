import { createHmac } from 'node:crypto';
import { createServer } from 'node:http';
import { WebClient } from '@slack/web-api';
import { startSlack } from '../../infra/local/systems/slack/start.ts';
import { slack as calls } from '../../shared/connectors/slack/calls.ts';
import { operationById } from '../../shared/connectors/slack/operations.ts';
import { encodeBody } from '../../shared/http/digest.ts';
import { systemClock } from '../../shared/model/clock.ts';
import { check } from './check.mjs';

const token = 'xoxb-local-conformance';
const person = 'xoxp-local-conformance';
const scopes =
  'channels:history channels:read groups:history groups:read users:read users:read.email search:read team:read'.split(
    ' ',
  );
const events = [];
const secret = 'conformance signing secret';
const receiver = createServer((request, response) => {
  let body = '';
  request.on('data', (part) => {
    body += part;
  });
  request.on('end', () => {
    const at = request.headers['x-slack-request-timestamp'];
    const mac = createHmac('sha256', secret).update(`v0:${at}:${body}`).digest('hex');
    events.push({ signed: request.headers['x-slack-signature'] === `v0=${mac}`, body: JSON.parse(body) });
    response.end();
  });
});
await new Promise((resolve) => receiver.listen(0, '127.0.0.1', resolve));
const simulator = await startSlack({
  ...{ port: 0, seed: 7, clock: systemClock, searchLagMs: 0 },
  tokens: { [token]: { kind: 'bot' }, [person]: { kind: 'user', scopes } },
  events: { url: `http://127.0.0.1:${receiver.address().port}/`, secret },
});
const options = {
  slackApiUrl: `${simulator.url}/api/`,
  retryConfig: { retries: 0 },
  rejectRateLimitedCalls: true,
  logLevel: 'error',
};
const slack = new WebClient(token, options);
const asPerson = new WebClient(person, options);
const errorOf = (call) =>
  call.then(
    () => 'no error',
    (error) => `${error.code} ${error.data?.error ?? error.retryAfter ?? ''}`.trim(),
  );

/** What the vendor's client would send for a call, without sending it. */
async function clientWire(method, args) {
  let wire = null;
  const fetch = async (url, { method: verb, headers, body }) => {
    wire = [verb, new URL(url).pathname, new Headers(headers).get('content-type'), pairs(body)];
    return new Response('{"ok":true}', { headers: { 'content-type': 'application/json' } });
  };
  await new WebClient(token, { ...options, fetch }).apiCall(method, args);
  return wire;
}
/** What our connector sends for a planned call. */
function ownWire({ operation, input }) {
  const spec = operationById(operation).request({ apiVersion: 'v2', providerKey: 'act_k_1' }, input);
  const { bytes, contentType } = encodeBody(spec);
  return [spec.method, spec.path, contentType, pairs(bytes.toString())];
}
const pairs = (form) => [...new URLSearchParams(String(form))].map((pair) => pair.join('=')).sort();

await check(
  'slack',
  {
    'auth.test tells the bot and its scopes': async () => {
      const me = await slack.auth.test();
      return [
        [me.team_id, typeof me.bot_id, me.response_metadata.scopes.includes('chat:write')],
        ['T0PLUMBLINE', 'string', true],
      ];
    },
    'auth.test of a person names no bot': async () => [(await asPerson.auth.test()).bot_id, undefined],
    'pagination sees every channel once': async () => {
      const ids = [];
      const types = 'public_channel,private_channel';
      for await (const page of slack.paginate('conversations.list', { limit: 5, types })) {
        ids.push(...page.channels.map(({ id }) => id));
      }
      return [
        [ids.length > 15, new Set(ids).size],
        [true, ids.length],
      ];
    },
    'pagination sees every message once, newest first': async () => {
      const times = [];
      for await (const page of slack.paginate('conversations.history', { channel: 'C0SALES', limit: 7 })) {
        times.push(...page.messages.map(({ ts }) => ts));
      }
      return [
        [times.length > 15, times],
        [true, [...new Set(times)].sort().reverse()],
      ];
    },
    'post with metadata, read it back, update, delete': async () => {
      const metadata = { event_type: 'conformance', event_payload: { n: 1 } };
      const made = await slack.chat.postMessage({ channel: 'C0SALES', text: 'one & <two>', metadata });
      const range = { oldest: made.ts, latest: made.ts, inclusive: true, include_all_metadata: true };
      const read = await slack.conversations.history({ channel: 'C0SALES', ...range });
      const updated = await slack.chat.update({ channel: 'C0SALES', ts: made.ts, text: 'three' });
      await slack.chat.delete({ channel: 'C0SALES', ts: made.ts });
      const gone = await slack.conversations.history({ channel: 'C0SALES', ...range });
      return [
        [read.messages[0].metadata, updated.message.text, gone.messages.length],
        [metadata, 'three', 0],
      ];
    },
    'blocks go in as JSON inside the form': async () => {
      const blocks = [{ type: 'section', text: { type: 'mrkdwn', text: '*hi*' } }];
      const made = await slack.chat.postMessage({ channel: 'C0SALES', text: 'hi', blocks });
      return [made.message.blocks, blocks];
    },
    'a thread with its first message first': async () => {
      const first = await slack.chat.postMessage({ channel: 'C0SUPPORT', text: 'first' });
      for (const text of ['a', 'b']) {
        await slack.chat.postMessage({ channel: 'C0SUPPORT', text, thread_ts: first.ts });
      }
      const { messages } = await slack.conversations.replies({ channel: 'C0SUPPORT', ts: first.ts });
      return [messages.map(({ text, reply_count }) => `${text}${reply_count ?? ''}`), ['first2', 'a', 'b']];
    },
    'people by id and by address': async () => {
      const { user } = await slack.users.lookupByEmail({ email: 'anna@acme.example' });
      return [(await slack.users.info({ user: user.id })).user.profile.email, 'anna@acme.example'];
    },
    'search is for people only': async () => {
      const found = await asPerson.search.messages({ query: 'invoice', count: 5 });
      return [
        [found.messages.matches.length, await errorOf(slack.search.messages({ query: 'invoice' }))],
        [5, 'slack_webapi_platform_error not_allowed_token_type'],
      ];
    },
    'what is not there': async () => [
      await errorOf(slack.conversations.info({ channel: 'C0NOBODY' })),
      'slack_webapi_platform_error channel_not_found',
    ],
    'a channel the bot is not in': async () => [
      await errorOf(slack.chat.postMessage({ channel: 'C0RANDOM', text: 'x' })),
      'slack_webapi_platform_error not_in_channel',
    ],
    'a missing scope names itself': async () => {
      const error = await slack.team.info().catch((one) => one.data);
      return [
        [error.error, error.needed],
        ['missing_scope', 'team:read'],
      ];
    },
    'a wrong token': async () => [
      await errorOf(new WebClient('xoxb-wrong', options).auth.test()),
      'slack_webapi_platform_error invalid_auth',
    ],
    'the limit of a channel, with the seconds to wait': async () => {
      const posts = Array.from({ length: 12 }, (_one, n) =>
        errorOf(slack.chat.postMessage({ channel: 'C0BILLING', text: `n ${n}` })),
      );
      return [(await Promise.all(posts)).includes('slack_webapi_rate_limited_error 1'), true];
    },
    'our connector sends what the client sends': async () => {
      const text = 'Fixed & done: 100 % <ok> ä 🚀 a+b';
      const sent = 'Fixed &amp; done: 100 % &lt;ok&gt; ä 🚀 a+b';
      const asText = { parse: 'none', link_names: false };
      const metadata = { event_type: 'plumbline_action', event_payload: { plumbline_ref: 'act_k_1' } };
      const place = { channel: 'C0SALES', ts: '1715000000.000100' };
      const only = { oldest: place.ts, latest: place.ts, inclusive: true, include_all_metadata: true, limit: 1 };
      const quiet = { unfurl_links: false, unfurl_media: false };
      const same = [
        [
          calls.messages.post({ channel: 'C0SALES', text }, 0),
          'chat.postMessage',
          { channel: 'C0SALES', text: sent, metadata, ...asText, ...quiet },
        ],
        [calls.messages.update(place, text), 'chat.update', { ...place, text: sent, ...asText }],
        [calls.messages.delete(place), 'chat.delete', place],
        [calls.messages.get(place), 'conversations.history', { channel: 'C0SALES', ...only }],
        [calls.users.find('anna@acme.example'), 'users.lookupByEmail', { email: 'anna@acme.example' }],
        [calls.channels.get('C0SALES'), 'conversations.info', { channel: 'C0SALES' }],
      ];
      const wires = await Promise.all(
        same.map(async ([call, method, args]) => [ownWire(call), await clientWire(method, args)]),
      );
      return [wires.map(([own]) => own), wires.map(([, theirs]) => theirs)];
    },
    'events arrive signed, one for each message': async () => {
      for (let n = 0; n < 100 && events.length < 5; n += 1) await new Promise((resolve) => setTimeout(resolve, 20));
      const ids = events.map(({ body }) => body.event_id);
      return [
        [events.length > 4, events.every(({ signed }) => signed), new Set(ids).size],
        [true, true, ids.length],
      ];
    },
  },
  async () => {
    await simulator.close();
    receiver.close();
  },
);
