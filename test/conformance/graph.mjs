import { createServer } from 'node:http';
import {
  BatchRequestContent,
  BatchResponseContent,
  Client,
  PageIterator,
  RetryHandlerOptions,
} from '@microsoft/microsoft-graph-client';
import { startGraph } from '../../infra/local/systems/graph/start.ts';
import { systemClock } from '../../shared/model/clock.ts';
import { check } from './check.mjs';

// Over plain http the client sends no credential: the tenant is an open one.
const simulator = await startGraph({ port: 0, seed: 7, clock: systemClock, open: true });
const graph = Client.init({
  baseUrl: simulator.url,
  customHosts: new Set(['127.0.0.1']),
  authProvider: (done) => done(null, 'not-sent-over-http'),
});
const { users } = simulator.tenant;
const [anna] = users.keys();
const mails = `/users/${anna}/messages`;
const to = [{ emailAddress: { address: 'maria@example.com' } }];
const body = { contentType: 'text', content: 'Hi' };
const codeOf = (call) =>
  call.then(
    () => 'no error',
    (error) => error.code,
  );

async function round(link) {
  const rows = [];
  for (let next = link; ; ) {
    const page = await graph.api(next).get();
    rows.push(...page.value);
    next = page['@odata.nextLink'];
    if (!next) return { rows, link: page['@odata.deltaLink'] };
  }
}

/** Runs with an address that answers the question whether it is ours. */
async function withDoor(work) {
  const door = createServer((request, response) => {
    const token = new URL(request.url, 'http://127.0.0.1').searchParams.get('validationToken') ?? '';
    response.writeHead(200, { 'content-type': 'text/plain' }).end(token);
  });
  await new Promise((resolve) => door.listen(0, '127.0.0.1', resolve));
  try {
    return await work(`http://127.0.0.1:${door.address().port}/graph`);
  } finally {
    door.closeAllConnections();
    door.close();
  }
}

await check(
  'graph',
  {
    'one user, and one that is not there': async () => [
      [(await graph.api(`/users/${anna}`).get()).mail, await codeOf(graph.api('/users/nobody@acme.example').get())],
      ['anna.example@acme.example', 'Request_ResourceNotFound'],
    ],
    'pages see every user once': async () => {
      const ids = [];
      const first = await graph.api('/users').top(7).select(['id', 'displayName']).get();
      await new PageIterator(graph, first, ({ id }) => ids.push(id) > 0).iterate();
      return [
        [ids.length, new Set(ids).size],
        [users.size, users.size],
      ];
    },
    'messages filtered and sorted': async () => {
      const since = 'receivedDateTime ge 2000-01-01T00:00:00Z';
      const { value } = await graph.api(mails).filter(since).orderby('receivedDateTime desc').top(5).get();
      const times = value.map(({ receivedDateTime }) => receivedDateTime);
      return [times, [...times].sort().reverse()];
    },
    'messages searched by their subject': async () => {
      const { value } = await graph.api(mails).search('"subject:Offer"').get();
      return value.length > 0 && value.every(({ subject }) => /offer/i.test(subject));
    },
    'a draft is changed on its version and sent once': async () => {
      const draft = await graph.api(mails).post({ subject: 'Hello', body, toRecipients: to });
      const at = `${mails}/${draft.id}`;
      await graph.api(at).header('If-Match', draft['@odata.etag']).patch({ subject: 'Hello again' });
      const late = await codeOf(graph.api(at).header('If-Match', draft['@odata.etag']).patch({ subject: 'No' }));
      await graph.api(`${at}/send`).post(null);
      const again = await codeOf(graph.api(`${at}/send`).post(null));
      const sent = simulator.effects.effects().filter(({ object }) => object === 'sent_mail');
      return [
        [late, again, sent.map(({ properties }) => properties.subject)],
        ['ErrorIrresolvableConflict', 'ErrorItemNotFound', ['Hello again']],
      ];
    },
    'a transaction is taken once': async () => {
      const at = (hour) => ({ dateTime: `2030-01-01T${hour}:00:00`, timeZone: 'UTC' });
      const event = { subject: 'Visit', transactionId: 'tx-1', start: at(10), end: at(11) };
      await graph.api(`/users/${anna}/events`).post(event);
      return [await codeOf(graph.api(`/users/${anna}/events`).post(event)), 'ErrorDuplicateTransactionId'];
    },
    'a round of changes, and the next one shows only what changed': async () => {
      const first = await round('/users/delta?$select=jobTitle,displayName');
      const change = JSON.stringify({ id: anna, values: { jobTitle: 'Head' } });
      await fetch(`${simulator.url}/_admin/touch-user`, { method: 'POST', body: change });
      const second = await round(first.link);
      return [
        [first.rows.length, second.rows],
        [users.size, [{ id: anna, jobTitle: 'Head' }]],
      ];
    },
    'requests of a batch are answered apart': async () => {
      const batch = new BatchRequestContent([
        { id: '1', request: new Request(`https://graph.microsoft.com/v1.0/users/${anna}`) },
        { id: '2', request: new Request('https://graph.microsoft.com/v1.0/users/nobody@acme.example') },
      ]);
      const answer = new BatchResponseContent(await graph.api('/$batch').post(await batch.getContent()));
      const statuses = ['1', '2'].map((id) => answer.getResponseById(id).status);
      return [statuses, [200, 404]];
    },
    'a 429 is waited for and tried again': async () => {
      simulator.addFault({ kind: 'rate_limited', policyName: 'SECONDLY', match: { method: 'GET' } });
      const read = graph.api(`/users/${anna}`).middlewareOptions([new RetryHandlerOptions(1, 2)]);
      return [(await read.get()).id, anna];
    },
    'an address is asked, subscribed, renewed and let go': () =>
      withDoor(async (notificationUrl) => {
        const ends = (hours) => new Date(Date.now() + hours * 3_600_000).toISOString();
        const made = await graph.api('/subscriptions').post({
          ...{ changeType: 'created', notificationUrl, resource: `users/${anna}/messages` },
          ...{ expirationDateTime: ends(1), clientState: 'a-client-state-of-a-test' },
        });
        const renewed = await graph.api(`/subscriptions/${made.id}`).patch({ expirationDateTime: ends(2) });
        await graph.api(`/subscriptions/${made.id}`).delete();
        const left = (await graph.api('/subscriptions').get()).value.length;
        return [Date.parse(renewed.expirationDateTime) > Date.parse(made.expirationDateTime), left === 0].every(
          Boolean,
        );
      }),
  },
  () => simulator.close(),
);
