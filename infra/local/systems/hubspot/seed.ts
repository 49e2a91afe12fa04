import { link } from './associations.ts';
import { newObject, type Portal, saveObject, type Values } from './portal.ts';
import type { CrmType } from './property-definitions.ts';

/** Repeatable choices from one seed. */
export type Dice = { below(n: number): number; pick<T>(list: readonly [T, ...T[]]): T; oneIn(n: number): boolean };

// Invented names with the letters that break naive code: accents, apostrophes, hyphens, right-to-left, CJK, emoji.
const firstNames = [
  'Ada',
  'Bram',
  'Chloë',
  'Dmitri',
  'Eszter',
  'Fatima',
  'Göran',
  'Hanna',
  'Ioana',
  'José',
  'Kwame',
  'Łucja',
  'Mai',
  'Nuria',
  'Örjan',
  'Priya',
  'Quirijn',
  'Renée',
  'Søren',
  'Tomás',
  'Uğur',
  'Věra',
  'Wiebke',
  'Ximena',
  'Yuki',
  'Zoë',
  'مريم',
  '美咲',
  'anna-lena',
  'JAN',
] as const;
const lastNames = [
  'Achterberg',
  "O'Sample",
  'van der Testen',
  'Müller-Probe',
  'Ñandú',
  'Çelikbeispiel',
  'Kowalczyk',
  'Nováková',
  'Smith',
  'de Vries',
  'Jørgensen',
  'Ștefănescu',
  'Example',
  'Testa',
  'Łąkowska',
  'D’Esempio',
  'Null',
  'N/A',
  'Yamada 🚀',
  'Schäfer',
] as const;
const companyStems = [
  'Northwind',
  'Acme',
  'Globex',
  'Initech',
  'Umbra',
  'Contoso',
  'Fjord',
  'Kästner',
  'Señal',
  'Blue Heron',
  'Öresund',
  'Zephyr',
  'Mosaic',
  'Harbour',
  'Tulip',
  'Granit',
] as const;
const companyEnds = [
  'GmbH',
  'B.V.',
  'Ltd',
  'Inc.',
  'AB',
  'S.A.',
  'sp. z o.o.',
  'Logistics',
  'Systems',
  'Retail',
  'Works',
  '& Sons',
] as const;
const cities = ['Amsterdam', 'Köln', 'Malmö', 'Łódź', 'Zürich', 'São Paulo', 'amsterdam ', 'ROTTERDAM', ''] as const;
const countries = ['Netherlands', 'NL', 'Nederland', 'Germany', 'DE', 'Deutschland', 'Sweden', 'Poland', ''] as const;
const dealWords = [
  'Renewal',
  'Expansion',
  'Pilot',
  'Licence',
  'Onboarding',
  'Support contract',
  'Réseau',
  'Umzug',
] as const;
const badDates = ['31/02/2025', '2025-13-01', 'next week', '01.02.25', '20250231', 'Q3', '0000-00-00'] as const;

/** Fills an empty portal: 1,000 contacts, 200 companies, 300 deals, 60 tickets. The same seed gives the same portal. */
export function seedPortal(portal: Portal, seed: number): void {
  const dice = createDice(seed);
  const startMs = portal.clock.now() - 400 * 86_400_000;
  const place = (type: CrmType, id: number, values: Values) => {
    const atMs = startMs + dice.below(395 * 86_400) * 1000;
    const object = newObject(portal, type, String(id), values, atMs);
    portal.objects[type].set(object.id, { ...object, indexAtMs: atMs });
    saveObject(portal, portal.objects[type].get(object.id) ?? object);
  };
  for (let n = 0; n < 200; n += 1) place('companies', 201 + n, company(dice, n));
  for (let n = 0; n < 1000; n += 1) place('contacts', 1001 + n, contact(dice, n));
  for (let n = 0; n < 300; n += 1) place('deals', 501 + n, deal(dice, startMs));
  for (let n = 0; n < 60; n += 1) place('tickets', 901 + n, ticket(dice));
  linkAll(portal, dice);
}

function contact(dice: Dice, n: number): Values {
  // About every twelfth contact is an earlier one again: other capitals, a plus address, a blank too many.
  const again = n > 50 && dice.oneIn(12);
  const person = again ? dice.below(n) : n;
  const first = firstNames[person % firstNames.length] ?? 'Ada';
  const last = lastNames[Math.floor(person / firstNames.length) % lastNames.length] ?? 'Example';
  const local = `${ascii(first)}.${ascii(last)}${person}`;
  const domain = dice.pick(['example.com', 'example.org', 'example.net', 'mail.example.com']);
  const email = again ? `${local}+${n}@${domain}` : `${local}@${domain}`;
  return compact({
    email: dice.oneIn(15) ? null : email,
    firstname: dice.oneIn(20) ? null : again ? ` ${first.toUpperCase()}` : first,
    lastname: dice.oneIn(25) ? null : last,
    phone: dice.oneIn(4) ? null : phone(dice),
    mobilephone: dice.oneIn(3) ? phone(dice) : null,
    company: dice.oneIn(3) ? null : `${dice.pick(companyStems)} ${dice.pick(companyEnds)}`,
    jobtitle: dice.oneIn(2)
      ? null
      : dice.pick(['CEO', 'Buyer', 'buyer', 'Head of Operations', 'Leiter Einkauf', 'N/A', '-']),
    city: dice.pick(cities),
    country: dice.pick(countries),
    lifecyclestage: dice.pick(['lead', 'lead', 'customer', 'opportunity', 'subscriber']),
    imported_birthday: dice.oneIn(3)
      ? dice.pick(badDates)
      : dice.oneIn(2)
        ? `19${60 + dice.below(40)}-0${1 + dice.below(9)}-1${dice.below(10)}`
        : null,
    newsletter_opt_in: dice.pick(['true', 'false']),
  });
}

