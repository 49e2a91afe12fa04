import { generateKeyPairSync, randomUUID, sign } from 'node:crypto';
import jsforce from 'jsforce';
import { startSalesforce } from '../../infra/local/systems/salesforce/start.ts';
import { systemClock } from '../../shared/model/clock.ts';
import { check } from './check.mjs';

const version = '62.0';
const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const simulator = await startSalesforce({
  ...{ port: 0, seed: 42, clock: systemClock, dailyCalls: 1_000_000, batchSize: 200 },
  app: {
    ...{ clientId: 'app', clientSecret: 'app-secret', refreshToken: 'refresh-1', password: 'pass&word' },
    jwtPublicKey: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
  },
});
const { url } = simulator;
const app = { loginUrl: url, clientId: 'app', clientSecret: 'app-secret', redirectUri: 'http://127.0.0.1/callback' };

const same = (actual, expected, what) => {
  const [one, other] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (one !== other) throw new Error(`${what ?? 'value'}: ${one}, expected ${other}`);
};
const refused = async (work, code) => {
  const error = await work.then(
    () => ({ errorCode: 'nothing' }),
    (reason) => reason,
  );
  same(error.errorCode ?? error.name, code, 'refusal');
  return error;
};

const checks = {};
const holds = (name, work) => {
  checks[name] = async () => {
    await work();
    return true;
  };
};

const withClient = async (params) => {
  const connection = new jsforce.Connection({ oauth2: app, version });
  await connection.authorize(params);
  return connection;
};

holds('authorize: client credentials', async () => {
  const connection = await withClient({ grant_type: 'client_credentials' });
  same(connection.instanceUrl, url, 'instance');
  same(connection.userInfo.organizationId, simulator.org.organizationId, 'organization');
});

const assertion = (claims = {}) => {
  const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const exp = Math.floor(Date.now() / 1000) + 120;
  const body = { iss: 'app', sub: 'service@example.com', aud: 'https://test.salesforce.com', exp, jti: randomUUID() };
  const text = `${encode({ alg: 'RS256' })}.${encode({ ...body, ...claims })}`;
  return `${text}.${sign('RSA-SHA256', Buffer.from(text), privateKey).toString('base64url')}`;
};
const grant_type = 'urn:ietf:params:oauth:grant-type:jwt-bearer';

holds('authorize: JWT bearer, and the same assertion only once', async () => {
  const once = assertion();
  const connection = await withClient({ grant_type, assertion: once });
  same((await connection.limits()).DailyApiRequests.Max, 1_000_000, 'limit');
  await refused(withClient({ grant_type, assertion: once }), 'invalid_grant');
  await refused(withClient({ grant_type, assertion: assertion({ aud: 'https://evil.example' }) }), 'invalid_grant');
});

holds('login by password: OAuth and SOAP', async () => {
  for (const options of [{ oauth2: app }, { loginUrl: url }]) {
    const connection = new jsforce.Connection({ ...options, version });
    const user = await connection.login('service@example.com', 'pass&word');
    same(user.organizationId, simulator.org.organizationId, 'organization');
    same((await connection.query('SELECT Id FROM User')).totalSize, 1, 'users');
  }
  const wrong = new jsforce.Connection({ loginUrl: url, version }).login('service@example.com', 'no');
  const message = await wrong.then(String, (error) => error.message);
  same(message.startsWith('INVALID_LOGIN'), true, message);
});

holds('refresh: an ended session is replaced and the call made again', async () => {
  const fresh = new jsforce.Connection({
    oauth2: app,
    instanceUrl: url,
    accessToken: 'ended',
    refreshToken: 'refresh-1',
    version,
  });
  let refreshes = 0;
  fresh.on('refresh', () => {
    refreshes += 1;
  });
  same((await fresh.query('SELECT Id FROM Organization')).totalSize, 1, 'organizations');
  same(refreshes, 1, 'refreshes');
});

const connection = await withClient({ grant_type: 'client_credentials' });

holds('identity, versions, limits', async () => {
  same((await connection.identity()).organization_id, simulator.org.organizationId);
  same(connection.limitInfo.apiUsage.limit, 1_000_000, 'limit');
  const versions = await connection.request('/services/data');
  same(versions.filter((one) => one.version === version).length, 1, 'versions');
});

holds('describe and describeGlobal', async () => {
  const global = await connection.describeGlobal();
  same(global.sobjects.find(({ name }) => name === 'Account')?.keyPrefix, '001', 'prefix');
  const account = await connection.sobject('Account').describe();
  same(account.fields.find(({ name }) => name === 'HubSpot_Id__c')?.externalId, true, 'external id');
});

