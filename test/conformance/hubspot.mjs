import { Client } from '@hubspot/api-client';
import { startHubSpot } from '../../infra/local/systems/hubspot/start.ts';
import { systemClock } from '../../shared/model/clock.ts';
import { check } from './check.mjs';

const accessToken = 'local-conformance-token';
const simulator = await startHubSpot({ port: 0, seed: 7, clock: systemClock, staticTokens: [accessToken] });
const hubspot = new Client({ accessToken, basePath: simulator.url });
const { contacts, companies, deals } = hubspot.crm;
const statusOf = (call) =>
  call.then(
    () => 'no error',
    (error) => error.code,
  );

await check(
  'hubspot',
  {
    'pages see every contact once': async () => {
      const all = await contacts.getAll(100);
      return [
        [all.length > 100, new Set(all.map(({ id }) => id)).size],
        [true, all.length],
      ];
    },
    'create, read by e-mail, update, archive': async () => {
      const made = await contacts.basicApi.create({ properties: { email: 'ada@example.com' }, associations: [] });
      await contacts.basicApi.update(made.id, { properties: { firstname: 'Ada' } });
      const read = await contacts.basicApi.getById('ada@example.com', ['firstname'], [], [], false, 'email');
      await contacts.basicApi.archive(made.id);
      return [
        [read.id, read.properties.firstname, await statusOf(contacts.basicApi.getById(made.id))],
        [made.id, 'Ada', 404],
      ];
    },
    'a second contact of one e-mail is refused': async () => {
      const make = () => contacts.basicApi.create({ properties: { email: 'twice@example.com' }, associations: [] });
      await make();
      return [await statusOf(make()), 409];
    },
    'search with a filter': async () => {
      const found = await contacts.searchApi.doSearch({
        filterGroups: [{ filters: [{ propertyName: 'email', operator: 'HAS_PROPERTY' }] }],
        ...{ sorts: ['lastmodifieddate'], properties: ['email'], limit: 5, after: '0' },
      });
      return [
        [found.results.length, found.total > 5],
        [5, true],
      ];
    },
    'batch upsert says what is new': async () => {
      const inputs = ['new@example.com', 'twice@example.com'].map((id) => ({
        ...{ id, idProperty: 'email', properties: { firstname: 'B' } },
      }));
      const { results } = await contacts.batchApi.upsert({ inputs });
      return [results.map((one) => one._new ?? one.new).sort(), [false, true]];
    },
    'an association between contact and company': async () => {
      const contact = await contacts.basicApi.create({ properties: { email: 'c@example.com' }, associations: [] });
      const company = await companies.basicApi.create({ properties: { name: 'C' }, associations: [] });
      const type = [{ associationCategory: 'HUBSPOT_DEFINED', associationTypeId: 279 }];
      await hubspot.crm.associations.v4.basicApi.create('contacts', contact.id, 'companies', company.id, type);
      const { results } = await hubspot.crm.associations.v4.basicApi.getPage('contacts', contact.id, 'companies');
      return [results.map(({ toObjectId }) => String(toObjectId)), [company.id]];
    },
    'properties of deals': async () => {
      const { results } = await hubspot.crm.properties.coreApi.getAll('deals');
      return results.some(({ name }) => name === 'dealstage');
    },
    'a deal by id': async () => {
      const page = await deals.basicApi.getPage(1);
      const [{ id }] = page.results;
      return [(await deals.basicApi.getById(id)).id, id];
    },
    'a wrong token is 401': async () => {
      const other = new Client({ accessToken: 'wrong', basePath: simulator.url });
      return [await statusOf(other.crm.deals.basicApi.getPage(1)), 401];
    },
  },
  () => simulator.close(),
);
