import { createServer } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { eventsCommand } from '../../infra/events.ts';

type Asked = { readonly path: string; readonly authorization: string | undefined; readonly body: unknown };

let asked: Asked[] = [];
let answers: { status: number; body: object }[] = [];
let url = '';
let close = async () => {};

beforeEach(async () => {
  asked = [];
  const server = createServer((request, response) => {
    let text = '';
    request.on('data', (chunk) => {
      text += chunk;
    });
    request.on('end', () => {
      const { authorization } = request.headers;
      asked.push({ path: `${request.method} ${request.url}`, authorization, body: text && JSON.parse(text) });
      const answer = answers.shift() ?? { status: 500, body: {} };
      response.statusCode = answer.status;
      response.end(JSON.stringify(answer.body));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  url = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`;
  close = () => new Promise((resolve) => server.close(() => resolve()));
});
afterEach(() => close());

const run = async (line: string, token = 'a-token') => {
  const said: string[] = [];
  const access = token === '' ? null : { url, token };
  const code = await eventsCommand({ access, say: (text) => said.push(text) }, line.split(' '));
  return { code, said: said.join('\n') };
};
const span =
  'replay --system hubspot --channel crm --from 2026-01-01T00:00:00Z --to 2026-01-02T00:00:00Z --reason mapping';

describe('npm run events', () => {
  it('asks for every page of a span and sends nothing unless told to', async () => {
    const event = { event_id: 'hubspot#crm#a', type: 'contact.creation', expect: 'counted_as_duplicate' };
    answers = [
      { status: 200, body: { events: [event], skipped: [], cursor: 'next' } },
      { status: 200, body: { events: [event], skipped: [], cursor: null } },
    ];
    const { code, said } = await run(span);
    expect([code, said]).toEqual([
      0,
      [
        'hubspot#crm#a  contact.creation  counted_as_duplicate',
        'hubspot#crm#a  contact.creation  counted_as_duplicate',
        '2 would be sent; add --send to send them',
      ].join('\n'),
    ]);
    expect(asked.map(({ path, authorization, body }) => [path, authorization, body])).toMatchObject([
      ['POST /v1/events/replay', 'Bearer a-token', { dry_run: true, force: false, cursor: null, channel: 'crm' }],
      ['POST /v1/events/replay', 'Bearer a-token', { dry_run: true, cursor: 'next', reason: 'mapping' }],
    ]);
  });

  it('says what could not be replayed, and ends with 1', async () => {
    const skipped = [{ event_id: 'hubspot#crm#a', why: 'its message is not kept' }];
    answers = [{ status: 202, body: { events: [], skipped, cursor: null } }];
    const { code, said } = await run(`${span} --send --force`);
    expect([code, said]).toEqual([
      1,
      'hubspot#crm#a  not replayed: its message is not kept\n0 sent, 1 cannot be replayed',
    ]);
    expect(asked[0]?.body).toMatchObject({ dry_run: false, force: true });
  });

  it('replays one event by its id', async () => {
    answers = [{ status: 202, body: { sent: true } }];
    const { code } = await run('replay --id hubspot#crm#a --reason mapping --send');
    expect([code, asked[0]?.path]).toEqual([0, 'POST /v1/events/hubspot%23crm%23a/replay']);
  });

  it("ends with 1 and the door's own words where it refuses", async () => {
    answers = [
      { status: 409, body: { detail: 'The event is older than 90 days.', next_step: { message: 'By hand.' } } },
    ];
    expect(await run(span)).toEqual({ code: 1, said: '409 The event is older than 90 days. By hand.' });
  });

  it.each(['', 'replay', 'replay --id a', `${span} --id a`, 'show', 'drop --id a', 'replay --nonsense'])(
    'shows how it is used for: %s',
    async (line) => {
      const { code, said } = await run(line);
      expect([code, said, asked]).toEqual([2, expect.stringContaining('npm run events -- replay'), []]);
    },
  );

  it('asks for address and token where they are not set', async () => {
    expect(await run(span, '')).toMatchObject({ code: 2, said: expect.stringContaining('PLUMBLINE_OPERATOR_TOKEN') });
  });
});