function company(dice: Dice, n: number): Values {
  const again = n > 20 && dice.oneIn(10);
  const stem = companyStems[n % companyStems.length] ?? 'Acme';
  const name = `${stem} ${companyEnds[Math.floor(n / companyStems.length) % companyEnds.length]}`;
  return compact({
    name: dice.oneIn(30) ? null : again ? name.toLowerCase().replace(/[.,]/g, '') : name,
    domain: `${ascii(stem)}${again ? n - dice.below(20) : n}.example`,
    phone: dice.oneIn(3) ? null : phone(dice),
    city: dice.pick(cities),
    country: dice.pick(countries),
    tax_number: dice.oneIn(3)
      ? null
      : dice.pick([`NL${100_000_000 + n}B01`, `nl ${100_000_000 + n} b01`, `DE${200_000_000 + n}`]),
    industry: dice.oneIn(4) ? null : dice.pick(['COMPUTER_SOFTWARE', 'MACHINERY', 'RETAIL']),
    numberofemployees: dice.oneIn(3) ? null : String(1 + dice.below(5000)),
    lifecyclestage: dice.pick(['lead', 'customer', 'opportunity']),
  });
}

function deal(dice: Dice, startMs: number): Values {
  const renewal = dice.oneIn(6);
  const openMs = startMs + dice.below(700 * 86_400) * 1000;
  return compact({
    dealname: `${dice.pick(companyStems)} ${dice.pick(companyEnds)} ${dice.pick(dealWords)}${dice.oneIn(9) ? ' ' : ''}`,
    pipeline: renewal ? 'renewals' : 'default',
    dealstage: renewal
      ? dice.pick(['renewal_due', 'renewal_won', 'renewal_lost'])
      : dice.pick([
          'appointmentscheduled',
          'qualifiedtobuy',
          'presentationscheduled',
          'decisionmakerboughtin',
          'contractsent',
          'closedwon',
          'closedlost',
        ]),
    amount: dice.oneIn(8) ? null : dice.pick([String(dice.below(90_000)), `${dice.below(9000)}.5`, '0', '-1']),
    closedate: dice.oneIn(7) ? null : new Date(openMs).toISOString(),
    contract_start_text: dice.oneIn(4) ? dice.pick(badDates) : null,
    dealtype: dice.oneIn(3) ? null : dice.pick(['newbusiness', 'existingbusiness']),
  });
}

function ticket(dice: Dice): Values {
  return compact({
    subject: dice.pick([
      'Invoice is wrong',
      'Rechnung fehlt',
      'Cannot log in',
      '¿Dónde está mi pedido?',
      'Re: Re: Fwd:',
      'damaged 📦',
      '请帮忙',
    ]),
    content: dice.oneIn(3)
      ? null
      : dice.pick(['Please call back.', 'See attachment\u200b.', 'line one\r\nline two', '<b>urgent</b>']),
    hs_pipeline: '0',
    hs_pipeline_stage: dice.pick(['1', '2', '3', '4']),
    hs_ticket_priority: dice.oneIn(3) ? null : dice.pick(['LOW', 'MEDIUM', 'HIGH']),
  });
}

function linkAll(portal: Portal, dice: Dice): void {
  const some = (type: CrmType, first: number, count: number) => ({ type, id: String(first + dice.below(count)) });
  const join = (from: CrmType, fromId: string, to: { type: CrmType; id: string }, typeIds: readonly number[] = []) =>
    link(portal, { from, fromId, to: to.type, toId: to.id }, typeIds);
  for (const id of portal.objects.contacts.keys())
    if (!dice.oneIn(4)) join('contacts', id, some('companies', 201, 200), [279, 1]);
  for (const id of portal.objects.deals.keys()) {
    if (!dice.oneIn(10)) join('deals', id, some('contacts', 1001, 1000));
    if (!dice.oneIn(6)) join('deals', id, some('companies', 201, 200), [341, 5]);
  }
  for (const id of portal.objects.tickets.keys()) join('tickets', id, some('contacts', 1001, 1000));
}

// Numbers of the ranges reserved for fiction, in the shapes people type them.
function phone(dice: Dice): string {
  const digits = String(100 + dice.below(100)).padStart(4, '0');
  return dice.pick([
    `+1 202-555-${digits}`,
    `(202) 555 ${digits}`,
    `00 1 202 555${digits}`,
    `202.555.${digits} ext. 7`,
    '555',
    'ask reception',
    `+1 202-555-O${digits.slice(1)}`,
  ]);
}

function ascii(text: string): string {
  const plain = text
    .normalize('NFD')
    .replace(/[^A-Za-z]/g, '')
    .toLowerCase();
  return plain === '' ? 'x' : plain;
}

// An empty string is no value in HubSpot.
function compact(values: Values): Values {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== null && value !== ''));
}

/** mulberry32, a small well-mixed generator: the seed is all its state. */
export function createDice(seed: number): Dice {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
  const below = (n: number) => Math.floor(next() * n);
  return { below, pick: (list) => list[below(list.length)] ?? list[0], oneIn: (n) => below(n) === 0 };
}
