import { createDice, type Dice } from '../hubspot/seed.ts';
import { simulatedPeople } from '../people.ts';
import { iso } from './message.ts';
import { guidOf, place, putUser, type Tenant, type User, type Values } from './tenant.ts';

const dayMs = 86_400_000;
const staff = [
  ['Anna', 'Example', 'Sales'],
  ['Ben', 'Example', 'Sales'],
  ['Carla', 'Ejemplo', 'Data'],
  ['Dev', 'Beispiel', 'Platform'],
  ['Eva', 'Test', 'Audit'],
  ['Farid', 'Muster', 'Support'],
  ['Greta', 'Muster', 'Support'],
  ['Hugo', 'Exemple', 'Sales'],
] as const;

type Person = { readonly name: string; readonly address: string; readonly company: string };

/**
 * Fills an empty tenant: 8 people with mailboxes, 40 without, some 900 mails, most of them of the people of the simulated HubSpot
 * portal of the same seed under other spellings, and 120 events.
 */
export function seedTenant(tenant: Tenant, seed: number): void {
  const dice = createDice(seed + 29);
  const customers = customersOf(tenant, dice, seed);
  const users = staff.map(([first, last, department]) => addUser(tenant, first, last, department, true));
  for (let n = 0; n < 40; n += 1) addUser(tenant, `Room${n}`, 'Shared', 'Facilities', false);
  for (let n = 0; n < 300; n += 1)
    thread(tenant, dice, { user: dice.pick(atLeastOne(users)), person: dice.pick(customers), n });
  for (let n = 0; n < 120; n += 1) meeting(tenant, dice, dice.pick(atLeastOne(users)), dice.pick(customers));
}

function atLeastOne<T>(list: readonly T[]): readonly [T, ...T[]] {
  const [first, ...rest] = list;
  if (first === undefined) throw new Error('nobody was seeded');
  return [first, ...rest];
}

const bare = (text: string) => text.normalize('NFD').replaceAll(/\p{Mn}/gu, '');

/** The customers as they write: names turned round or left out, private addresses, other capitals. */
function customersOf(tenant: Tenant, dice: Dice, seed: number): readonly [Person, ...Person[]] {
  const { contacts } = simulatedPeople({ clock: tenant.clock, seed });
  const people = contacts.flatMap(([, values]): Person[] => {
    const email = values.email ?? null;
    if (email === null || !dice.oneIn(3)) return [];
    const [first, last] = [(values.firstname ?? '').trim(), (values.lastname ?? '').trim()];
    const plain = `${first} ${last}`.trim();
    const name = dice.pick([plain, `${last}, ${first}`, plain.toUpperCase(), bare(plain), email]);
    const address = dice.pick([
      email,
      email.toLowerCase(),
      email.replace(/\+[0-9]+@/, '@'),
      `${bare(first).toLowerCase() || 'info'}.${bare(last).toLowerCase() || 'x'}@private.example`,
    ]);
    return [{ name, address: address.replaceAll(/[^A-Za-z0-9.@+_-]/g, ''), company: values.company ?? '' }];
  });
  return atLeastOne(people);
}

function addUser(tenant: Tenant, first: string, last: string, department: string, hasMailbox: boolean): User {
  const address = `${first}.${last}@acme.example`.toLowerCase();
  const id = guidOf('user', tenant.tenantId, address);
  const values: Values = {
    ...{ displayName: `${first} ${last}`, givenName: first, surname: last, userPrincipalName: address },
    ...{ mail: hasMailbox ? address : null, jobTitle: null, department, officeLocation: null, mobilePhone: null },
    ...{ businessPhones: [], preferredLanguage: null, accountEnabled: true, companyName: null, userType: 'Member' },
    createdDateTime: iso(tenant.clock.now() - 400 * dayMs),
  };
  const user: User = { id, values, version: 0, changed: [], removed: false, hasMailbox };
  putUser(tenant, user, []);
  return user;
}

const subjects = [
  'Offer',
  'Invoice 2026-{n}',
  'Delivery late?',
  'Angebot',
  'RE: your visit',
  'Contract renewal',
  'Problem with order {n}',
] as const;

/** One to five mails of one conversation, to and fro. */
function thread(tenant: Tenant, dice: Dice, { user, person, n }: { user: User; person: Person; n: number }): void {
  const subject = dice.pick([...subjects]).replace('{n}', String(1000 + n));
  const conversationId = `AAQkAD${guidOf('thread', n)}=`;
  const [theirs, ours] = [
    { emailAddress: { name: person.name, address: person.address } },
    { emailAddress: { name: user.values.displayName, address: user.values.mail } },
  ];
  let atMs = tenant.clock.now() - (1 + dice.below(300)) * dayMs;
  const mails = 1 + dice.below(5);
  for (let at = 0; at < mails; at += 1) {
    const incoming = at % 2 === 0;
    atMs += dice.below(86_400) * 1000;
    place(tenant, {
      ...{
        kind: 'message',
        userId: user.id,
        folder: incoming ? 'inbox' : 'sentitems',
        createdAtMs: atMs,
        modifiedAtMs: atMs,
      },
      values: {
        subject: at === 0 ? subject : `RE: ${subject}`,
        body: {
          contentType: 'text',
          content: dice.pick([
            'Hello,\nplease call me back.',
            'Hallo, wann kommt die Lieferung?',
            `Thanks.\n\n${person.name}\n${person.company}`,
          ]),
        },
        ...{
          from: incoming ? theirs : ours,
          sender: incoming ? theirs : ours,
          toRecipients: [incoming ? ours : theirs],
        },
        ...{
          ccRecipients: [],
          bccRecipients: [],
          replyTo: [],
          importance: 'normal',
          isRead: !dice.oneIn(4),
          isDraft: false,
        },
        ...{ receivedDateTime: iso(atMs), sentDateTime: iso(atMs), conversationId },
        internetMessageId: `<${guidOf('seed', n, at)}@mail.example>`,
      },
    });
  }
}

function meeting(tenant: Tenant, dice: Dice, user: User, person: Person): void {
  const day = Math.floor(tenant.clock.now() / dayMs) + dice.below(60) - 30;
  const startMs = day * dayMs + (8 + dice.below(9)) * 3_600_000;
  const time = (atMs: number) => ({
    dateTime: `${new Date(atMs).toISOString().slice(0, 19)}.0000000`,
    timeZone: 'UTC',
  });
  const organizer = { emailAddress: { name: user.values.displayName, address: user.values.mail } };
  const invited = dice.oneIn(2)
    ? [{ type: 'required', status: { response: 'none' }, emailAddress: { name: person.name, address: person.address } }]
    : [];
  place(tenant, {
    ...{ kind: 'event', userId: user.id, folder: 'calendar' },
    values: {
      subject: dice.pick(['Call', `Visit ${person.company}`, 'Team', 'Review']),
      ...{
        body: { contentType: 'text', content: '' },
        start: time(startMs),
        end: time(startMs + 1_800_000 * (1 + dice.below(3))),
      },
      ...{
        location: { displayName: dice.pick(['', 'Room 1', 'Teams']) },
        attendees: invited,
        organizer,
        isOrganizer: true,
      },
      ...{ isCancelled: false, isAllDay: false, showAs: 'busy', type: 'singleInstance', isOnlineMeeting: false },
      ...{ onlineMeetingUrl: null, transactionId: null, importance: 'normal', iCalUId: guidOf('ical', tenant.version) },
    },
  });
}
