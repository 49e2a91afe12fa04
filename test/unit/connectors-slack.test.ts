import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadConnector, loadOperation } from '../../shared/connectors/registry.ts';
import { slack, slackOn } from '../../shared/connectors/slack/calls.ts';
import { messageId, messagePlace } from '../../shared/connectors/slack/client.ts';
import { manifest } from '../../shared/connectors/slack/manifest.ts';
import { operationById, operations } from '../../shared/connectors/slack/operations.ts';
import { messageText, readableText, showsText } from '../../shared/connectors/slack/text.ts';
import { encodeBody } from '../../shared/http/digest.ts';
import type { Json } from '../../shared/model/json.ts';
import type { HttpAnswer, PlannedCall, RequestContext } from '../../shared/model/operation.ts';

const context: RequestContext = { apiVersion: 'v2', providerKey: 'act_k_1' };
const answer = (body: unknown): HttpAnswer => ({ status: 200, headers: {}, bodyText: JSON.stringify(body) });
const operationOf = (call: PlannedCall) => {
  const operation = operationById(call.operation);
  if (!operation) throw new Error(call.operation);
  return operation;
};
const request = (call: PlannedCall) => operationOf(call).request(context, call.input);
const form = (call: PlannedCall) =>
  Object.fromEntries(new URLSearchParams(encodeBody(request(call))?.bytes.toString()));
const writes = [...operations.values()].filter((operation) => operation.kind === 'write');
const place = { channel: 'C0A', ts: '1700000000.000100' };

describe('every operation', () => {
  it('is found by its id and loaded on demand', async () => {
    expect(await loadOperation('slack.messages.post')).toBe(operationById('slack.messages.post'));
    expect((await loadConnector('slack')).manifest).toBe(manifest);
    await expect(loadOperation('slack.messages.shout')).rejects.toMatchObject({ code: 'config_invalid' });
  });

  it.each(writes)('$id can be read back and has an undo that exists or a reason', ({ probe, undo, resend }) => {
    expect([probe !== undefined, resend.kind !== 'none']).toEqual([true, true]);
    expect(undo.kind === 'none' ? undo.why.length > 10 : operations.has(undo.operation)).toBe(true);
  });

  it('that people see at once counts as sending', () => {
    expect(writes.map(({ id, effect }) => `${id} ${effect}`)).toEqual([
      'slack.messages.post send',
      'slack.messages.update update',
      'slack.messages.delete delete',
    ]);
  });

  it('goes to the system it was planned for', () => {
    expect([slackOn('slack-eu').users.get('U0A').system, slack.users.get('U0A').system]).toEqual(['slack-eu', 'slack']);
  });
});

