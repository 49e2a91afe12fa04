import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { tools as index } from '../../config/tools/index.ts';
import { portalZone } from '../../config/tools/supplier_portal_inputs.ts';
import { normaliseJson } from '../../shared/action/canonical.ts';
import { deriveIdentity } from '../../shared/action/keys.ts';
import { longId } from '../../shared/connectors/salesforce/client.ts';
import type { WriteTool } from '../../shared/tools/define.ts';
import { loadTools } from '../../shared/tools/list.ts';
import { loadOperations } from '../../shared/tools/operations.ts';
import { portalYaml, restConfig } from '../kit/portal-simulator.ts';

const tools = await loadTools(index);
const toolOf = (name: string) => {
  const tool = tools.find((one) => one.name === name);
  if (!tool) throw new Error(name);
  return tool;
};

/** The key that a call of a tool derives, as the pipeline derives it. */
function keyOf(name: string, args: object): string {
  const tool = toolOf(name) as WriteTool;
  const input = normaliseJson(z.parse(tool.input, args) as never) as Record<string, never>;
  const identifying = Object.fromEntries(tool.identifiedBy.map((one) => [one, input[one]]));
  const identity = deriveIdentity(
    {
      ...{ principal: 'agent:a', actionType: name, occasion: tool.occasion, windowMs: tool.windowMs },
      ...{ target: tool.target(input as never), identifying: identifying as never, input },
      ...{ runId: 'r1', event: null, idempotencyKey: null },
    },
    { nowMs: 0, retentionMs: 1 },
  );
  if (identity.kind !== 'identity') throw new Error(identity.detail);
  return identity.identity.key;
}

const caseArgs = { subject: 'Invoice is wrong', description: 'Two licences.' };
const orderArgs = { customer_id: 'CUST-1', delivery_date: '2026-12-31' };
const line = (rate?: string) => ({
  items: [{ item_code: 'BEA-100', qty: 4, ...(rate === undefined ? {} : { rate }) }],
});

const userId = '00000000-0000-4000-8000-000000000001';
const meeting = {
  ...{ user_id: userId, subject: 'Renewal' },
  ...{ start: '2026-01-31T13:00:00Z', end: '2026-01-31T13:30:00Z' },
};
const mail = { user_id: userId, subject: 'Your delivery', text: 'Dear Ms Gomez' };

describe('one intent in two spellings is one action', () => {
  it.each<[string, string, object, object]>([
    [
      'the short and the long id of a Salesforce record',
      'case_create',
      { ...caseArgs, account_id: '001000000000001' },
      { ...caseArgs, account_id: longId('001000000000001') },
    ],
    [
      'a comment on a case by its short id',
      'case_append_comment',
      { case_id: '50000000000aBcD', text: 'News.' },
      { case_id: longId('50000000000aBcD'), text: 'News.' },
    ],
    [
      'a price with a zero at its end',
      'sales_order_create',
      { ...orderArgs, ...line('9.50') },
      { ...orderArgs, ...line('9.5') },
    ],
    [
      'an expected amount with and without its cents',
      'deal_create',
      { name: 'A', amount: '12500.00' },
      { name: 'A', amount: '12500' },
    ],
    [
      'a price with a zero in front',
      'sales_order_create',
      { ...orderArgs, ...line('009') },
      { ...orderArgs, ...line('9.0') },
    ],
    [
      'the first message of a thread, named as its own reply',
      'slack_message_update',
      { message_id: 'C0A1/1715000000.000100', text: 'x' },
      { message_id: 'C0A1/1715000000.000100/1715000000.000100', text: 'x' },
    ],
    [
      'people named in another order, and one of them twice',
      'slack_message_post',
      { channel_id: 'C0A1', text: 'x', mention_user_ids: ['U0A', 'U0B', 'U0A'] },
      { channel_id: 'C0A1', text: 'x', mention_user_ids: ['U0B', 'U0A'] },
    ],
    [
      'a meeting whose people are named in another order',
      'calendar_meeting_invite',
      { ...meeting, attendees: ['ben@example.com', 'Anna@example.com'] },
      { ...meeting, attendees: ['anna@example.com', 'ben@example.com', 'anna@example.com'] },
    ],
    [
      'a mail to the same people in another order',
      'email_draft_create',
      { ...mail, to: ['b@example.com', 'a@example.com'] },
      { ...mail, to: ['a@example.com', 'b@example.com'] },
    ],
  ])('%s', (_what, tool, one, other) => {
    expect(keyOf(tool, one)).toBe(keyOf(tool, other));
  });

  it.each<[string, string, object, object]>([
    [
      'an order at the price list and one at a price',
      'sales_order_create',
      { ...orderArgs, ...line() },
      { ...orderArgs, ...line('0') },
    ],
    ['two prices', 'sales_order_create', { ...orderArgs, ...line('9.05') }, { ...orderArgs, ...line('9.5') }],
    [
      'a reply and the first message of its thread',
      'slack_message_update',
      { message_id: 'C0A1/1715000000.000100/1715000001.000100', text: 'x' },
      { message_id: 'C0A1/1715000000.000100', text: 'x' },
    ],
    [
      'two records whose ids differ in letter case',
      'case_append_comment',
      { case_id: '50000000000aBcD', text: 'News.' },
      { case_id: '50000000000abcd', text: 'News.' },
    ],
  ])('but %s are two', (_what, tool, one, other) => {
    expect(keyOf(tool, one)).not.toBe(keyOf(tool, other));
  });

  it('a price keeps its value, whatever it is', () => {
    const price = fc.tuple(fc.nat(999_999_999), fc.option(fc.stringMatching(/^[0-9]{1,4}$/), { nil: undefined }));
    fc.assert(
      fc.property(price, ([whole, part]) => {
        const rate = part === undefined ? String(whole) : `${whole}.${part}`;
        const parsed = z.parse(toolOf('sales_order_create').input, { ...orderArgs, ...line(rate) }) as {
          items: { rate: string }[];
        };
        expect(parsed.items[0]?.rate).toMatch(/^[0-9]+(\.[0-9]*[1-9])?$/);
        expect(Number(parsed.items[0]?.rate)).toBe(Number(rate));
      }),
    );
  });
});

