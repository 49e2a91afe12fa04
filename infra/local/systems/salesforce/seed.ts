import type { Values as HubSpotValues } from '../hubspot/portal.ts';
import { createDice, type Dice } from '../hubspot/seed.ts';
import { simulatedPeople } from '../people.ts';
import { type Org, place, seconds, type Values } from './org.ts';

const dayMs = 86_400_000;

/**
 * Fills an empty organization: some 160 accounts and 650 contacts, most of them companies and people of the simulated HubSpot
 * portal of the same seed under other spellings, some of them twice; 250 opportunities, 120 cases, 80 tasks.
 */
export function seedOrg(org: Org, seed: number): void {
  const dice = createDice(seed + 13);
  const { contacts, companies } = simulatedPeople({ clock: org.clock, seed });
  const fromMs = org.clock.now() - 390 * dayMs;
  const at = () => seconds(fromMs + dice.below(385) * dayMs + dice.below(86_400) * 1000);
  const accounts: string[] = [];
  const people: string[] = [];
  for (const [id, values] of companies) {
    if (dice.oneIn(5)) continue;
    accounts.push(place(org, 'Account', account(dice, id, values), at()).id);
    if (dice.oneIn(12)) accounts.push(place(org, 'Account', account(dice, null, values), at()).id);
  }
  for (const [id, values] of contacts) {
    if (!dice.oneIn(3)) people.push(place(org, 'Contact', contact(dice, id, values, some(dice, accounts)), at()).id);
    if (dice.oneIn(15)) people.push(place(org, 'Contact', contact(dice, null, values, some(dice, accounts)), at()).id);
  }
  for (let n = 0; n < 250; n += 1) place(org, 'Opportunity', opportunity(dice, org, some(dice, accounts)), at());
  for (let n = 0; n < 120; n += 1) {
    const links = { AccountId: some(dice, accounts), ContactId: dice.oneIn(4) ? null : some(dice, people) };
    place(org, 'Case', { ...supportCase(dice), CaseNumber: String(1001 + n).padStart(8, '0'), ...links }, at());
  }
  for (let n = 0; n < 80; n += 1) {
    const task = {
      Subject: dice.pick(['Call', 'Email: Re: offer', 'to do', 'Besuch']),
      Status: dice.pick(['Not Started', 'Completed']),
      Priority: 'Normal',
    };
    place(org, 'Task', { ...task, WhoId: some(dice, people), WhatId: some(dice, accounts) }, at());
  }
}

function some(dice: Dice, ids: readonly string[]): string | null {
  return ids[dice.below(ids.length)] ?? null;
}

const bare = (text: string) => text.normalize('NFD').replaceAll(/\p{Mn}/gu, '');

function account(dice: Dice, id: string | null, values: HubSpotValues): Values {
  const name = values.name ?? `${values.domain ?? 'unknown'}`;
  const spelt = dice.pick([
    name,
    name,
    name.toUpperCase(),
    bare(name),
    name.replace(/ (GmbH|B\.V\.|Ltd|Inc\.|AB)$/, ''),
    `${name} (old)`,
  ]);
  return {
    Name: spelt,
    Type: dice.pick(['Customer - Direct', 'Prospect', 'Partner', 'Other', null]),
    Website: values.domain
      ? dice.pick([values.domain, `https://www.${values.domain}/`, `HTTP://${values.domain}`])
      : null,
    Phone: dice.oneIn(2) ? (values.phone ?? null) : null,
    BillingCity: values.city?.trim() || null,
    BillingCountry: dice.pick([values.country ?? null, 'Netherlands', null]),
    AccountNumber: dice.oneIn(3) ? (values.tax_number ?? null) : null,
    // Only some are linked, and the older reference was filled by hand.
    HubSpot_Id__c: id !== null && dice.oneIn(3) ? id : null,
    Legacy_Id__c: dice.oneIn(4) ? `L-${dice.below(60)}` : null,
  };
}

/** One person as sales knows them: names swapped, without accents or in capitals, the address typed again. */
function contact(dice: Dice, id: string | null, values: HubSpotValues, accountId: string | null): Values {
  const [first, last] = [(values.firstname ?? '').trim(), (values.lastname ?? '').trim() || 'Unknown'];
  const [firstName, lastName] = dice.oneIn(25)
    ? [last, first || last]
    : [
        dice.pick([first, first, bare(first), first.charAt(0)]),
        dice.pick([last, last, bare(last), last.toUpperCase()]),
      ];
  const email = values.email ?? null;
  const written =
    email === null ? null : dice.pick([email, email, email.replace(/\+[0-9]+@/, '@'), email.replace('@mail.', '@')]);
  const digits = (values.phone ?? '').replaceAll(/[^0-9]/g, '');
  return {
    FirstName: firstName || null,
    LastName: lastName,
    Email: dice.oneIn(10) ? null : (written?.toLowerCase() ?? null),
    Phone: digits.length > 6 ? dice.pick([values.phone ?? null, `+${digits}`, digits]) : null,
    Title: dice.pick([values.jobtitle ?? null, 'Einkauf', 'n/a', null]),
    MailingCity: values.city?.trim() || null,
    AccountId: dice.oneIn(6) ? null : accountId,
    HubSpot_Id__c: id !== null && dice.oneIn(4) ? id : null,
    Legacy_Id__c: dice.oneIn(5) ? `P-${dice.below(80)}` : null,
  };
}

function opportunity(dice: Dice, org: Org, accountId: string | null): Values {
  const closeMs = org.clock.now() + (dice.below(500) - 300) * dayMs;
  return {
    Name: `${dice.pick(['Renewal', 'Expansion', 'Pilot', 'Réseau', 'Umzug', 'licence '])} ${2024 + dice.below(3)}`,
    StageName: dice.pick([
      'Prospecting',
      'Qualification',
      'Proposal/Price Quote',
      'Negotiation/Review',
      'Closed Won',
      'Closed Lost',
    ]),
    Amount: dice.oneIn(8) ? null : dice.below(9_000_000) / 100,
    CloseDate: new Date(closeMs).toISOString().slice(0, 10),
    Type: dice.pick(['New Business', 'Existing Business', null]),
    AccountId: dice.oneIn(12) ? null : accountId,
  };
}

function supportCase(dice: Dice): Values {
  return {
    Subject: dice.pick(['Invoice is wrong', 'Rechnung fehlt', 'Cannot log in', 'Re: Re: Fwd:', 'damaged 📦', null]),
    Status: dice.pick(['New', 'Working', 'Escalated', 'Closed']),
    Priority: dice.pick(['High', 'Medium', 'Low']),
    Origin: dice.pick(['Phone', 'Email', 'Web', null]),
    Description: dice.oneIn(2) ? null : dice.pick(['Please call back.', 'line one\nline two', '<b>urgent</b>']),
  };
}
