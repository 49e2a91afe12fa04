import { failureFor } from '../../shared/action/moves.ts';
import type { ClaimEvent, StepAt, StepEvent } from '../../shared/action/step-types.ts';
import type { ActionRecord } from '../../shared/model/action.ts';
import type { Classified, ProbeVerdict, WriteVerdict } from '../../shared/model/operation.ts';
import { testIdentity, testRequest } from '../kit/kernel.ts';
import {
  type BatchActor,
  type BatchFate,
  type BatchFlight,
  type BatchRole,
  type BatchScenario,
  type BatchWorld,
  landAll,
  resting,
} from './batch-world.ts';
import type { Kernel } from './world.ts';

export type BatchSearch = { readonly kernel: Kernel; readonly scenario: BatchScenario };
export type BatchNext = readonly [what: string, world: BatchWorld];

const failure = failureFor('outcome_unknown', 'upstream', '');
const passing: Classified = { class: 'rate', code: '', message: '', retryAfterMs: 0 };
const refused: Classified = { class: 'business', code: '', message: '' };
const nothing = { inline: null } as const;
const unknown: WriteVerdict = { kind: 'unknown', error: passing };
const applied: WriteVerdict = { kind: 'applied', data: null, records: [] };
const request = testRequest();
const identities = [0, 1, 2].map((n) => testIdentity({ identifying: { n } }));

/**
 * Everything that actor `i` may do next; between any two steps anything else may happen, or nothing ever again. Its actions are
 * claimed one after the other, then sent in shared requests, then settled one after the other: claims of different actions meet
 * nowhere, so that their order among themselves hides nothing.
 */
export function batchMoves(search: BatchSearch, world: BatchWorld, i: number): BatchNext[] {
  const actor = world.actors[i] ?? resting;
  const role = search.scenario.roles[i] as BatchRole;
  switch (actor.pc) {
    case 'look':
      return [look(search, world, i, role)];
    case 'write':
    case 'close':
      return [true, ...(search.scenario.unheard ? [false] : [])].flatMap((heard) => writeOnce(search, world, i, heard));
    case 'rewrite':
    case 'reclose':
      return writeOnce(search, world, i, true);
    case 'depart':
      return [depart(search, world, i)];
    case 'head':
      return head(search, world, i, role);
    case 'settle':
      return [settle(search, world, i)];
    case 'done':
      return [];
  }
}

function set(world: BatchWorld, i: number, change: Partial<BatchActor>): BatchWorld {
  const actors = [...world.actors];
  actors[i] = { ...(actors[i] ?? resting), ...change };
  return { ...world, actors };
}

const nowOf = (world: BatchWorld) => world.tick * 1000;
const atOf = ({ scenario }: BatchSearch, world: BatchWorld): StepAt => ({
  nowMs: nowOf(world),
  limits: scenario.limits,
});
const actionAt = ({ scenario }: BatchSearch, i: number, at: number) => scenario.roles[i]?.keys[at] ?? 0;
const replaced = <T>(list: readonly T[], at: number, value: T): T[] => Object.assign([...list], { [at]: value });

/** What is to be done for the next action that something can be done for. */
function look(search: BatchSearch, world: BatchWorld, i: number, role: BatchRole): BatchNext {
  const { at: from, owned } = world.actors[i] ?? resting;
  for (let at = from; at < role.keys.length; at += 1) {
    const action = actionAt(search, i, at);
    const record = world.records[action] ?? null;
    const event = eventFor(search, world, i, role, action);
    const judged = event && search.kernel.step(record, event, atOf(search, world));
    if (judged?.kind !== 'move') continue;
    const guard = record === null ? 'absent' : search.kernel.guardOf(record);
    const what = `${i} means ${action} -> ${judged.next.state}`;
    return [what, set(world, i, { pc: 'write', at, seen: record, next: judged.next, guard })];
  }
  const some = owned.some((record) => record);
  return [`${i} has looked`, set(world, i, some ? { pc: 'depart' } : ending(role))];
}

/** An action that was held back once and is due again. */
export function dueRecord({ kernel, scenario }: BatchSearch, action: number): ActionRecord | null {
  const at = { nowMs: 0, limits: scenario.limits };
  const opened = kernel.openingMove(claimOf(scenario, action, 'first', false), at)?.next;
  if (opened?.state !== 'STARTED') return null;
  const held = { nonce: 'first', epoch: opened.epoch, failure, result: nothing, jitter: 0 };
  const verdict: WriteVerdict = { kind: 'not_applied', error: passing };
  const judged = kernel.step(opened, { kind: 'settle', ...held, verdict }, at);
  return judged.kind === 'move' ? ({ ...judged.next, dueMs: 0, attempts: 0 } as ActionRecord) : null;
}

