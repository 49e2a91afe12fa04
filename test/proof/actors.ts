import { failureFor } from '../../shared/action/moves.ts';
import type { ClaimEvent, PersonEvent, StepAt, StepEvent } from '../../shared/action/step-types.ts';
import type { ActionRecord } from '../../shared/model/action.ts';
import type { Classified, WriteVerdict } from '../../shared/model/operation.ts';
import { testIdentity, testRequest } from '../kit/kernel.ts';
import {
  type Actor,
  checkWrite,
  type Fate,
  idle,
  type Kernel,
  land,
  type Role,
  type Scenario,
  Violation,
  type World,
} from './world.ts';

/** A search: its kernel (whole or with a guard removed) and its bounded world. */
export type Search = { readonly kernel: Kernel; readonly scenario: Scenario };

/** One thing that can happen next, with the world after it. Each is atomic; between any two anything else may happen, or nothing ever again. */
export type Next = readonly [what: string, world: World];

const failure = failureFor('outcome_unknown', 'upstream', '');
const passing: Classified = { class: 'rate', code: '', message: '', retryAfterMs: 0 };
/** Some connectors call what they lost transient: only the verdict's kind may count. */
const lost: Classified = { class: 'transient', code: '', message: '' };
const nothing = { inline: null } as const;

/** Everything that actor `i` may do next. */
export function movesOf(search: Search, world: World, i: number): Next[] {
  const actor = world.actors[i] ?? idle;
  const role = search.scenario.roles[i] as Role;
  switch (actor.pc) {
    case 'idle':
      return role.kind === 'caller' ? [open(search, world, i, role)] : look(search, world, i, role);
    case 'write':
      return [writeOnce(search, world, i, true), writeOnce(search, world, i, false)].flat();
    case 'rewrite':
      return writeOnce(search, world, i, true);
    case 'send':
      return send(search, world, i);
    case 'settle':
      return [settle(search, world, i)];
    case 'ask':
      return [ask(search, world, i)];
    case 'asked':
      return [stepTo(search, world, i, actor.seen, probedEvent(actor))];
    case 'done':
      return [];
  }
}

function with_(world: World, i: number, change: Partial<Actor>): World {
  const actors = [...world.actors];
  actors[i] = { ...(actors[i] ?? idle), ...change };
  return { ...world, actors };
}

function atOf({ scenario }: Search, world: World, i: number): StepAt {
  return { nowMs: (world.tick + (scenario.ahead?.[i] ?? 0)) * 1000, limits: scenario.limits };
}

function digestNow({ scenario }: Search, world: World): string {
  return scenario.deployAt !== undefined && world.tick >= scenario.deployAt ? 'new' : 'old';
}

function claimOf(search: Search, world: World, i: number, role: Extract<Role, { kind: 'caller' }>): ClaimEvent {
  const { scenario } = search;
  const identity = { ...identityOf(), windowMs: scenario.windowMs ?? 1_000_000_000 };
  const requestDigest = digestNow(search, world);
  const notAfterMs = atOf(search, world, i).nowMs + (scenario.approvalMs ?? 1_000_000);
  const context = { ...baseRequest.context, callId: role.again === undefined ? `call${i}` : `again${role.again}` };
  const permission = role.approval
    ? ({ kind: 'approval', rule: '', by: '', notAfterMs } as const)
    : ({ kind: 'allow' } as const);
  const request = {
    ...baseRequest,
    identity,
    again: role.again ?? null,
    resend: scenario.resend,
    requestDigest,
    context,
    permission,
  };
  return { kind: 'claim', request, nonce: `own${i}`, intent: nothing, before: null, requestDigest };
}

const baseRequest = testRequest();
const identityOnce = testIdentity();
const identityOf = () => identityOnce;

function open(search: Search, world: World, i: number, role: Extract<Role, { kind: 'caller' }>): Next {
  const opening = search.kernel.openingMove(claimOf(search, world, i, role), atOf(search, world, i));
  if (!opening) return [`${i} cannot open`, with_(world, i, { ...idle, pc: 'done' })];
  return [`${i} opens`, with_(world, i, { ...idle, pc: 'write', next: opening.next, guard: opening.guard })];
}