holds('query and queryMore: every row once', async () => {
  const ids = [];
  let result = await connection.query('SELECT Id FROM Contact ORDER BY Id', { autoFetch: false });
  for (;;) {
    ids.push(...result.records.map(({ Id }) => Id));
    if (result.done) break;
    result = await connection.queryMore(result.nextRecordsUrl);
  }
  same([ids.length, new Set(ids).size], [result.totalSize, result.totalSize], 'rows');
  const all = await connection.query('SELECT Id FROM Contact', { autoFetch: true, maxFetch: 10_000 });
  same(all.records.length, result.totalSize, 'rows fetched');
});

holds('sobject find with conditions, relationships and dates', async () => {
  const found = await connection
    .sobject('Opportunity')
    .find(
      { StageName: { $in: ['Prospecting', 'Qualification'] }, Amount: { $gt: 1 } },
      'Id, Name, Owner.Name, Account.Name',
    )
    .sort({ CreatedDate: -1 })
    .limit(5);
  same(found.length, 5, 'rows');
  same(typeof found[0].Owner.Name, 'string', 'owner');
});

holds('create, retrieve, update, upsert, destroy', async () => {
  const account = connection.sobject('Account');
  const made = await account.create({ Name: 'Acme', HubSpot_Id__c: 'C-1' });
  same([made.success, (await account.retrieve(made.id)).Name], [true, 'Acme']);
  same((await account.update({ Id: made.id, Name: 'Acme GmbH' })).success, true);
  const again = await account.upsert({ Name: 'Acme AG', HubSpot_Id__c: 'C-1' }, 'HubSpot_Id__c');
  same([again.id, again.created], [made.id, false]);
  const other = await account.upsert({ Name: 'Other', HubSpot_Id__c: 'C-2' }, 'HubSpot_Id__c');
  same(other.created, true);
  same((await account.destroy(made.id)).success, true);
  await refused(account.retrieve(made.id), 'ENTITY_IS_DELETED');
  same((await connection.query(`SELECT Id FROM Account WHERE Id = '${made.id}'`)).totalSize, 0);
  same(
    (await connection.query(`SELECT Id FROM Account WHERE Id = '${made.id}'`, { scanAll: true })).totalSize,
    1,
    'queryAll',
  );
});

holds('upsert refuses an external id of several records', async () => {
  for (const LastName of ['A', 'B']) await connection.sobject('Contact').create({ LastName, Legacy_Id__c: 'twice' });
  await refused(
    connection.sobject('Contact').upsert({ LastName: 'C', Legacy_Id__c: 'twice' }, 'Legacy_Id__c'),
    'MULTIPLE_CHOICES',
  );
});

holds('collections: create, retrieve, update, upsert and destroy many', async () => {
  const contact = connection.sobject('Contact');
  const made = await contact.create([{ LastName: 'One' }, { FirstName: 'No last name' }, { LastName: 'Two' }]);
  same(
    made.map(({ success }) => success),
    [true, false, true],
  );
  same(made[1].errors[0].statusCode, 'REQUIRED_FIELD_MISSING');
  const ids = [made[0].id, made[2].id];
  const read = await contact.retrieve(ids);
  same(
    read.map(({ LastName }) => LastName),
    ['One', 'Two'],
  );
  const changed = await contact.update(ids.map((Id) => ({ Id, Title: 'Head' })));
  same(
    changed.every(({ success }) => success),
    true,
  );
  const rows = ['P-1', 'P-2'].map((HubSpot_Id__c) => ({ LastName: HubSpot_Id__c, HubSpot_Id__c }));
  same(
    (await contact.upsert(rows, 'HubSpot_Id__c', { allOrNone: true })).map(({ created }) => created),
    [true, true],
  );
  same(
    (await contact.destroy(ids)).map(({ success }) => success),
    [true, true],
  );
});

holds('errors: as jsforce reads them', async () => {
  await refused(connection.query('SELECT Nope__c FROM Account'), 'INVALID_FIELD');
  await refused(connection.query('SELEC Id FROM Account'), 'MALFORMED_QUERY');
  await refused(connection.sobject('Account').create({}), 'REQUIRED_FIELD_MISSING');
  const ended = new jsforce.Connection({ instanceUrl: url, accessToken: 'ended', version });
  await refused(ended.query('SELECT Id FROM Account'), 'INVALID_SESSION_ID');
  simulator.addFault({ kind: 'rate_limited', policyName: 'DAILY' });
  await refused(connection.query('SELECT Id FROM Account'), 'REQUEST_LIMIT_EXCEEDED');
});

