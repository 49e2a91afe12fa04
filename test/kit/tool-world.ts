import { PutItemCommand, ScanCommand } from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import type { LocalOptions } from '../../infra/local/deploy.ts';
import type { AppliedEffect, LoggedRequest } from '../../infra/local/systems/effect-log.ts';
import type { FaultSpec } from '../../infra/local/systems/faults.ts';
import { decodeRecord, encodeRecord } from '../../shared/action/record-codec.ts';
import type { ActionRecord, StateName } from '../../shared/model/action.ts';
import type { Answer } from '../../shared/model/answer.ts';
import { parseActionId } from '../../shared/model/ids.ts';
import type { LedgerEntry } from '../../shared/model/ledger-entry.ts';
import { startLocal, type TestDeployment } from './local.ts';

/** One answer of the agent door: its status, its exact text, and the text read as an envelope. */
export type Called = { readonly status: number; readonly text: string; readonly body: Answer };

/** What one call says beside its arguments. */
export type CallOptions = {
  /** Default `sales-assistant`. */
  readonly agent?: string;
  readonly run?: string;
  /** Further members of the body, such as `again` or `context`. */
  readonly body?: object;
  readonly headers?: Readonly<Record<string, string>>;
};

/** Any answer of a door. */
export type Told = { readonly status: number; readonly text: string; readonly json: unknown };

/** A deployment as agents, people and the judges of a test see it: over HTTP, and by what the stores and HubSpot hold. */
export type ToolWorld = {
  readonly local: TestDeployment;
  call(tool: string, args: object, options?: CallOptions): Promise<Called>;
  /** GET of the agent door as an agent. */
  get(path: string, agent?: string): Promise<Called>;
  /** The operator door as a person of config/owners.yaml, such as `ben`. */
  operator(person: string, method: string, path: string, body?: object): Promise<Told>;
  /** What HubSpot says that it applied, without what a person did in the portal. */
  effects(): Promise<readonly AppliedEffect[]>;
  requests(): Promise<readonly LoggedRequest[]>;
  fault(spec: FaultSpec): Promise<void>;
  clearFaults(): Promise<void>;
  /** A person's change in the portal; without an id a new record. Resolves to the record's id. */
  touch(type: string, id: string | null, properties: Readonly<Record<string, string>>): Promise<string>;
  records(): Promise<readonly ActionRecord[]>;
  record(actionId: string | undefined): Promise<ActionRecord | undefined>;
  entries(): Promise<readonly LedgerEntry[]>;
  /** Resolves when `check` holds; fails after `withinMs` (default 15 s) with what it gave last. */
  until<T>(what: string, check: () => Promise<T | false | null | undefined>, withinMs?: number): Promise<T>;
  /** Lets the times of records lie further back, as if that long had passed for them. Resolves to how many it were. */
  age(ms: number, which: (record: ActionRecord) => boolean): Promise<number>;
  /** Fires the tick until the action is in one of the states. */
  settle(actionId: string | undefined, ...states: StateName[]): Promise<ActionRecord>;
  tableName(variable: string): string;
  close(): Promise<void>;
};

type Item = Record<string, unknown>;

/** Deploys the product and returns the handles that a test of tool calls needs. */
export async function startToolWorld(options: Partial<LocalOptions> = {}): Promise<ToolWorld> {
  const local = await startLocal(options);
  const stores = storesOf(local);
  const until = untilOf();
  return {
    local,
    ...agentSide(local),
    ...hubspotSide(local),
    ...stores,
    until,
    operator: (person, method, path, body) => askOperator(local, { person, method, path, body }),
    settle: (id, ...states) =>
      until(
        `${id} is ${states.join(' or ')}`,
        async () => {
          await local.pollers.fire('tick');
          const record = await stores.record(id);
          return record !== undefined && states.includes(record.state) && record;
        },
        20_000,
      ),
    close: () => local.dispose(),
  };
}

function agentSide({ urls, agentKeys }: TestDeployment): Pick<ToolWorld, 'call' | 'get'> {
  const bearer = (agent: string) => ({ authorization: `Bearer ${agentKeys[agent]}` });
  return {
    async call(tool, args, { agent = 'sales-assistant', run, body = {}, headers = {} } = {}) {
      const response = await fetch(`${urls.agents}/v1/tools/${tool}/calls`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          ...bearer(agent),
          ...(run === undefined ? {} : { 'x-agent-run-id': run }),
          ...headers,
        },
        body: JSON.stringify({ arguments: args, ...body }),
      });
      return calledOf(response);
    },
    get: async (path, agent = 'sales-assistant') =>
      calledOf(await fetch(`${urls.agents}${path}`, { headers: bearer(agent) })),
  };
}

