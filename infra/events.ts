import { parseArgs } from 'node:util';
import { operatorAccess } from './settings.ts';

const usage = `Replays events through the operator API; nothing is sent without --send.
  npm run events -- replay --id <event id> --reason "why"
  npm run events -- replay --system hubspot --channel crm --from 2026-11-20T00:00:00Z --to 2026-11-21T00:00:00Z \\
    [--type contact.creation] --reason "why" [--force] [--send]
  npm run events -- show --id <event id>
The address of the operator API and a person's access token come from PLUMBLINE_OPERATOR_URL and PLUMBLINE_OPERATOR_TOKEN.`;

/** What the command needs of the outside. */
export type EventsDeps = {
  readonly access: { readonly url: string; readonly token: string } | null;
  readonly say: (line: string) => void;
};

type Asked = { readonly method: 'GET' | 'POST'; readonly path: string; readonly body?: object };
type Page = { readonly events: readonly Told[]; readonly skipped: readonly Told[]; readonly cursor: string | null };
type Told = Readonly<Record<string, unknown>>;

/**
 * `npm run events`: shows an event, or replays one or all of a span of time, page by page. Returns the exit code: 0 where
 * everything that was asked for was done or shown, 1 where something could not be, 2 for a command that cannot be understood.
 */
export async function eventsCommand(deps: EventsDeps, args: readonly string[]): Promise<0 | 1 | 2> {
  const options = optionsOf(args);
  const { access } = deps;
  if (options === null || access === null) {
    deps.say(options === null ? usage : 'Set PLUMBLINE_OPERATOR_URL and PLUMBLINE_OPERATOR_TOKEN first.');
    return 2;
  }
  const { command, id, reason, send, force, ...range } = options;
  const ask = (asked: Asked) => askOperators(access, asked);
  if (command === 'show')
    return shown(deps, await ask({ method: 'GET', path: `/v1/events/${encodeURIComponent(id)}` }));
  const body = { reason, dry_run: !send, force };
  if (id !== '') {
    return shown(deps, await ask({ method: 'POST', path: `/v1/events/${encodeURIComponent(id)}/replay`, body }));
  }
  const totals = { events: 0, skipped: 0 };
  let cursor: string | null = null;
  do {
    const answer = await ask({ method: 'POST', path: '/v1/events/replay', body: { ...body, ...range, cursor } });
    if (answer.kind === 'failed') return shown(deps, answer);
    const page = answer.body as unknown as Page;
    for (const one of page.events) deps.say(`${String(one.event_id)}  ${String(one.type)}  ${String(one.expect)}`);
    for (const one of page.skipped) deps.say(`${String(one.event_id)}  not replayed: ${String(one.why)}`);
    totals.events += page.events.length;
    totals.skipped += page.skipped.length;
    cursor = page.cursor;
  } while (cursor !== null);
  const done = send ? 'sent' : 'would be sent; add --send to send them';
  deps.say(`${totals.events} ${done}${totals.skipped > 0 ? `, ${totals.skipped} cannot be replayed` : ''}`);
  return totals.skipped > 0 ? 1 : 0;
}

function optionsOf(args: readonly string[]) {
  const text = { type: 'string', default: '' } as const;
  const flag = { type: 'boolean', default: false } as const;
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        ...{ id: text, reason: text, system: text, channel: text, from: text, to: text, type: { type: 'string' } },
        ...{ send: flag, force: flag },
      },
    });
    const [command = '', ...rest] = positionals;
    const one = values.id !== '';
    const span = [values.system, values.channel, values.from, values.to].every((value) => value !== '');
    const known = command === 'show' ? one : command === 'replay' && values.reason !== '' && one !== span;
    return known && rest.length === 0 ? { command, ...values } : null;
  } catch {
    return null;
  }
}

type Answer = { readonly kind: 'ok'; readonly body: Told } | { readonly kind: 'failed'; readonly why: string };

async function askOperators(access: NonNullable<EventsDeps['access']>, { method, path, body }: Asked): Promise<Answer> {
  try {
    const response = await fetch(`${access.url.replace(/\/$/, '')}${path}`, {
      method,
      redirect: 'error',
      headers: { authorization: `Bearer ${access.token}`, 'content-type': 'application/json' },
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
    const told = (await response.json()) as { detail?: string; next_step?: { message: string } } & Told;
    if (response.ok) return { kind: 'ok', body: told };
    return { kind: 'failed', why: `${response.status} ${told.detail ?? ''} ${told.next_step?.message ?? ''}`.trim() };
  } catch (error) {
    return { kind: 'failed', why: `The operator API did not answer: ${(error as Error).message}.` };
  }
}

function shown(deps: EventsDeps, answer: Answer): 0 | 1 {
  deps.say(answer.kind === 'ok' ? JSON.stringify(answer.body, null, 2) : answer.why);
  return answer.kind === 'ok' ? 0 : 1;
}

if (import.meta.main) {
  process.exitCode = await eventsCommand(
    { access: operatorAccess(), say: (line) => console.log(line) },
    process.argv.slice(2),
  );
}