/** A worker or a person reads the record and acts on what it saw then. */
function look(search: Search, world: World, i: number, role: Role): Next[] {
  const { record } = world;
  if (record === null || role.kind === 'caller') return [];
  if (role.kind === 'person') return personActs(search, world, i, role, record);
  const at = atOf(search, world, i);
  const requestDigest = digestNow(search, world);
  const nonce = `own${i}/${record.epoch}`;
  if (record.state === 'RETRYABLE') {
    if (role.approval && !search.kernel.approved(record)) {
      const says = { kind: 'approval', rule: '', by: '', notAfterMs: at.nowMs + 1_000_000 } as const;
      return moving(stepTo(search, world, i, record, { kind: 'recheck', says }));
    }
    return moving(stepTo(search, world, i, record, { kind: 'start', nonce, requestDigest }));
  }
  if (record.state !== 'UNKNOWN') return moving(stepTo(search, world, i, record, { kind: 'time' }));
  const can = { probe: search.scenario.probe ?? search.scenario.resend.kind !== 'none', requestDigest };
  switch (search.kernel.nextProof(record, can, at)) {
    case 'wait':
      return [];
    case 'probe':
      return [[`${i} will ask`, with_(world, i, { ...idle, pc: 'ask', seen: record })]];
    case 'person':
      return moving(stepTo(search, world, i, record, { kind: 'unprovable', why: '' }));
    case 'resend':
      return moving(stepTo(search, world, i, record, { kind: 'resend', nonce, requestDigest }));
  }
}

/** What changes nothing need not be explored. */
function moving(next: Next): Next[] {
  return next[0].endsWith('stays') ? [] : [next];
}

/** A person looks at the system and says what is true there at that moment. */
function personActs(
  search: Search,
  world: World,
  i: number,
  role: Extract<Role, { kind: 'person' }>,
  record: ActionRecord,
): Next[] {
  const happened = (world.effects[record.gen] ?? 0) > 0;
  const decision = { by: 'person:anna', atMs: atOf(search, world, i).nowMs, reason: 'looked' };
  return role.acts.flatMap((act) => {
    const what: PersonEvent = {
      kind: 'person',
      gen: role.gen ?? record.gen,
      decision,
      ...(act === 'settle'
        ? happened
          ? { act: 'applied', result: nothing, records: [] }
          : { act: 'not_applied' }
        : { act }),
    };
    if (act === 'retry' && record.state === 'NEEDS_HUMAN' && happened) return [];
    return moving(stepTo(search, world, i, record, what));
  });
}

function stepTo(search: Search, world: World, i: number, record: ActionRecord | null, event: StepEvent): Next {
  const judged = search.kernel.step(record, event, atOf(search, world, i));
  const again = search.scenario.roles[i]?.kind === 'worker' ? idle : { ...idle, pc: 'done' as const };
  if (judged.kind === 'stay') return [`${i} ${event.kind} stays`, with_(world, i, again)];
  const guard = record === null ? 'absent' : search.kernel.guardOf(record);
  const verdict = event.kind === 'settle' ? event.verdict : null;
  const change = { ...idle, pc: 'write', seen: record, next: judged.next, guard, verdict } as const;
  return [`${i} ${event.kind} -> ${judged.next.state}`, with_(world, i, change)];
}

/** One conditional write. Its response may be lost: then the client library sends it once more. */
function writeOnce(search: Search, world: World, i: number, heard: boolean): Next[] {
  const { kernel } = search;
  const { next, guard, seen } = world.actors[i] ?? idle;
  if (!next || !guard) return [];
  const holds = kernel.guardHolds(guard, world.record);
  if (!heard) {
    if (!holds) return [];
    return [[`${i} writes ${next.state} unheard`, with_(written(search, world, i, next), i, { pc: 'rewrite' })]];
  }
  if (holds) return [[`${i} writes ${next.state}`, after(search, written(search, world, i, next), i, next)]];
  const nowMs = atOf(search, world, i).nowMs;
  const verdict = seen?.state === 'STARTED' && seen.epoch === next.epoch;
  const own = verdict ? kernel.isOwnVerdict(world.record, next) : kernel.isOwnClaim(world.record, next, nowMs);
  if (own) return [[`${i} knows its ${next.state}`, after(search, world, i, next)]];
  return [[`${i} lost ${next.state}`, behind(search, world, i)]];
}

function written(search: Search, world: World, i: number, next: ActionRecord): World {
  checkWrite(world.record, next, atOf(search, world, i).nowMs);
  const given = next.approval?.decision && !world.record?.approval?.decision;
  const role = search.scenario.roles[i];
  const meant = role?.kind === 'person' ? (role.gen ?? next.gen) : next.gen;
  const { verdict, seen } = world.actors[i] ?? idle;
  const told = seen !== null && verdict !== null && 'stored' in verdict;
  const spent = told ? [...world.spent, sentKey(search, world, seen)] : world.spent;
  return { ...world, record: next, spent, approvals: given ? [...world.approvals, meant] : world.approvals };
}

