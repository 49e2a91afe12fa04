import { createHmac } from 'node:crypto';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ScanCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import { build, projectDir } from '../../infra/build.ts';
import { deployLocal, type LocalDeployment } from '../../infra/local/deploy.ts';
import { signV3 } from '../../infra/local/systems/hubspot/webhooks.ts';
import { settingsOf } from '../../infra/settings.ts';
import { synthesize } from '../../infra/synthesize.ts';
import { dynamoInboxStore } from '../../shared/aws/inbox-store.ts';
import { webhookAdapter } from '../../shared/connectors/hubspot/webhook.ts';
import type { Case } from '../../shared/model/case.ts';
import type { InboxClaim } from '../../shared/model/event.ts';
import type { Json } from '../../shared/model/json.ts';
import type { LedgerEntry } from '../../shared/model/ledger-entry.ts';

/** The running product with a second webhook channel, `hubspot/partner`, of the scheme Standard Webhooks. */
export type WebhookDeployment = {
  readonly local: LocalDeployment;
  /** Posts items to `/hubspot/crm` as HubSpot signs them, or with the given signature; resolves to the status. */
  deliver(items: readonly object[], signature?: string): Promise<number>;
  /** Posts a body to `/hubspot/partner` as Standard Webhooks says. */
  deliverStandard(id: string, body: string): Promise<number>;
  claim(identity: string): Promise<InboxClaim | null>;
  /** The ledger's entries of one kind. */
  ledger(kind: LedgerEntry['kind']): Promise<readonly LedgerEntry[]>;
  openCases(): Promise<readonly Case[]>;
  state(pk: string): Promise<Record<string, unknown> | undefined>;
  /** How many messages the inbox queue still holds, in flight or not. */
  queued(): number;
  readonly inboxQueue: string;
  /** What becomes of leases when their time is over. */
  endLeases(): Promise<void>;
  close(): Promise<void>;
};

/** The claim key of an item that HubSpot delivers to `/hubspot/crm`. */
export function identityOf(item: object): string {
  const delivery = { system: 'hubspot', channel: 'crm', scheme: 'hubspot-v3', bodyHash: '', signedId: null };
  return `hubspot#crm#${webhookAdapter.identity(item as Json, { ...delivery, receivedAtMs: 0 })}`;
}

/**
 * Builds with the second channel, synthesises and deploys on this machine.
 * @param change changes the copy of config/ before it is built
 */
export async function startWebhookDeployment(
  change: (configDir: string) => void = () => {},
): Promise<WebhookDeployment> {
  const directory = mkdtempSync(join(tmpdir(), 'webhooks-'));
  const [configDir, bundlesDir, assembly] = ['config', 'dist', 'app'].map((name) => join(directory, name)) as [
    string,
    string,
    string,
  ];
  cpSync(join(projectDir, 'config'), configDir, { recursive: true });
  const system = join(configDir, 'systems', 'hubspot.yaml');
  const partner = 'webhooks:\n  partner: { scheme: standard-webhooks, secret: plumbline/dev/partner-webhook }\n';
  writeFileSync(system, readFileSync(system, 'utf8').replace('webhooks:\n', partner));
  change(configDir);
  await build({ configDir, outDir: bundlesDir });
  synthesize({ settings: settingsOf('local'), configDir, bundlesDir, outdir: assembly, validation: false });
  const ports = { agents: 0, webhooks: 0, operators: 0, issuer: 0, hubspot: 0 };
  const local = await deployLocal({ stateDir: join(directory, 'state'), ports, assembly });
  const close = async () => {
    await local.close();
    rmSync(directory, { recursive: true, force: true });
  };
  return { local, ...deliveries(local), ...stores(local), close };
}

function deliveries(local: LocalDeployment): Pick<WebhookDeployment, 'deliver' | 'deliverStandard'> {
  const secretOf = (name: string) => {
    const current = local.standIns.secrets.versions(name).find(({ stages }) => stages.includes('AWSCURRENT'));
    if (!current) throw new Error(`There is no secret ${name}.`);
    return current.value;
  };
  const post = async (url: string, body: string, headers: Record<string, string>) => {
    const answer = await fetch(url, {
      method: 'POST',
      body,
      headers: { ...headers, 'content-type': 'application/json' },
    });
    await answer.arrayBuffer();
    return answer.status;
  };
  return {
    deliver(items, signature) {
      const [url, body, now] = [`${local.urls.webhooks}/hubspot/crm`, JSON.stringify(items), String(Date.now())];
      const right = signV3(secretOf('plumbline/dev/hubspot-webhook'), url, body, now);
      const signed = { 'x-hubspot-signature-v3': signature ?? right, 'x-hubspot-request-timestamp': now };
      return post(url, body, signed);
    },
    deliverStandard(id, body) {
      const now = String(Math.floor(Date.now() / 1000));
      const key = Buffer.from(secretOf('plumbline/dev/partner-webhook').replace(/^whsec_/, ''), 'base64');
      const mac = createHmac('sha256', key).update(`${id}.${now}.${body}`).digest('base64');
      const headers = { 'webhook-id': id, 'webhook-timestamp': now, 'webhook-signature': `v1,${mac}` };
      return post(`${local.urls.webhooks}/hubspot/partner`, body, headers);
    },
  };
}

function stores(local: LocalDeployment): Omit<WebhookDeployment, 'local' | 'deliver' | 'deliverStandard' | 'close'> {
  const { client, queues } = local.standIns;
  const environment = local.plan.functions.find(({ name }) => name === 'event-worker')?.environment ?? {};
  const { TABLE_INBOX: inbox = '', TABLE_LEDGER = '', TABLE_CASES = '', TABLE_STATE = '' } = environment;
  const claims = dynamoInboxStore({ client, table: inbox });
  const all = async (TableName: string) => {
    const items: Record<string, unknown>[] = [];
    let ExclusiveStartKey: Record<string, never> | undefined;
    do {
      const page = await client.send(new ScanCommand({ TableName, ConsistentRead: true, ExclusiveStartKey }));
      items.push(...(page.Items ?? []).map((item) => unmarshall(item)));
      ExclusiveStartKey = page.LastEvaluatedKey as Record<string, never> | undefined;
    } while (ExclusiveStartKey);
    return items;
  };
  const inboxQueue = (environment['QUEUE_INBOX_URL'] ?? '').split('/').at(-1) ?? '';
  return {
    inboxQueue,
    claim: (identity) => claims.get(identity),
    ledger: async (kind) =>
      (await all(TABLE_LEDGER)).map((item) => item['entry'] as LedgerEntry).filter((entry) => entry.kind === kind),
    openCases: async () =>
      (await all(TABLE_CASES)).flatMap((item) => (item['gs'] === 'OPEN' ? [item['case'] as Case] : [])),
    state: async (pk) => (await all(TABLE_STATE)).find((item) => item['pk'] === pk),
    queued: () => Object.values(queues.counts(inboxQueue)).reduce((sum, count) => sum + count, 0),
    async endLeases() {
      const held = (await all(inbox)).filter((item) => item['st'] === 'PROCESSING');
      for (const { pk } of held) {
        const Key = { pk: { S: String(pk) } };
        const values = { ':past': { N: '0' } };
        await client.send(
          new UpdateItemCommand({
            ...{ TableName: inbox, Key, UpdateExpression: 'SET lu = :past' },
            ExpressionAttributeValues: values,
          }),
        );
      }
    },
  };
}