describe('requests', () => {
  it('post as the vendor client does: one form, structures as JSON text in it', () => {
    const call = slack.messages.post({ channel: 'C1A', text: 'a & b', threadTs: '1700000000.000100' }, 0);
    expect(request(call)).toMatchObject({ method: 'POST', path: '/api/chat.postMessage' });
    expect(encodeBody(request(call))?.contentType).toBe('application/x-www-form-urlencoded');
    expect(form(call)).toEqual({
      channel: 'C1A',
      text: 'a &amp; b',
      thread_ts: '1700000000.000100',
      metadata: '{"event_type":"plumbline_action","event_payload":{"plumbline_ref":"act_k_1"}}',
      parse: 'none',
      link_names: 'false',
      unfurl_links: 'false',
      unfurl_media: 'false',
    });
  });

  it('read a post back since it was asked for, with what hangs on messages', () => {
    const call = slack.messages.post({ channel: 'C1A', text: 'x' }, 1_800_000_000_000);
    const operation = operationOf(call);
    const spec = operation.kind === 'write' ? operation.probe?.request(context, call.input) : null;
    expect(spec?.path).toBe('/api/conversations.history');
    expect(Object.fromEntries(new URLSearchParams(spec ? encodeBody(spec)?.bytes.toString() : ''))).toEqual({
      channel: 'C1A',
      oldest: '1799999700.000000',
      inclusive: 'true',
      include_all_metadata: 'true',
      limit: '999',
    });
  });

  it('find a reply in its thread and any other message in the history', () => {
    expect(request(slack.messages.get(place)).path).toBe('/api/conversations.history');
    const reply = slack.messages.get({ ...place, threadTs: '1600000000.000100' });
    expect([request(reply).path, form(reply).ts]).toEqual(['/api/conversations.replies', '1600000000.000100']);
  });

  it('hold no argument in their address', () => {
    for (const call of [slack.users.find('ada@example.com'), slack.messages.search({ words: 'secret' })]) {
      expect(request(call)).toMatchObject({ method: 'POST', path: expect.not.stringMatching(/ada|secret|\?/) });
    }
  });

  it('search for what looks like a modifier instead of obeying it', () => {
    expect(form(slack.messages.search({ words: 'x" from:U0B in:board' })).query).toBe('"x  from:U0B in:board"');
  });

  it.each([
    ['a channel name', () => slack.messages.post({ channel: '#general', text: 'x' }, 0)],
    ['a person instead of a channel', () => slack.messages.post({ channel: 'U0ANNA', text: 'x' }, 0)],
    ['a time that is none', () => slack.messages.update({ channel: 'C0A', ts: '17' }, 'x')],
    [
      'a mention that is no user id',
      () => slack.messages.post({ channel: 'C0A', text: 'x', mentions: [{ user: '!channel' }] }, 0),
    ],
    [
      'a group that is no group id',
      () => slack.messages.post({ channel: 'C0A', text: 'x', mentions: [{ group: 'here|x' }] }, 0),
    ],
    ['text that Slack would cut off', () => slack.messages.post({ channel: 'C0A', text: 'x'.repeat(40_001) }, 0)],
  ])('refuse %s before anything is sent', (_name, plan) => {
    expect(() => request(plan())).toThrow(expect.objectContaining({ code: 'invalid_input' }));
  });
});

describe('what an agent writes', () => {
  const argument = fc.constantFrom('blocks', 'attachments', 'markdown_text', 'unfurl_links', 'link_names', 'as_user');

  it('can hold no button, whatever is put into the input', () => {
    fc.assert(
      fc.property(fc.dictionary(argument, fc.jsonValue()), fc.string(), (more, text) => {
        for (const call of [
          slack.messages.post({ ...more, channel: 'C0A', text } as never, 0),
          slack.messages.update({ ...more, ...place } as never, text),
        ]) {
          const sent = form(call);
          expect(
            Object.keys(sent).filter((name) => ['blocks', 'attachments', 'markdown_text', 'as_user'].includes(name)),
          ).toEqual([]);
          expect(sent.link_names).toBe('false');
        }
      }),
    );
  });

  it('calls nobody and links nothing under another name', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary' }),
        fc.constantFrom('<!channel>', '<@U0ANNA>', '<https://a|b>', ''),
        (text, mark) => {
          const sent = messageText(`${text}${mark}${text}`);
          expect(sent).not.toMatch(/[<>]/);
          expect(readableText(sent)).toBe(`${text}${mark}${text}`);
        },
      ),
    );
  });

  it('mentions the people that were named by id, and nobody else', () => {
    expect(messageText('<!here> look', [{ user: 'U0ANNA' }, { group: 'S0TEAM' }])).toBe(
      '<@U0ANNA> <!subteam^S0TEAM> &lt;!here&gt; look',
    );
  });
});

