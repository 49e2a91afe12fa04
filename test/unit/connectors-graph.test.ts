import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseFilter, parseSearch } from '../../infra/local/systems/graph/odata.ts';
import { graph } from '../../shared/connectors/graph/calls.ts';
import { isId, refProperty } from '../../shared/connectors/graph/client.ts';
import { sameValue } from '../../shared/connectors/graph/compare.ts';
import { placeOf, placePath } from '../../shared/connectors/graph/links.ts';
import { mailSearch, odataFilter } from '../../shared/connectors/graph/odata.ts';
import { operationById } from '../../shared/connectors/graph/operations.ts';
import { encodeQuery } from '../../shared/http/path.ts';
import { PlumblineError } from '../../shared/model/errors.ts';
import type { Json, JsonObject } from '../../shared/model/json.ts';
import type { PlannedCall } from '../../shared/model/operation.ts';

const context = { apiVersion: 'v1.0', providerKey: 'act_k_1' };
function specOf(call: PlannedCall) {
  const operation = operationById(call.operation);
  if (!operation) throw new Error(call.operation);
  return operation.request(context, call.input);
}
/** Method, decoded address and body of a planned call. */
function wire(call: PlannedCall) {
  const spec = specOf(call);
  const json = spec.body && 'json' in spec.body ? spec.body.json : null;
  return [`${spec.method} ${decodeURIComponent(spec.path + encodeQuery(spec.query))}`, json] as const;
}
const refused = (work: () => unknown) => {
  try {
    work();
    return null;
  } catch (error) {
    return error instanceof PlumblineError ? error.code : error;
  }
};

describe('requests on the wire', () => {
  const span = { start: '2030-01-01T10:00:00Z', end: '2030-01-01T11:00:00Z' };

  it('writes $ and , of query options as they are, as the vendor does', () => {
    const { path } = specOf(graph.users.list({ limit: 999 }));
    expect(path).toMatch(/^\/v1\.0\/users\?\$top=999&\$select=id,displayName,/);
  });

  it('makes an event with a transaction id of its own, and finds it by the key of its action', () => {
    const [line, body] = wire(graph.events.create('u1', { subject: 's', ...span }));
    expect(line).toBe('POST /v1.0/users/u1/events');
    expect(body).toMatchObject({
      subject: 's',
      start: { dateTime: '2030-01-01T10:00:00', timeZone: 'UTC' },
      transactionId: expect.stringMatching(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/),
      singleValueExtendedProperties: [{ id: refProperty, value: 'act_k_1' }],
    });
    const again = operationById('graph.events.create')?.request({ ...context, providerKey: 'act_k_2' }, {
      userId: 'u1',
      properties: { subject: 's', ...span },
    } as Json);
    expect(JSON.stringify(again?.body)).not.toContain(String((body as JsonObject).transactionId));
  });

  it('binds an update to a version', () => {
    const spec = specOf(graph.events.update('u1', 'e1', { subject: 's' }, { etag: 'W/"x"' }));
    expect([spec.method, spec.path, spec.headers?.['if-match']]).toEqual([
      'PATCH',
      '/v1.0/users/u1/events/e1',
      'W/"x"',
    ]);
  });

  it('makes a draft, answers in a thread and sends a draft, each in one request', () => {
    const mail = { subject: 'S', body: 'T', toRecipients: ['a@b.example'] };
    expect(wire(graph.messages.create('u1', mail))[1]).toMatchObject({
      body: { contentType: 'text', content: 'T' },
      toRecipients: [{ emailAddress: { address: 'a@b.example' } }],
    });
    expect(wire(graph.messages.reply('u1', 'm1', 'Yes', true))[0]).toBe(
      'POST /v1.0/users/u1/messages/m1/createReplyAll',
    );
    expect(wire(graph.messages.send('u1', 'm1', 'act_d_1'))).toEqual(['POST /v1.0/users/u1/messages/m1/send', null]);
  });

  it('reads a sent mail back by the reference of its draft, in every folder and whatever its id', () => {
    const call = graph.messages.send('u1', 'm1', "act_d'1");
    const operation = operationById(call.operation);
    const spec = operation?.kind === 'write' ? operation.probe?.request(context, call.input) : undefined;
    expect(decodeURIComponent(spec?.path ?? '')).toContain(
      `/v1.0/users/u1/messages?$filter=singleValueExtendedProperties/Any(ep: ep/id eq '${refProperty}' and ep/value eq 'act_d''1')`,
    );
  });

  it('asks every mailbox for ids that stay, bodies as text and times in UTC', () => {
    for (const call of [graph.messages.get('u1', 'm1'), graph.messages.list('u1'), graph.events.get('u1', 'e1')]) {
      expect(specOf(call).headers?.prefer).toBe(
        'IdType="ImmutableId", outlook.body-content-type="text", outlook.timezone="UTC"',
      );
    }
  });

  it('sorts messages only by what their filter names first', () => {
    const where = [{ property: 'isRead', operator: 'eq' as const, value: false }];
    expect(wire(graph.messages.list('u1', { where }))[0]).toContain(
      '$filter=receivedDateTime ge 1900-01-01T00:00:00Z and isRead',
    );
    expect(wire(graph.messages.thread('u1', "c'1"))[0]).toContain("$filter=conversationId eq 'c''1'");
    expect(wire(graph.messages.thread('u1', 'c1'))[0]).not.toContain('$orderby');
  });

  it('subscribes with the secret of the channel, and refuses to without it', () => {
    const input = {
      ...{ resource: 'users/u1/messages', changeType: 'created,updated' },
      ...{ notificationUrl: 'https://door.example/graph', lifecycleNotificationUrl: 'https://door.example/graph' },
      expiresAt: '2030-01-01T10:00:00Z',
    };
    const operation = operationById('graph.subscriptions.create');
    const spec = operation?.request({ ...context, clientState: 'a-secret-of-a-channel' } as never, input);
    expect(spec?.body).toMatchObject({
      json: { clientState: 'a-secret-of-a-channel', lifecycleNotificationUrl: input.notificationUrl },
    });
    expect(refused(() => operation?.request(context, input))).toBe('invalid_input');
    expect(refused(() => operation?.request(context, { ...input, notificationUrl: 'http://door.example' }))).toBe(
      'invalid_input',
    );
  });
});