function claimOf({ resend }: BatchScenario, action: number, nonce: string, shared: boolean): ClaimEvent {
  const claim = { ...request, identity: identities[action] ?? request.identity, resend, requestDigest: 'same' };
  return { kind: 'claim', request: claim, nonce, intent: nothing, before: null, requestDigest: 'same', shared };
}

function ending(role: BatchRole): BatchActor {
  return role.kind === 'worker' ? resting : { ...resting, pc: 'done' };
}

function eventFor(
  search: BatchSearch,
  world: BatchWorld,
  i: number,
  role: BatchRole,
  action: number,
): StepEvent | null {
  const { kernel, scenario } = search;
  const record = world.records[action] ?? null;
  const nonce = `own${i}/${record?.epoch ?? 0}`;
  const shared = role.kind !== 'single' && scenario.keyed === 'request';
  const requestDigest = 'same';
  if (role.kind !== 'worker') {
    const claim = claimOf(scenario, action, nonce, shared);
    return record === null || record.state === 'RETRYABLE' ? claim : null;
  }
  if (record?.state === 'RETRYABLE') return { kind: 'start', nonce, requestDigest, shared };
  if (record?.state !== 'UNKNOWN') return { kind: 'time' };
  const can = { probe: true, requestDigest };
  const proof = kernel.nextProof(record, can, atOf(search, world));
  if (proof === 'resend') return { kind: 'resend', nonce, requestDigest };
  if (proof === 'person') return { kind: 'unprovable', why: '' };
  const verdict = seenThere(search, world, action);
  return proof === 'wait' ? null : { kind: 'probed', verdict, askedAtMs: nowOf(world), result: nothing, jitter: 0 };
}

function seenThere({ scenario }: BatchSearch, world: BatchWorld, action: number): ProbeVerdict {
  if ((world.effects[action] ?? 0) > 0) return { kind: 'equal', data: null, records: [] };
  return { kind: scenario.resend.kind === 'upsert' ? 'before' : 'absent' };
}

/** One conditional write, of a claim or of a verdict. Its response may be lost: then the client library sends it once more. */
function writeOnce(search: BatchSearch, world: BatchWorld, i: number, heard: boolean): BatchNext[] {
  const { kernel } = search;
  const { next, guard, at, pc } = world.actors[i] ?? resting;
  if (!next || !guard) return [];
  const action = actionAt(search, i, at);
  const current = world.records[action] ?? null;
  const closing = pc === 'close' || pc === 'reclose';
  const holds = kernel.guardHolds(guard, current);
  const written = { ...world, records: replaced(world.records, action, next) };
  if (!heard) {
    const again = closing ? ('reclose' as const) : ('rewrite' as const);
    return holds ? [[`${i} writes ${action} ${next.state} unheard`, set(written, i, { pc: again })]] : [];
  }
  const own = closing ? kernel.isOwnVerdict(current, next) : kernel.isOwnClaim(current, next, nowOf(world));
  const mine = holds || own;
  const after = holds ? written : world;
  if (closing)
    return [[`${i} ${mine ? 'writes' : 'lost'} ${action} ${next.state}`, set(after, i, { pc: 'settle', at: at + 1 })]];
  const claimed = mine && next.state === 'STARTED' && next.owner.startsWith(`own${i}/`);
  const { owned } = world.actors[i] ?? resting;
  // What lost its claim is in no request.
  const change = { pc: 'look', at: at + 1, owned: replaced(owned, at, claimed ? next : null) } as const;
  return [[`${i} ${mine ? 'writes' : 'lost'} ${action} ${next.state}`, set(after, i, change)]];
}