describe('text', () => {
  it.each([
    ['<@U1> &lt;3', '@U1 <3'],
    ['<#C1|general> <!here> <!subteam^S1|@team>', '#general @here @team'],
    ['<https://a.example|here> <https://b.example>', 'here (https://a.example) https://b.example'],
    ['<mailto:a@b.example|a@b.example>', 'a@b.example'],
  ])('%j reads as a person reads it', (raw, plain) => {
    expect(readableText(raw)).toBe(plain);
  });

  it('is the same under the name of its emoji, unless that is all that changed', () => {
    const one = { live: 'done :rocket:', wanted: 'done 🚀' };
    expect([showsText({ ...one, before: 'open' }), showsText({ ...one, before: 'done 👎' })]).toEqual([true, false]);
    expect(showsText({ live: 'at 10:30:00', wanted: 'at 10:45:00', before: null })).toBe(false);
  });

  it('of a message id leads back to the message', () => {
    for (const id of ['C0A/1700000000.000100', 'C0A/1600000000.000100/1700000000.000100']) {
      expect(messageId(messagePlace(id) ?? place)).toBe(id);
    }
    expect(['C0A', 'C0A/17', 'x/1700000000.000100', 'C0A/1700000000.000100/a/b'].map(messagePlace)).toEqual([
      null,
      null,
      null,
      null,
    ]);
  });
});

describe('answers', () => {
  const message = { type: 'message', ts: place.ts, text: 'a &amp; b', user: 'U0A' };
  const read = (call: PlannedCall, body: unknown) => {
    const operation = operationOf(call);
    return operation.kind === 'read' ? operation.judge(answer(body), call.input) : null;
  };
  const list = slack.messages.list({ channel: 'C0A' });

  it('become records with readable text and whose they are', () => {
    expect(read(slack.messages.get(place), { ok: true, messages: [message] })).toMatchObject({
      data: { id: 'C0A/1700000000.000100', properties: { text: 'a & b', user: 'U0A', posted_by_action: false } },
    });
  });

  it('name the next page only where there is one', () => {
    const more = { ok: true, messages: [message], has_more: true, response_metadata: { next_cursor: 'abc' } };
    expect(read(list, more)).toMatchObject({ data: { after: 'abc' } });
    expect(read(list, { ok: true, messages: [message], has_more: false })).toMatchObject({ data: { after: null } });
  });

  it.each([
    ['a page without messages', { ok: true }],
    ['a page that hides where the next one is', { ok: true, messages: [message], has_more: true }],
    ['a page with a row that is none', { ok: true, messages: [message, null] }],
    ['a page with a message without its text', { ok: true, messages: [{ ...message, text: undefined }] }],
  ])('refuse %s instead of leaving something out', (_name, body) => {
    expect(read(list, body)).toMatchObject({ kind: 'error', error: { code: 'unreadable_answer' } });
  });

  it('leave out what was deleted', () => {
    const tombstone = { ...message, subtype: 'tombstone' };
    expect(read(list, { ok: true, messages: [tombstone, message], has_more: false })).toMatchObject({
      data: { results: [{ id: 'C0A/1700000000.000100' }] },
    });
    expect(read(slack.messages.get(place), { ok: true, messages: [tombstone] })).toMatchObject({
      error: { class: 'not_found' },
    });
  });

  it('of channels are searched by name, page by page', () => {
    const channels = [
      { id: 'C0A', name: 'billing' },
      { id: 'C0B', name: 'sales' },
    ];
    const body = { ok: true, channels, response_metadata: { next_cursor: 'more' } };
    expect(read(slack.channels.list({ name: '#Bill' }), body)).toMatchObject({
      data: { results: [{ id: 'C0A' }], after: 'more' },
    });
  });
});

describe('a message that no action posted', () => {
  it.each(['slack.messages.update', 'slack.messages.delete'])('is not touched by %s', (id) => {
    const operation = operationById(id);
    const foreign = { type: 'message', ts: place.ts, text: 'Approve?', bot_id: 'B1', blocks: [{ type: 'actions' }] };
    const before = operation?.kind === 'write' ? operation.before : undefined;
    expect(before?.judge(answer({ ok: true, messages: [foreign] }), place as Json)).toMatchObject({
      kind: 'error',
      error: { class: 'permission', code: 'not_our_message' },
    });
  });
});