describe('injection is impossible', () => {
  it('keeps any text inside its literal of a filter', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' }), (value, other) => {
        const text = refused(() => odataFilter([[{ property: 'subject', operator: 'eq', value }]]));
        if (text !== null) return;
        const filter = odataFilter([[{ property: 'subject', operator: 'eq', value }]]) ?? '';
        const matches = parseFilter(filter, () => undefined);
        expect(matches({ subject: value }, {})).toBe(true);
        if (other.toLowerCase() !== value.toLowerCase())
          expect(matches({ subject: `${value}${other}x` }, {})).toBe(false);
      }),
    );
  });

  it('keeps any words of a search between their marks', () => {
    const sentinel = { from: '', to: '', subject: '', body: '', receivedDay: '' };
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme-ascii', minLength: 1 }), (words) => {
        if (refused(() => mailSearch({ words })) !== null) return;
        const search = mailSearch({ words });
        // One phrase and nothing beside it, whatever the words were.
        expect(search).toMatch(/^"\\"[^"\\]+\\""$/);
        expect(parseSearch(search)({ ...sentinel, body: words.replaceAll(/["\\*\s]+/g, ' ').trim() })).toBe(true);
      }),
    );
    expect(mailSearch({ words: 'x" OR from:"ceo' })).toBe('"\\"x OR from: ceo\\""');
    expect(mailSearch({ from: 'a@b.example', subject: 'Offer', receivedFrom: '2026-01-01' })).toBe(
      '"from:\\"a@b.example\\" AND subject:\\"Offer\\" AND received>=2026-01-01"',
    );
  });

  it('takes only names as properties, operators and folders', () => {
    const filter = (property: string, operator = 'eq') =>
      refused(() => odataFilter([[{ property, operator: operator as 'eq', value: 'x' }]]));
    expect([filter("a' or 'b"), filter('a b'), filter('a', 'eq x or'), filter('from/emailAddress/address')]).toEqual([
      'invalid_input',
      'invalid_input',
      'invalid_input',
      null,
    ]);
    expect(refused(() => specOf(graph.messages.list('u1', { folder: "inbox')/x" })))).toBe('invalid_input');
  });

  it('takes only ids as parts of a path', () => {
    for (const id of [
      '..',
      '../users',
      'delta',
      'microsoft.graph.delta',
      '$count',
      'a b',
      'x\r\ny',
      'a?b=1',
      '',
      'getByIds',
    ]) {
      expect([id, isId(id), refused(() => specOf(graph.messages.get('u1', id)))]).toEqual([id, false, 'invalid_input']);
    }
    expect(specOf(graph.users.get('anna@acme.example')).path).toContain('/users/anna%40acme.example?');
    expect(specOf(graph.messages.get('u1', 'AAk/+=1')).path).toContain('/messages/AAk%2F%2B%3D1?');
  });

  it('lets no line into a header of a mail', () => {
    const create = (properties: Record<string, string | string[]>) =>
      refused(() =>
        specOf(graph.messages.create('u1', { subject: 'S', toRecipients: ['a@b.example'], ...properties })),
      );
    const hostile = ['x\r\nBcc: eve@evil.example', 'x\nfoo', 'x\u0000', 'x\u2028y', '\ud800'];
    for (const text of hostile) expect([text, create({ subject: text })]).toEqual([text, 'invalid_input']);
    for (const address of [
      'a@b.example\r\nBcc: e@f.example',
      '"a" <a@b.example>',
      'a@b.example, c@d.example',
      'a b@c.example',
      'a@b',
    ]) {
      expect([address, create({ toRecipients: [address] })]).toEqual([address, 'invalid_input']);
    }
    expect(create({ from: ['x@y.example'] })).toBe('invalid_input');
    expect(create({ internetMessageHeaders: 'X-A: b' })).toBe('invalid_input');
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (subject) => {
        const spec = refused(() => specOf(graph.messages.create('u1', { subject, toRecipients: ['a@b.example'] })));
        // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are exactly what is refused
        if (/[\u0000-\u001f\u007f]/.test(subject)) expect(spec).toBe('invalid_input');
      }),
    );
  });

  it('invites people only where people are invited', () => {
    const event = { subject: 'S', start: '2030-01-01T10:00:00Z', end: '2030-01-01T11:00:00Z' };
    expect(refused(() => specOf(graph.events.create('u1', { ...event, attendees: ['a@b.example'] })))).toBe(
      'invalid_input',
    );
    expect(refused(() => specOf(graph.events.invite('u1', event)))).toBe('invalid_input');
    expect(refused(() => specOf(graph.events.update('u1', 'e1', { attendees: ['a@b.example'] })))).toBe(
      'invalid_input',
    );
  });
});