/** What is in time goes out: in one request what may share one, the rest each in its own. */
function depart(search: BatchSearch, world: BatchWorld, i: number): BatchNext {
  const { kernel, scenario } = search;
  const { owned } = world.actors[i] ?? resting;
  const here = owned.flatMap((record, at) => (record?.state === 'STARTED' ? [{ record, at }] : []));
  const inTime = here.filter(({ record }) => nowOf(world) < kernel.sendUntilMs(record, Number.MAX_SAFE_INTEGER));
  const sharing = inTime.filter(({ record }) => scenario.roles[i]?.kind !== 'single' && kernel.mayShare({ record }));
  const alone = inTime.filter((one) => !sharing.includes(one)).map(({ at }) => [at]);
  const requests = sharing.length > 0 ? [sharing.map(({ at }) => at), ...alone] : alone;
  const verdicts: (WriteVerdict | null)[] = [];
  for (const { at } of here) verdicts[at] = { kind: 'not_applied', error: passing };
  return [`${i} departs with ${JSON.stringify(requests)}`, set(world, i, { pc: 'head', at: 0, requests, verdicts })];
}

/** The head of one request is written, or not; then whatever becomes of it. */
function head(search: BatchSearch, world: BatchWorld, i: number, role: BatchRole): BatchNext[] {
  const { kernel, scenario } = search;
  const { at, requests, owned } = world.actors[i] ?? resting;
  const positions = requests[at];
  if (!positions) return [[`${i} has sent`, set(world, i, { pc: 'settle', at: 0 })]];
  const records = positions.flatMap((position) => {
    const record = owned[position];
    return record?.state === 'STARTED' ? [record] : [];
  });
  const live = records.map((record) => ({
    mayWrite: () => nowOf(world) < kernel.sendUntilMs(record, Number.MAX_SAFE_INTEGER),
  }));
  if (!kernel.mayWriteAll(live)) return [[`${i} is too late to send`, set(world, i, { at: at + 1 })]];
  const one = scenario.keyed === 'request' && positions.length > 1;
  const items = records.map((record, n) => {
    const key = one
      ? records.map((each) => `${each.key}${'owner' in each ? each.owner : ''}`).join()
      : kernel.providerKeyOf(record);
    return [role.keys[positions[n] ?? 0] ?? 0, one ? `${key}#${n}` : key] as const;
  });
  return scenario.fates.map((fate) => [
    `${i} sends ${JSON.stringify(positions)}: ${fate}`,
    fated(search, world, i, items, fate),
  ]);
}

function fated(
  search: BatchSearch,
  world: BatchWorld,
  i: number,
  items: BatchFlight['items'],
  fate: BatchFate,
): BatchWorld {
  const { scenario } = search;
  const first = items.slice(0, 1);
  const told = (after: BatchWorld, verdict: (n: number) => WriteVerdict) => {
    const { at, requests, verdicts } = world.actors[i] ?? resting;
    const next = [...verdicts];
    for (const [n, position] of (requests[at] ?? []).entries()) next[position] = verdict(n);
    return set(after, i, { at: at + 1, verdicts: next });
  };
  switch (fate) {
    case 'ok':
      return told(landAll(world, scenario, items), () => applied);
    case 'response_lost':
      return told(landAll(world, scenario, items), () => unknown);
    case 'rate':
      return told(world, () => ({ kind: 'not_applied', error: passing }));
    case 'part':
      return told(landAll(world, scenario, first), (n) =>
        n === 0 ? applied : { kind: 'not_applied', error: refused },
      );
    case 'torn':
      return told(landAll(world, scenario, first), () => unknown);
    case 'delayed': {
      const untilTick = world.tick + scenario.flightTicks;
      return told({ ...world, flights: [...world.flights, { items, untilTick }] }, () => unknown);
    }
  }
}

/** Each verdict is written for itself, under the fence of its own claim. */
function settle(search: BatchSearch, world: BatchWorld, i: number): BatchNext {
  const { at, owned, verdicts } = world.actors[i] ?? resting;
  const role = search.scenario.roles[i] as BatchRole;
  if (at >= role.keys.length) return [`${i} has settled`, set(world, i, ending(role))];
  const [seen, verdict] = [owned[at], verdicts[at]];
  if (seen?.state !== 'STARTED' || !verdict) return [`${i} had nothing at ${at}`, set(world, i, { at: at + 1 })];
  const { owner: nonce, epoch } = seen;
  const event: StepEvent = { kind: 'settle', nonce, epoch, verdict, failure, result: nothing, jitter: 0 };
  const judged = search.kernel.step(seen, event, atOf(search, world));
  if (judged.kind !== 'move') return [`${i} stays`, set(world, i, { at: at + 1 })];
  const guard = search.kernel.guardOf(seen);
  return [`${i} settles ${at}`, set(world, i, { pc: 'close', seen, next: judged.next, guard })];
}