/** The write took effect: the owner of a claim sends, everybody else goes on. */
function after(search: Search, world: World, i: number, next: ActionRecord): World {
  if (next.state === 'STARTED' && next.owner.startsWith(`own${i}`)) {
    return with_(world, i, { ...idle, pc: 'send', seen: next });
  }
  return with_(world, i, search.scenario.roles[i]?.kind === 'worker' ? idle : { ...idle, pc: 'done' });
}

/** The write was lost: a caller judges its claim on what stands there, everybody else starts over. */
function behind(search: Search, world: World, i: number): World {
  const role = search.scenario.roles[i] as Role;
  const { seen } = world.actors[i] ?? idle;
  if (role.kind === 'caller' && seen?.state !== 'STARTED') {
    return stepTo(search, world, i, world.record, claimOf(search, world, i, role))[1];
  }
  return with_(world, i, role.kind === 'worker' ? idle : { ...idle, pc: 'done' });
}

function send(search: Search, world: World, i: number): Next[] {
  const { kernel, scenario } = search;
  const record = world.actors[i]?.seen;
  if (record?.state !== 'STARTED') return [];
  const late = atOf(search, world, i).nowMs >= kernel.sendUntilMs(record, Number.MAX_SAFE_INTEGER);
  if (late) return [[`${i} is too late to send`, judged(world, i, { kind: 'not_applied', error: passing })]];
  const asks = scenario.roles.some((role) => 'approval' in role && role.approval);
  if (asks && record.attempts === 1 && !world.approvals.includes(record.gen))
    throw new Violation('sent without approval');
  const from =
    record.attempts === 1 ? { ...world, approvals: world.approvals.filter((gen) => gen !== record.gen) } : world;
  const flight = { gen: record.gen, key: sentKey(search, world, record), untilTick: world.tick + scenario.flightTicks };
  return scenario.fates.map(
    (fate) => [`${i} sends: ${fate}`, judged(...fated(search, from, i, flight, fate))] as const,
  );
}

function sentKey(search: Search, world: World, record: ActionRecord): string {
  return `${search.kernel.providerKeyOf(record)}${record.resend.kind === 'key' ? digestNow(search, world) : ''}`;
}

function fated(
  search: Search,
  world: World,
  i: number,
  flight: World['flights'][number],
  fate: Fate,
): [World, number, WriteVerdict] {
  const unknown = { kind: 'unknown', error: lost } as const;
  switch (fate) {
    case 'ok':
      return [land(world, search.scenario, flight), i, { kind: 'applied', data: null, records: [] }];
    case 'response_lost':
      return [land(world, search.scenario, flight), i, unknown];
    case 'request_lost':
      return [world, i, unknown];
    case 'delayed':
      return [{ ...world, flights: [...world.flights, flight] }, i, unknown];
    case 'rate':
      return [world, i, { kind: 'not_applied', error: passing }];
    case 'stored_error':
      return [world, i, { kind: 'not_applied', error: passing, stored: true }];
    case 'stored_after':
      return [land(world, search.scenario, flight), i, { ...unknown, stored: true }];
    case 'stored_without':
      return [world, i, { ...unknown, stored: true }];
    case 'refused':
      return [world, i, { kind: 'not_applied', error: { ...passing, class: 'business' } }];
  }
}

function judged(world: World, i: number, verdict: WriteVerdict): World {
  return with_(world, i, { pc: 'settle', verdict });
}

function settle(search: Search, world: World, i: number): Next {
  const { seen, verdict } = world.actors[i] ?? idle;
  if (seen?.state !== 'STARTED' || !verdict) throw new Error('nothing to settle');
  const { owner: nonce, epoch } = seen;
  return stepTo(search, world, i, seen, { kind: 'settle', nonce, epoch, verdict, failure, result: nothing, jitter: 0 });
}

/** The provider is read now; what it said is acted on later. */
function ask(search: Search, world: World, i: number): Next {
  const record = world.actors[i]?.seen;
  const happened = (world.effects[record?.gen ?? 0] ?? 0) > 0;
  const absent =
    search.scenario.resend.kind === 'upsert' ? ({ kind: 'before' } as const) : ({ kind: 'absent' } as const);
  const probed = happened ? ({ kind: 'equal', data: null, records: [] } as const) : absent;
  return [
    `${i} asks: ${probed.kind}`,
    with_(world, i, { pc: 'asked', probed, askedAtMs: atOf(search, world, i).nowMs }),
  ];
}

function probedEvent({ probed, askedAtMs }: Actor): StepEvent {
  if (!probed) throw new Error('nothing was asked');
  return { kind: 'probed', verdict: probed, askedAtMs, result: nothing, jitter: 0 };
}
