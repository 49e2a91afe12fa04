import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { type RefreshDeps, type RefreshSystem, refresh } from '../../shared/auth/refresh.ts';
import { tokenEndpoint } from '../../shared/auth/token-endpoint.ts';
import { createCredentialSource } from '../../shared/auth/token-source.ts';
import { dynamoCaseStore } from '../../shared/aws/case-store.ts';
import { awsSecretStore } from '../../shared/aws/secret-store.ts';
import { dynamoTokenStore } from '../../shared/aws/token-store.ts';
import { httpClient } from '../../shared/http/client.ts';
import { systemClock, systemRandom } from '../../shared/model/clock.ts';
import { silentLog } from '../../shared/observe/json-log.ts';

/** What a process of the test is started with. */
export type ChildInput = {
  readonly server: string;
  readonly dynamo: string;
  readonly tables: { readonly state: string; readonly cases: string };
  readonly secrets: string;
  readonly keys: { readonly accessKeyId: string; readonly secretAccessKey: string };
  readonly settings: RefreshSystem;
  /** How far this process's clock is ahead, milliseconds. */
  readonly aheadMs: number;
};

/** What it is told to do: so many calls of the resource at once, or one refresh. */
export type ChildOrder =
  | { readonly do: 'calls'; readonly count: number }
  | { readonly do: 'refresh'; readonly seenVersion: number };

/** What it answers: the statuses of its calls, or what became of the refresh. */
export type ChildReport = { readonly statuses?: readonly (number | string)[]; readonly result?: string };

/** One process with stores, clock and memory of its own, over real HTTP. */
function start(input: ChildInput) {
  const clock = { ...systemClock, now: () => systemClock.now() + input.aheadMs };
  const client = new DynamoDBClient({ endpoint: input.dynamo });
  const secretsClient = new SecretsManagerClient({ endpoint: input.secrets, credentials: input.keys });
  const http = httpClient({ clock, local: true });
  const place = { origin: input.server, path: '/token' };
  const [tokens, secrets] = [dynamoTokenStore(client, input.tables.state), awsSecretStore(secretsClient)];
  const deps: RefreshDeps = {
    systems: { crm: input.settings },
    ...{ tokens, secrets, clock, random: systemRandom, log: silentLog },
    cases: dynamoCaseStore({ client, table: input.tables.cases, random: systemRandom }),
    post: tokenEndpoint({ http, endpointOf: async () => place }),
    originOf: async () => input.server,
  };
  const source = createCredentialSource({
    systems: { crm: { auth: { grant: input.settings.grant, refresh: 'both' } } },
    ...{ tokens, secrets, clock, log: silentLog },
    invoker: { refresh: (asked) => refresh(deps, asked) },
  });
  return { source, deps, clock, http };
}

type House = ReturnType<typeof start>;

async function call({ source, clock, http }: House, server: string): Promise<number | string> {
  for (let replay = 0; ; replay += 1) {
    const held = await source.authorize('crm');
    if ('unavailable' in held) {
      // Late is not failed: the action would be queued and asked again.
      if (held.retryAfterMs === undefined) return held.code;
      await clock.sleep(50);
      continue;
    }
    const result = await http.send({
      ...{ origin: server, method: 'GET', path: '/resource', body: null },
      ...{ headers: { ...held.headers }, deadlineMs: clock.now() + 20_000 },
    });
    if (result.kind !== 'answer') return result.fault.code;
    if (result.answer.status !== 401 || replay > 0) return result.answer.status;
    await source.rejected('crm', held.version);
  }
}

let house: House | null = null;
let server = '';

process.on('message', async (message: ChildInput | ChildOrder) => {
  if (!('do' in message)) {
    house = start(message);
    server = message.server;
    process.send?.({});
    return;
  }
  if (house === null) return;
  const running = house;
  if (message.do === 'refresh') {
    const { kind } = await refresh(running.deps, { system: 'crm', seenVersion: message.seenVersion });
    process.send?.({ result: kind } satisfies ChildReport);
    return;
  }
  const statuses = await Promise.all(Array.from({ length: message.count }, () => call(running, server)));
  process.send?.({ statuses } satisfies ChildReport);
});