async function calledOf(response: Response): Promise<Called> {
  const text = await response.text();
  return { status: response.status, text, body: (text.startsWith('{') ? JSON.parse(text) : {}) as Answer };
}

async function askOperator(
  { urls, issuer }: TestDeployment,
  { person, method, path, body }: { person: string; method: string; path: string; body: object | undefined },
): Promise<Told> {
  const response = await fetch(`${urls.operators}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${issuer.tokenFor(`${person}@acme.example`)}`,
      'content-type': 'application/json',
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, text, json: text.startsWith('{') ? JSON.parse(text) : null };
}

function hubspotSide({
  urls,
}: TestDeployment): Pick<ToolWorld, 'effects' | 'requests' | 'fault' | 'clearFaults' | 'touch'> {
  const ask = async (path: string, method = 'GET', body?: object) => {
    const init = body && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
    const response = await fetch(`${urls.hubspot}${path}`, { method, ...init });
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as Record<string, unknown>;
  };
  return {
    effects: async () => (await ask('/_effects'))['effects'] as AppliedEffect[],
    requests: async () => (await ask('/_requests'))['requests'] as LoggedRequest[],
    fault: async (spec) => void (await ask('/_faults', 'POST', spec)),
    clearFaults: async () => void (await ask('/_faults', 'DELETE')),
    touch: async (type, id, properties) =>
      String((await ask('/_admin/touch', 'POST', { type, ...(id === null ? {} : { id }), properties }))['id']),
  };
}

function storesOf(local: TestDeployment): Pick<ToolWorld, 'records' | 'record' | 'entries' | 'age' | 'tableName'> {
  const { client } = local.standIns;
  const tableName = (variable: string) => {
    const name = local.plan.functions.map(({ environment }) => environment[variable]).find(Boolean);
    if (name === undefined) throw new Error(`No function reads ${variable}.`);
    return name;
  };
  const scan = async (variable: string) => {
    const items: Item[] = [];
    let start: Record<string, never> | undefined;
    do {
      const page = await client.send(
        new ScanCommand({
          TableName: tableName(variable),
          ConsistentRead: true,
          ...(start && { ExclusiveStartKey: start }),
        }),
      );
      items.push(...(page.Items ?? []).map((item) => unmarshall(item)));
      start = page.LastEvaluatedKey as Record<string, never> | undefined;
    } while (start !== undefined);
    return items;
  };
  const records = async () => (await scan('TABLE_ACTIONS')).map(decodeRecord);
  return {
    tableName,
    records,
    record: async (id) => {
      const key = parseActionId(id ?? '')?.key;
      return (await records()).find((record) => record.key === key);
    },
    entries: async () => (await scan('TABLE_LEDGER')).map(({ entry }) => entry as LedgerEntry),
    async age(ms, which) {
      const aged = (await scan('TABLE_ACTIONS')).filter((item) => which(decodeRecord(item)));
      for (const item of aged) await ageOne(client, tableName('TABLE_ACTIONS'), item, ms);
      return aged.length;
    },
  };
}

async function ageOne(client: TestDeployment['standIns']['client'], table: string, item: Item, ms: number) {
  const record = decodeRecord(item);
  const held = ['dueMs', 'leaseUntilMs', 'sinceMs', 'settledAtMs'].filter((name) => name in record);
  const times = Object.fromEntries(held.map((name) => [name, Number(record[name as keyof ActionRecord]) - ms]));
  const approval = record.approval && { ...record.approval, notAfterMs: record.approval.notAfterMs - ms };
  const aged = encodeRecord({ ...record, ...times, approval } as ActionRecord);
  const put = new PutItemCommand({
    TableName: table,
    Item: marshall({ ...item, ...aged }),
    ConditionExpression: 'st = :st AND ep = :ep',
    ExpressionAttributeValues: marshall({ ':st': record.state, ':ep': record.epoch }),
  });
  await client.send(put).catch((error: Error) => {
    // It has moved on since it was read: nothing of it waits any more.
    if (error.name !== 'ConditionalCheckFailedException') throw error;
  });
}

function untilOf(): ToolWorld['until'] {
  return async (what, check, withinMs = 40_000) => {
    const endMs = Date.now() + withinMs;
    for (;;) {
      const found = await check();
      if (found !== false && found !== null && found !== undefined) return found;
      if (Date.now() > endMs) throw new Error(`It did not come to be in ${withinMs} ms that ${what}.`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
}

/** The notes that HubSpot holds with a text, one for each effect. */
export function notesWith(effects: readonly AppliedEffect[], text: string): readonly AppliedEffect[] {
  return effects.filter(({ object, properties }) => object === 'notes' && properties['hs_note_body'] === text);
}
