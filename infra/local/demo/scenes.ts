import { ScanCommand } from '@aws-sdk/client-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import type { World } from './world.ts';
import { runId, until } from './world.ts';

/** What a scene found: the figures that stand beside its sentence, and whether they are what was promised. */
export type Shown = { readonly figures: string; readonly ok: boolean };

/** One claim of the product, tried against the running code. */
export type Scene = { readonly title: string; play(world: World): Promise<Shown> };

const lostText = 'Acme asked for the contract in writing.';
const lostContact = '1040';

/** Calls that are not answered yet when the process that serves them is killed. */
export async function loseAnAnswer(world: World): Promise<() => Promise<Shown>> {
  const before = (await notesOf(world, lostText)).length;
  const path = '/crm/objects/2026-09/notes';
  await world.hubspot('/_faults', { match: { method: 'POST', path }, kind: 'slow', ms: 20_000, afterCommit: true });
  const call = world.call('contact_append_note', { contact_id: lostContact, text: lostText }).catch(() => null);
  const committed = await until(async () => (await notesOf(world, lostText)).length > before, 10_000);
  await world.deployment.pool('agent-door').kill('SIGKILL');
  await call;
  return () => findByReadBack(world, committed);
}

async function findByReadBack(world: World, committed: boolean): Promise<Shown> {
  const unknown = new Set<string>();
  const settled = await until(async () => {
    await world.deployment.pollers.fire('tick');
    const lines = await actionsOf(world);
    for (const line of lines) if (line.standing === 'unknown' && line.action_id) unknown.add(line.action_id);
    return lines.some(({ action_id, standing }) => unknown.has(action_id ?? '') && standing === 'applied');
  }, 45_000);
  const again = await world.call('contact_append_note', { contact_id: lostContact, text: lostText });
  const notes = (await notesOf(world, lostText)).length;
  const told = [unknown.size > 0 ? 'unknown' : 'never unknown', settled ? 'found by read-back' : 'not found'];
  const ok = committed && unknown.size === 1 && settled && notes === 1 && again.body['status'] === 'replayed';
  return { figures: `${told.join(' -> ')} -> ${count(notes, 'note')} in HubSpot`, ok };
}

type Line = { readonly action_id: string | null; readonly standing: string };

async function actionsOf(world: World): Promise<readonly Line[]> {
  const answer = JSON.parse(await world.operator(`/v1/runs/${runId}`)) as { runs?: { timeline: Line[] }[] };
  return (answer.runs ?? []).flatMap(({ timeline }) => timeline);
}

async function notesOf(world: World, text: string) {
  const effects = await world.effects();
  return effects.filter(({ object, properties }) => object === 'notes' && properties['hs_note_body'] === text);
}

function count(n: number, thing: string): string {
  return `${n} ${thing}${n === 1 ? '' : 's'}`;
}

async function repeated(world: World, calls: Promise<{ body: object }>[], text: string): Promise<Shown> {
  const answers = await Promise.all(calls);
  const statuses = answers.map(({ body }) => (body as { status?: string }).status);
  const notes = (await notesOf(world, text)).length;
  const good = statuses.filter((status) => status === 'applied' || status === 'replayed').length;
  const once = statuses.filter((status) => status === 'applied').length === 1;
  return {
    figures: `${count(good, 'answer')}, ${count(notes, 'note')} in HubSpot`,
    ok: good === 5 && once && notes === 1,
  };
}

/** The story, in the order it is told. The last claim began before the first: it needs a lease to run out. */
export const scenes: readonly Scene[] = [
  {
    title: 'One call, five times',
    async play(world) {
      const text = 'Called on Monday; the offer is wanted by Friday.';
      const answers: Promise<{ body: object }>[] = [];
      for (let i = 0; i < 5; i += 1) {
        const answer = await world.call('contact_append_note', { contact_id: '1010', text });
        answers.push(Promise.resolve(answer));
      }
      return repeated(world, answers, text);
    },
  },
  {
    title: 'Five at once',
    play(world) {
      const text = 'Sent the price list.';
      const input = { contact_id: '1020', text };
      return repeated(
        world,
        Array.from({ length: 5 }, () => world.call('contact_append_note', input)),
        text,
      );
    },
  },
  { title: 'A forged webhook', play: forgedWebhook },
  { title: 'The same delivery twice', play: sameDeliveryTwice },
  { title: 'Every token expires mid-run', play: tokensExpire },
];

async function forgedWebhook(world: World): Promise<Shown> {
  const calls = () => Object.values(world.deployment.awsCalls()['webhook-door'] ?? {}).reduce((sum, n) => sum + n, 0);
  const before = calls();
  const start = performance.now();
  const response = await fetch(`${world.deployment.urls.webhooks}/hubspot/crm`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'x-hubspot-signature-v3': Buffer.alloc(32, 7).toString('base64'),
      'x-hubspot-request-timestamp': String(Date.now()),
    },
    body: JSON.stringify([{ eventId: 1, objectId: 501, subscriptionType: 'deal.propertyChange', portalId: 4711 }]),
  });
  const ms = Math.round(performance.now() - start);
  const made = calls() - before;
  return {
    figures: `${response.status} in ${ms} ms, ${count(made, 'AWS call')}`,
    ok: response.status === 401 && made === 0,
  };
}

async function sameDeliveryTwice(world: World): Promise<Shown> {
  await world.hubspot('/_admin/duplicate-webhook', { count: 1 });
  await world.hubspot('/_admin/touch', { type: 'deals', id: '510', properties: { dealstage: 'contractsent' } });
  const events = async () => (await inbox(world)).filter(({ oc }) => oc?.record?.[2] === '510');
  const done = await until(
    async () => (await events()).some(({ st, dn }) => st === 'DONE' && Number(dn ?? 0) > 0),
    15_000,
  );
  const claims = await events();
  const processed = claims.filter(({ st }) => st === 'DONE').length;
  const counted = claims.reduce((sum, { dn }) => sum + Number(dn ?? 0), 0);
  return { figures: `${processed} processed, ${counted} counted`, ok: done && processed === 1 && counted === 1 };
}

type Claim = {
  readonly st?: string;
  readonly dn?: number;
  readonly oc?: { readonly record: readonly string[] | null };
};

/** The claims of events, read from the table itself. */
async function inbox({ deployment: { plan, standIns } }: World): Promise<readonly Claim[]> {
  const TableName = plan.functions.find(({ name }) => name === 'event-worker')?.environment['TABLE_INBOX'];
  const { Items = [] } = await standIns.client.send(new ScanCommand({ TableName }));
  return Items.map((item) => unmarshall(item) as Claim);
}

async function tokensExpire(world: World): Promise<Shown> {
  const refreshes = async () => Number((await world.hubspot('/_oauth'))['refreshes']);
  const deals = [...world.deployment.hubspot.portal.objects.deals.values()];
  const ids = deals.filter(({ properties }) => properties['pipeline'] === 'default').map(({ id }) => id);
  const read = (id: string) => world.call('deal_get', { deal_id: id });
  const before = await refreshes();
  const first = await Promise.all(ids.slice(0, 4).map(read));
  await world.hubspot('/_admin/expire-tokens', {});
  const rest = await Promise.all(ids.slice(4, 12).map(read));
  const answers = [...first, ...rest];
  const failures = answers.filter(({ body }) => body['status'] !== 'ok').length;
  const made = (await refreshes()) - before;
  const figures = `${count(answers.length, 'call')}, ${made} refresh${made === 1 ? '' : 'es'}, ${count(failures, 'failure')}`;
  return { figures, ok: made === 1 && failures === 0 };
}