holds('composite: references, all or none', async () => {
  const at = `/services/data/v${version}/sobjects`;
  const composite = (allOrNone, compositeRequest) =>
    connection.requestPost(`/services/data/v${version}/composite`, { allOrNone, compositeRequest });
  const good = await composite(true, [
    { method: 'POST', url: `${at}/Account`, referenceId: 'account', body: { Name: 'Composite' } },
    {
      method: 'POST',
      url: `${at}/Contact`,
      referenceId: 'contact',
      body: { LastName: 'C', AccountId: '@{account.id}' },
    },
  ]);
  same(
    good.compositeResponse.map(({ httpStatusCode }) => httpStatusCode),
    [201, 201],
  );
  const before = simulator.effects.effects().length;
  const bad = await composite(true, [
    { method: 'POST', url: `${at}/Account`, referenceId: 'account', body: { Name: 'Composite' } },
    { method: 'POST', url: `${at}/Contact`, referenceId: 'contact', body: {} },
  ]);
  same(bad.compositeResponse[0].body[0].errorCode, 'PROCESSING_HALTED');
  same(simulator.effects.effects().length, before, 'effects');
  const batch = await connection.requestPost(`/services/data/v${version}/composite/batch`, {
    batchRequests: [{ method: 'GET', url: `v${version}/limits` }],
  });
  same([batch.hasErrors, batch.results[0].statusCode], [false, 200]);
});

holds('updated and deleted', async () => {
  const account = connection.sobject('Account');
  const { id } = await account.create({ Name: 'Changed' });
  const [start, end] = [new Date(Date.now() - 3_600_000), new Date(Date.now() + 120_000)];
  const updated = await account.updated(start, end);
  same(updated.ids.includes(id), true, 'updated');
  await account.destroy(id);
  const deleted = await account.deleted(start, end);
  same(
    deleted.deletedRecords.some((one) => one.id === id),
    true,
    'deleted',
  );
});

const bulk = connection.bulk2;
bulk.pollInterval = 5;

holds('bulk2: load, with failed rows named', async () => {
  const input = Array.from({ length: 50 }, (_, n) => ({
    HubSpot_Id__c: `B-${n}`,
    Name: n === 7 ? '' : `Bulk, "${n}"\n=1+1`,
  }));
  const said = await bulk.loadAndWaitForResults({
    object: 'Account',
    operation: 'upsert',
    externalIdFieldName: 'HubSpot_Id__c',
    input,
  });
  same([said.successfulResults.length, said.failedResults.length, said.unprocessedRecords.length], [49, 1, 0]);
  same(said.failedResults[0].sf__Error.startsWith('REQUIRED_FIELD_MISSING'), true, said.failedResults[0].sf__Error);
  const row = await connection.query("SELECT Name FROM Account WHERE HubSpot_Id__c = 'B-3'");
  same(row.records[0].Name, 'Bulk, "3"\n=1+1');
});

holds('bulk2: abort, second upload, wrong state', async () => {
  const job = bulk.createJob({ object: 'Account', operation: 'insert' });
  await job.open();
  await job.uploadData([{ Name: 'Never' }]);
  const second = bulk.job('ingest', { id: job.id });
  await second.check();
  const error = await second.uploadData([{ Name: 'Never' }]).then(String, (reason) => reason.message);
  same(/Found multiple contents/.test(error), true, error);
  await job.abort();
  same((await job.check()).state, 'Aborted');
  await refused(job.close(), 'INVALIDJOBSTATE');
  same((await connection.query("SELECT Id FROM Account WHERE Name = 'Never'")).totalSize, 0);
});

holds('bulk2: query', async () => {
  const stream = await bulk.query('SELECT Id, Name FROM Account', { pollInterval: 5 });
  const rows = await stream.toArray();
  same(rows.length, (await connection.query('SELECT Id FROM Account')).totalSize, 'rows');
});

holds('logout ends the session', async () => {
  const ending = await withClient({ grant_type: 'client_credentials' });
  const { accessToken } = ending;
  await ending.logout();
  await refused(new jsforce.Connection({ instanceUrl: url, accessToken, version }).limits(), 'INVALID_SESSION_ID');
});

await check('jsforce', checks, () => simulator.close());
