import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { tools as index } from '../../config/tools/index.ts';
import type { SalesforceSimulator } from '../../infra/local/systems/salesforce/start.ts';
import type { PlumblineConfig } from '../../shared/config/schema.ts';
import { manifest } from '../../shared/connectors/salesforce/manifest.ts';
import { operationById } from '../../shared/connectors/salesforce/operations.ts';
import { makeCatalog } from '../../shared/tools/catalog.ts';
import type { Tool } from '../../shared/tools/define.ts';
import { loadTools } from '../../shared/tools/list.ts';
import { loadOperations } from '../../shared/tools/operations.ts';
import { type AgentWorld, agentWorld, callTool, shippedConfig } from '../kit/agent-world.ts';
import { callSalesforce, senderTo, startTestSalesforce } from '../kit/salesforce-simulator.ts';

const tools: readonly Tool[] = (await loadTools(index)).filter(
  ({ name }) => index[name]?.through.join() === 'salesforce',
);
type Scope = Partial<PlumblineConfig['agents'][string]['scope']>;

/** The shipped configuration, with the agent of Salesforce under the key that the test world knows. */
function configured(scope: Scope = {}): PlumblineConfig {
  const config = shippedConfig();
  const agent = config.agents['account-assistant'];
  if (!agent) throw new Error('no such agent');
  return {
    ...config,
    agents: { ...config.agents, 'support-assistant': { ...agent, scope: { ...agent.scope, ...scope } } },
  };
}

let world: AgentWorld;
let salesforce: SalesforceSimulator;
const open = async (scope: Scope = {}) => {
  salesforce = await startTestSalesforce();
  world = await agentWorld(configured(scope));
};
const reopen = async (scope: Scope) => {
  await world.close();
  await salesforce.close();
  await open(scope);
};
const ownDeps = () => ({
  ...world.deps,
  ...{ catalog: makeCatalog(tools), operations: operationById, send: senderTo(salesforce) },
});
const call = async (tool: string, args: object, run = 'r1', deps: AgentWorld['deps'] = ownDeps()) =>
  (await callTool(deps, tool, args, { agent: 'support', run })).body;
const post = async (type: string, fields: object): Promise<string> => {
  const { status, text, body } = await callSalesforce(salesforce, 'POST', `sobjects/${type}`, fields);
  if (status !== 201) throw new Error(text);
  return body.id;
};
const changes = () => salesforce.effects.effects().length;

describe('the Salesforce tools', () => {
  it('plan a request of each of their examples, with no scope that is not configured', () => {
    expect(tools.map(({ name }) => name).length).toBe(10);
    for (const tool of tools) {
      if (tool.kind === 'across') throw new Error(tool.name);
      for (const example of tool.examples) {
        const planned = tool.operation(z.parse(tool.input, example) as never, { nowMs: 0 });
        const operation = operationById(planned.operation);
        expect(operation?.request({ apiVersion: '62.0', providerKey: 'act_k_1' }, planned.input).path).toMatch(
          /^\/services\/data\/v62\.0\//,
        );
        expect(configured().systems['salesforce']?.scopes).toEqual(
          expect.arrayContaining([...(operation?.scopes ?? [])]),
        );
      }
    }
    expect(configured().systems['salesforce']?.scopes).toEqual(manifest.scopes);
  });
});