describe('a day at the supplier', () => {
  const tool = toolOf('portal_order_list');
  const ask = async (changed_since: string) => {
    if (tool.kind !== 'read') throw new Error(tool.kind);
    const operations = await loadOperations({ 'supplier-portal': restConfig(portalYaml()['rest'] as object) });
    const call = tool.operation(z.parse(tool.input, { changed_since }) as never, { nowMs: 0 });
    return operations(call.operation)?.request({ apiVersion: 'none', providerKey: '' }, call.input);
  };

  it('begins where its clocks say so, in summer and in winter', async () => {
    expect((await ask('2026-07-01'))?.query).toContainEqual(['changed_after', '2026-07-01T00:00:00']);
    expect((await ask('2026-11-01'))?.query).toContainEqual(['changed_after', '2026-11-01T00:00:00']);
    expect(readFileSync('config/systems/supplier-portal.yaml', 'utf8')).toContain(`zone: ${portalZone}`);
  });

  it.each(['2026-02-30', '2026-13-01', '2026-11-31', '2026-00-10'])('%s is none', (day) => {
    expect(z.safeParse(tool.input, { changed_since: day }).success).toBe(false);
  });
});

describe('the next page of a mailbox', () => {
  const other = '00000000-0000-4000-8000-000000000002';
  const asked: Readonly<Record<string, object>> = {
    mail_search: {},
    mail_thread_get: { conversation_id: 'AAQkADExample000001=' },
    calendar_list: { from: '2026-01-31T00:00:00Z', to: '2026-02-07T00:00:00Z' },
  };
  const takes = (tool: string, user_id: string, list: string, mailbox: string) => {
    const after = `/v1.0/users${mailbox}/${list}?$skiptoken=x`;
    return z.safeParse(toolOf(tool).input, { ...asked[tool], user_id, after }).success;
  };

  it.each([
    ['mail_search', 'messages'],
    ['mail_thread_get', 'messages'],
    ['calendar_list', 'calendarView'],
  ])('is taken by %s for the mailbox that is named, and for no other', (tool, list) => {
    expect(takes(tool, userId, list, `/${userId}`)).toBe(true);
    expect(takes(tool, userId, list, `('${userId}')`)).toBe(true);
    expect(takes(tool, userId, list, `/${other}`)).toBe(false);
    expect(takes(tool, userId, list, `('${other}')`)).toBe(false);
    expect(takes(tool, userId, list, '')).toBe(false);
  });
});
