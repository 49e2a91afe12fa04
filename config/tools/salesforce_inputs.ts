import * as z from 'zod/mini';
import { longId } from '../../shared/connectors/salesforce/client.ts';
import { isObject, type Json } from '../../shared/model/json.ts';
import type { FoundRecord } from '../../shared/tools/define.ts';
import { recordsOf } from '../../shared/tools/records.ts';

/** A Salesforce record id of one object, by its first three characters; the short form of an id becomes the long one. */
export const salesforceId = (prefix: string) =>
  z
    .string()
    .check(
      z.regex(new RegExp(`^${prefix}[A-Za-z0-9]{12}(?:[A-Za-z0-9]{3})?$`), `an id that begins with ${prefix}`),
      z.overwrite(longId),
    );

/** A day, such as 2026-03-31. */
export const day = z.string().check(z.regex(/^20[0-9]{2}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])$/, 'YYYY-MM-DD'));

/** An amount in the currency of the organization. */
export const amount = z.number().check(z.minimum(0), z.maximum(999_999_999));

/** Account fields that agents work with, and what they are called in answers. */
export const accountFields = {
  Name: 'name',
  Type: 'type',
  Industry: 'industry',
  Phone: 'phone',
  Website: 'website',
  BillingCity: 'city',
  BillingCountry: 'country',
} as const;

export const contactNames = { FirstName: 'first_name', LastName: 'last_name', Email: 'email', Title: 'title' } as const;

export const opportunityFields = {
  Name: 'name',
  StageName: 'stage',
  Amount: 'amount',
  CloseDate: 'close_date',
  IsClosed: 'is_closed',
  AccountId: 'account_id',
} as const;

export const caseFields = {
  CaseNumber: 'number',
  Subject: 'subject',
  Status: 'status',
  Priority: 'priority',
  IsClosed: 'is_closed',
  AccountId: 'account_id',
  ContactId: 'contact_id',
} as const;

/** The open stages of opportunities as this organization calls them. */
export const openStageNames = ['Prospecting', 'Qualification', 'Proposal/Price Quote', 'Negotiation/Review'] as const;
export const stageNames = [...openStageNames, 'Closed Won', 'Closed Lost'] as const;

/** From an open stage to any other; a closed opportunity is reopened by a person only. */
export const stageNameMoves: Readonly<Record<string, readonly string[]>> = Object.fromEntries(
  openStageNames.map((from) => [from, stageNames.filter((to) => to !== from)]),
);

const parts = { contacts: 'contact', opportunities: 'opportunity', cases: 'case' } as const;

/** The account of an overview and everything that belongs to it, each a record of its own for scope and masking. */
export function overviewRecords(data: Json): readonly FoundRecord[] {
  if (!isObject(data)) return [];
  const lists = Object.entries(parts).map(([list, object]) => recordsOf(object)(data[list] ?? null));
  return [...recordsOf('account')(data), ...lists.flat()];
}

/** An overview as an agent gets it, made of the records that passed alone. */
export function presentOverview(records: readonly FoundRecord[], data: Json): Json {
  const [account] = records.filter(({ object }) => object === 'account');
  if (!account) return {};
  const shown = (object: string, names: Readonly<Record<string, string>>) =>
    records.filter((record) => record.object === object).map((record) => named(record, names));
  const more = Object.keys(parts).filter((list) => {
    const held = isObject(data) ? data[list] : null;
    return isObject(held ?? undefined) && (held as { readonly more?: Json }).more === true;
  });
  return {
    account: named(account, accountFields),
    contacts: shown('contact', contactNames),
    open_opportunities: shown('opportunity', opportunityFields),
    open_cases: shown('case', caseFields),
    more_of: more,
  };
}

function named({ id, fields }: FoundRecord, names: Readonly<Record<string, string>>): Json {
  return { id, ...Object.fromEntries(Object.entries(names).map(([field, name]) => [name, fields[field] ?? null])) };
}