describe('an agent in Salesforce', () => {
  beforeEach(() => open());
  afterEach(async () => {
    await world.close();
    await salesforce.close();
  });

  it('sees an account with what belongs to it, and of its people only what it is given', async () => {
    const AccountId = await post('Account', { Name: 'Acme', Phone: '+31201234567' });
    await post('Contact', { FirstName: 'Maria', LastName: 'Gomez', Email: 'maria@example.com', AccountId });
    await post('Case', { Subject: 'Mail of maria@example.com', AccountId });
    const { status, data } = await call('account_get', { account_id: AccountId });
    expect([status, data]).toMatchObject([
      'ok',
      { account: { name: 'Acme' }, contacts: [{ first_name: 'Maria' }], open_cases: [{}], more_of: [] },
    ]);
    expect(JSON.stringify(data)).not.toMatch(/maria@|20123/);
    await reopen({ personal: [] });
    const other = await post('Account', { Name: 'Acme' });
    await post('Contact', { FirstName: 'Maria', LastName: 'Gomez', AccountId: other });
    expect(JSON.stringify(await call('account_get', { account_id: other }))).not.toMatch(/Maria|Gomez/);
  });

  it('sees nothing of what belongs to an account outside its scope', async () => {
    await reopen({ records: { account: 'Type = Prospect' } });
    const [inside, outside] = [
      await post('Account', { Name: 'A', Type: 'Prospect' }),
      await post('Account', { Name: 'B' }),
    ];
    for (const AccountId of [inside, outside]) await post('Contact', { LastName: 'Secret', AccountId });
    expect((await call('account_get', { account_id: inside })).data.contacts).toHaveLength(1);
    expect(JSON.stringify(await call('account_get', { account_id: outside }))).not.toMatch(/Secret|"B"/);
  });

  it('finds accounts by part of a name, whatever signs are in it, and by their link', async () => {
    await post('Account', { Name: "O'Neill 100%_ GmbH", HubSpot_Id__c: '9001' });
    await post('Account', { Name: 'Other' });
    for (const args of [{ name: "o'neill" }, { name: '100%_' }, { hubspot_id: '9001' }]) {
      expect((await call('account_find', args)).data.accounts).toMatchObject([{ name: "O'Neill 100%_ GmbH" }]);
    }
    expect((await call('account_find', { name: "' OR Name != '" })).data.accounts).toEqual([]);
    expect((await call('account_find', { name: 'a', hubspot_id: '1' })).error.code).toBe('invalid_input');
  });

  it('makes the account of a HubSpot company once, and changes it by the same link', async () => {
    const args = { hubspot_id: '9001', name: 'Acme GmbH', city: 'Utrecht' };
    const said = [await call('account_upsert', args), await call('account_upsert', args)];
    expect([said.map(({ status }) => status), changes()]).toEqual([['applied', 'replayed'], 1]);
    const changed = await call('account_upsert', { ...args, name: 'Acme AG' });
    expect(changed.data.account).toMatchObject({ name: { before: 'Acme GmbH', after: 'Acme AG' } });
    expect(salesforce.org.rows.Account.size).toBe(1);
  });

  it('moves an opportunity forward, and never one that is closed', async () => {
    const open = await post('Opportunity', { Name: 'O', StageName: 'Qualification', CloseDate: '2030-01-01' });
    const closed = await post('Opportunity', { Name: 'O', StageName: 'Closed Lost', CloseDate: '2020-01-01' });
    const reason = 'Maria confirmed it on the phone.';
    const before = changes();
    const moved = await call('opportunity_update_stage', { opportunity_id: open, stage: 'Negotiation/Review', reason });
    expect(moved.data.opportunity.stage).toEqual({ before: 'Qualification', after: 'Negotiation/Review' });
    const reopened = await call('opportunity_update_stage', { opportunity_id: closed, stage: 'Prospecting', reason });
    expect([reopened.status, changes() - before]).toEqual(['refused', 1]);
    const won = await call('opportunity_update_stage', { opportunity_id: open, stage: 'Closed Won', reason });
    expect([won.status, changes() - before]).toEqual(['pending_approval', 1]);
    const listed = await call('opportunity_search', { stage: 'Negotiation/Review', closes_before: '2031-01-01' });
    expect(listed.data.opportunities).toMatchObject([{ id: open }]);
  });

  it('is told what Salesforce refuses in our words, with nothing written', async () => {
    const account_id = await post('Account', { Name: 'A' });
    const before = changes();
    const noContact = { account_id, contact_id: '003000000000009AAA', name: 'O', close_date: '2030-01-01' };
    expect(await call('opportunity_create', noContact)).toMatchObject({
      status: 'failed',
      error: { code: 'system_rejected' },
    });
    await callSalesforce(salesforce, 'POST', '/_admin/read-only', { type: 'Case' });
    const made = await call('case_create', { account_id, subject: 'S', description: 'D' });
    expect(made).toMatchObject({ status: 'failed', error: { code: 'system_permission' } });
    await callSalesforce(salesforce, 'POST', '/_admin/rename-field', {
      type: 'Account',
      from: 'Industry',
      to: 'Branch__c',
    });
    expect(await call('account_find', { name: 'A' })).toMatchObject({ error: { code: 'system_schema_changed' } });
    expect(changes()).toBe(before);
  });

  it('sees what HubSpot and Salesforce hold of one company, and which of them cannot be read', async () => {
    const across = (await loadTools(index)).filter(({ name }) => name === 'account_check_hubspot');
    const company = await world.create('companies', { name: 'Acme B.V.', domain: 'acme.example' });
    await post('Account', { Name: 'ACME', HubSpot_Id__c: company });
    const [toHubSpot, toSalesforce] = [world.deps.send, senderTo(salesforce)];
    Object.assign(world.deps, {
      operations: await loadOperations(configured().systems),
      send: (input: Parameters<typeof toHubSpot>[0]) =>
        (input.system === 'salesforce' ? toSalesforce : toHubSpot)(input),
    });
    const check = () =>
      call('account_check_hubspot', { hubspot_id: company }, 'r1', { ...world.deps, catalog: makeCatalog(across) });
    expect((await check()).data).toMatchObject({ hubspot: [{ name: 'Acme B.V.' }], salesforce: [{ Name: 'ACME' }] });
    salesforce.addFault({ kind: 'html_error', times: 10 });
    expect(await check()).toMatchObject({ live: false, data: { hubspot: [{}], salesforce: null } });
  });

  it('comments on a case once in the same words, and again in others', async () => {
    const case_id = await post('Case', { Subject: 'S' });
    const texts = ['It is broken.', 'It is broken.', 'It works again.'];
    const said = [];
    for (const text of texts) said.push((await call('case_append_comment', { case_id, text })).status);
    expect([said, salesforce.org.rows.CaseComment.size]).toEqual([['applied', 'replayed', 'applied'], 2]);
    expect((await call('case_get', { case_id })).data.case).toMatchObject({ subject: 'S', is_closed: false });
  });
});