describe('links of pages', () => {
  const page = "https://graph.microsoft.com/v1.0/users('u1')/messages?%24skip=10";

  it('keeps path and query of a further page of the same kind to the letter', () => {
    expect(placeOf(page, 'messages')).toBe("/v1.0/users('u1')/messages?%24skip=10");
    expect(placeOf('https://graph.microsoft.us/v1.0/users/delta?$deltatoken=a-_', 'users')).toBe(
      '/v1.0/users/delta?$deltatoken=a-_',
    );
    expect(placeOf('http://127.0.0.1:4321/v1.0/users?$skip=1', 'users')).toBe('/v1.0/users?$skip=1');
  });

  it.each([
    ['another host', 'https://evil.example/v1.0/users/u1/messages?x=1'],
    ['a host that looks like it', 'https://graph.microsoft.com.evil.example/v1.0/users/u1/messages?x=1'],
    ['plain http', 'http://graph.microsoft.com/v1.0/users/u1/messages?x=1'],
    ['another port', 'https://graph.microsoft.com:8443/v1.0/users/u1/messages?x=1'],
    ['a user name', 'https://a:b@graph.microsoft.com/v1.0/users/u1/messages?x=1'],
    ['another list', 'https://graph.microsoft.com/v1.0/users/u1/events?x=1'],
    ['an action', 'https://graph.microsoft.com/v1.0/users/u1/messages/m1/send?x=1'],
    ['a way up', 'https://graph.microsoft.com/v1.0/users/../messages?x=1'],
    ['a hidden slash', 'https://graph.microsoft.com/v1.0/users/u1%2fx/messages?x=1'],
    ['a path that cannot be decoded', 'https://graph.microsoft.com/v1.0/users/%ff/messages?x=1'],
    ['a line', 'https://graph.microsoft.com/v1.0/users/u1/messages?x=1\r\nhost: evil'],
    ['no query', 'https://graph.microsoft.com/v1.0/users/u1/messages'],
    ['no address', '/v1.0/users/u1/messages?x=1'],
    ['no text', 7],
  ])('refuses %s', (_what, link) => {
    expect(placeOf(link, 'messages')).toBeNull();
    const next = (after: string) => refused(() => specOf(graph.messages.next(after)));
    if (typeof link === 'string' && !link.startsWith('/')) expect(next(link)).toBe('invalid_input');
  });

  it('refuses places that were not given, before a request is made', () => {
    expect(refused(() => placePath(context, '/beta/users?x=1', 'users'))).toBe('invalid_input');
    expect(refused(() => placePath({ apiVersion: 'v1.0' }, '/v1.1/users?x=1', 'users'))).toBe('invalid_input');
    expect(placePath(context, '/v1.0/users?$skip=1', 'users')).toBe('/v1.0/users?$skip=1');
  });

  it('is an error, never a short answer, where a page names a next one that is refused', () => {
    const operation = operationById('graph.messages.list');
    const body = { value: [], '@odata.nextLink': 'https://evil.example/v1.0/users/u1/messages?x=1' };
    const answer = { status: 200, headers: {}, bodyText: JSON.stringify(body) };
    expect(operation?.judge(answer, { userId: 'u1' })).toMatchObject({
      kind: 'error',
      error: { code: 'incomplete_result' },
    });
  });
});

describe('values that are the same to Exchange', () => {
  it.each([
    ['a\r\nb\r\n', 'a\nb', true],
    ['', null, true],
    [['B@x.example', 'a@x.example'], ['a@x.example', 'b@x.example'], true],
    [[], null, true],
    ['2030-01-01T10:00:00Z', '2030-01-01T10:00:00.000Z', true],
    ['a', 'A', false],
    [['a@x.example'], [], false],
    [false, null, false],
  ] as const)('%j and %j: %s', (one, other, same) => expect(sameValue(one, other)).toBe(same));
});
