import { createDice, type Dice } from '../hubspot/seed.ts';
import { type SimulatedRecord, simulatedPeople } from '../people.ts';
import {
  addMessage,
  type Channel,
  type Message,
  replaceMessage,
  saveChannel,
  saveUser,
  type Workspace,
} from './workspace.ts';

const dayMs = 86_400_000;
const staff = ['anna', 'ben', 'carla', 'dev', 'eva', 'farid', 'gesa', 'hugo', 'ines', 'jonas', 'kim', 'lena'] as const;
const topics = {
  general: 'Everybody',
  sales: 'Deals and who wants what',
  support: 'What customers ask',
  billing: 'Invoices and money back',
  'ops-alerts': 'Machines talk here',
} as const;

/**
 * Fills an empty workspace. With a seed: a dozen colleagues, channels for work and for customers, and about 700 messages about
 * the people and companies of all simulated systems, under other spellings. Without: two empty channels.
 */
export function seedWorkspace(workspace: Workspace, seed: number | null): void {
  const createdS = Math.floor(workspace.clock.now() / 1000) - 400 * 86_400;
  const everybody = people(workspace);
  const open = (name: string, more: ChannelFacts = {}) =>
    saveChannel(workspace, channelOf(workspace, name, { ...more, everybody, createdS })).id;
  if (seed === null) {
    for (const name of ['general', 'support']) open(name);
    return;
  }
  const work = Object.entries(topics).map(([name, topic]) => open(name, { topic }));
  const closed = [
    open('leads', { private: true, topic: 'Not for everybody' }),
    open('old-project', { archived: true }),
  ];
  open('random', { outside: true });
  open('board', { private: true, outside: true });
  const known = simulatedPeople({ clock: workspace.clock, seed });
  const dice = createDice(seed + 11);
  const customers = known.companies.filter((_company, n) => n % 9 === 0).slice(0, 14);
  const shared = customers.map(([, { name }], n) =>
    open(`cust-${slug(name ?? 'unnamed')}`, { topic: name ?? '', id: `C0CUST${String(n).padStart(2, '0')}` }),
  );
  talk(workspace, dice, { channels: [...work, ...closed, ...shared], known, everybody });
}

type ChannelFacts = {
  readonly id?: string;
  readonly private?: boolean;
  readonly archived?: boolean;
  /** The app is not in it. */
  readonly outside?: boolean;
  readonly topic?: string;
};

function channelOf(
  workspace: Workspace,
  name: string,
  more: ChannelFacts & { readonly everybody: readonly string[]; readonly createdS: number },
): Channel {
  const letters = name.toUpperCase().replaceAll(/[^A-Z0-9]/g, '');
  return {
    id: more.id ?? `C0${letters}`,
    name,
    is_private: more.private === true,
    is_archived: more.archived === true,
    is_im: false,
    created: more.createdS,
    creator: 'U0INSTALLER',
    topic: more.topic ?? '',
    purpose: '',
    members: more.outside ? more.everybody : [workspace.botUser, ...more.everybody],
  };
}

type Known = ReturnType<typeof simulatedPeople>;
type Talk = { readonly channels: readonly string[]; readonly known: Known; readonly everybody: readonly string[] };

function people(workspace: Workspace): readonly string[] {
  const add = (id: string, name: string, more: { bot?: boolean; deleted?: boolean } = {}) => {
    const real = `${name.slice(0, 1).toUpperCase()}${name.slice(1)}`;
    const email = more.bot ? null : `${name}@acme.example`;
    const profile = { real_name: real, display_name: name, email, phone: null, title: more.bot ? 'App' : '' };
    const user = { id, name, deleted: more.deleted === true, is_bot: more.bot === true, tz: 'Europe/Berlin', profile };
    return saveUser(workspace, user).id;
  };
  add('USLACKBOT', 'slackbot', { bot: true });
  add(workspace.botUser, 'plumbline', { bot: true });
  add('U0GONE', 'otto', { deleted: true });
  return [add('U0INSTALLER', 'dora'), ...staff.map((name) => add(`U0${name.toUpperCase()}`, name))];
}

/** Messages in the order of their times: a workspace gives none twice. */
function talk(workspace: Workspace, dice: Dice, { channels, known, everybody }: Talk): void {
  const nowMs = workspace.clock.now();
  const count = 560;
  const ids = atLeastOne(everybody);
  const rooms = atLeastOne(channels);
  for (let n = 0; n < count; n += 1) {
    const atMs = nowMs - 380 * dayMs + Math.floor((n / count) * 379 * dayMs) + dice.below(3_600_000);
    const channel = dice.pick(rooms);
    const said = sentence(dice, known);
    const first = addMessage(workspace, channel, { user: dice.pick(ids), text: said }, atMs);
    if (!dice.oneIn(6)) continue;
    answers(workspace, dice, { channel, first, users: ids });
  }
}

function answers(
  workspace: Workspace,
  dice: Dice,
  { channel, first, users }: { channel: string; first: Message; users: readonly [string, ...string[]] },
): void {
  replaceMessage(workspace, channel, { ...first, thread_ts: first.ts });
  const startMs = Number(first.ts) * 1000;
  const lines = [
    'I will call them.',
    'Done, see the CRM.',
    'Who is <@U0ANNA>&lt;3 asking?',
    'done :white_check_mark:',
    '👀',
  ] as const;
  for (let n = 0; n <= dice.below(3); n += 1) {
    const fields = { user: dice.pick(users), text: dice.pick(lines), thread_ts: first.ts };
    addMessage(workspace, channel, fields, startMs + (n + 1) * 60_000);
  }
}

/** One customer as colleagues write of them: the first name alone, the address, the company without its legal form. */
function sentence(dice: Dice, { contacts, companies }: Known): string {
  const [, person] = dice.pick(atLeastOne<SimulatedRecord>(contacts));
  const [, company] = dice.pick(atLeastOne<SimulatedRecord>(companies));
  const first = (person.firstname ?? 'somebody').trim();
  const full = `${first} ${person.lastname ?? ''}`.trim();
  const email = person.email ?? null;
  const who = dice.pick([
    first,
    full,
    full.toUpperCase(),
    email === null ? full : `<mailto:${email}|${email}>`,
    bare(full),
  ]);
  const name = company.name ?? 'Unnamed';
  const where = dice.pick([
    name,
    name.replace(/ (GmbH|B\.V\.|Ltd|Inc\.|AB|S\.A\.)$/, ''),
    name.toLowerCase(),
    bare(name),
  ]);
  return dice.pick([
    `${who} from ${where} asks when the offer comes.`,
    `Invoice for ${where} is wrong again, ${who} complained.`,
    `FYI ${where} &amp; friends: renewal in March, talk to ${who}`,
    `Spoke with ${who}. *Wants a discount.*`,
    `${where}: see <https://crm.example/c/${dice.below(900)}|the record>`,
    `is ${who} still at ${where}?`,
  ]);
}

const bare = (text: string) => text.normalize('NFD').replaceAll(/\p{Mn}/gu, '');
const slug = (text: string) =>
  bare(text)
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-|-$/g, '')
    .slice(0, 30);

function atLeastOne<T>(list: readonly T[]): readonly [T, ...T[]] {
  const [first, ...rest] = list;
  if (first === undefined) throw new Error('nothing to choose from');
  return [first, ...rest];
}
