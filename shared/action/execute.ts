import type { ActionRecord } from '../model/action.ts';
import { plannedCallOf } from '../model/action.ts';
import { sha256Hex } from '../model/ids.ts';
import type { Json } from '../model/json.ts';
import { type Applied, atNow, write } from './driver.ts';
import { fitted } from './fit.ts';
import { freeze } from './freeze.ts';
import { thawedIntent } from './frozen.ts';
import { outcomeOf, ownOutcome, refusalFor } from './outcome.ts';
import { judged, noReport, type Owned, sendOnce } from './send-once.ts';
import { step } from './step.ts';
import { isOwnClaim, isOwnVerdict, openingMove } from './step-claim.ts';
import type { ClaimEvent } from './step-types.ts';
import type { ClaimRequest, Executed, KernelDeps, Outcome } from './types.ts';

/** Time kept at the end of a call for its answer, milliseconds. */
const answerMs = 300;
const anyHash = '0'.repeat(64);

/**
 * Executes one intended effect at most once and answers what became of it, for whoever asks and how often.
 * First generation and `again`: two conditional writes, no read. A later generation or an attempt by another caller: three.
 * A replay: one failed conditional write. Losers of a race wait for the winner until shortly before their deadline.
 * Throws `store_unavailable` where the claim could not be written: then this call has sent nothing.
 */
export async function execute(deps: KernelDeps, request: ClaimRequest): Promise<Executed> {
  const event = await freeze(deps, request);
  const opening = openingMove(event, atNow(deps));
  if (!opening) return byCaller(deps, refused('again_not_allowed'));
  const first = answered(deps, opening.next, null);
  const result = await deps.store.write(first.record, opening.guard);
  if (result.kind === 'written' || isOwnClaim(result.current, first.record, deps.clock.now())) {
    return finish(deps, first.record, request.deadlineMs);
  }
  return follow(deps, event, { kind: 'lost', record: result.current });
}

/** From the first write on: send where the claim is ours, else judge the claim on what stands there. */
async function follow(deps: KernelDeps, event: ClaimEvent, first: Applied): Promise<Executed> {
  const { identity } = event.request;
  let applied = first;
  for (let round = 0; ; round += 1) {
    const { record } = applied;
    if (applied.kind === 'moved' && isClaimOf(record, event)) return finish(deps, record, event.request.deadlineMs);
    const timeLeft = event.request.deadlineMs - answerMs - deps.clock.now();
    if (record && round > 0 && timeLeft <= 0) return byCaller(deps, await outcomeOf(deps, record, identity));
    const judgement = step(record, await withDigest(deps, event, record), atNow(deps));
    if (judgement.kind === 'move') {
      const { next } = judgement;
      applied = await write(deps, record, isClaimOf(next, event) ? answered(deps, next, null).record : next);
    } else if (judgement.why === 'wait' && timeLeft > 0) {
      deps.seat?.leave();
      await deps.clock.sleep(Math.min(timeLeft, pauseMs(round)));
      applied = { kind: 'lost', record: await deps.store.get(identity.key) };
    } else {
      const refusal = refusalFor(judgement.why, record);
      return byCaller(
        deps,
        refusal ?? (record ? await outcomeOf(deps, record, identity) : refused('again_not_matching')),
      );
    }
  }
}

/** Whether a record is this call's claim: it may send, or a person is asked on its behalf. */
function isClaimOf(record: ActionRecord | null, event: ClaimEvent): record is ActionRecord {
  if (record?.state === 'STARTED') return record.owner === event.nonce;
  return record?.state === 'AWAITING_APPROVAL' && record.callId === event.request.context.callId;
}

/** A further attempt sends what was frozen: its digest is of that, not of this call's words. */
async function withDigest(deps: KernelDeps, event: ClaimEvent, record: ActionRecord | null): Promise<ClaimEvent> {
  if (record?.state !== 'RETRYABLE') return event;
  const intent = await thawedIntent(deps.payloads, record.intent);
  return { ...event, requestDigest: deps.digest(plannedCallOf(record, intent)) };
}

/** The claim is ours: a person is asked, or it is sent now. */
async function finish(deps: KernelDeps, record: ActionRecord, deadlineMs: number): Promise<Executed> {
  if (record.state === 'STARTED') return send(deps, record, deadlineMs);
  const { bytes, outcome } = answered(deps, record, null);
  return byTransition(deps, { ...outcome, record } as Outcome, bytes);
}

/** Sends and settles. The answer is rendered before the transition that carries its hash, and stored after it. */
async function send(deps: KernelDeps, record: Owned, deadlineMs: number): Promise<Executed> {
  const intent = await thawedIntent(deps.payloads, record.intent);
  const verdict = await sendOnce(deps, { record, intent, deadlineMs });
  const { next, result, object } = judged(deps, record, verdict);
  const mine = answered(deps, next, result);
  // A result that cannot be stored is lost for replays; the effect is not.
  if (object) await deps.payloads.put(object).catch(() => null);
  const settled = await write(deps, record, mine.record).catch(() => lookAgain(deps, mine.record));
  if (settled === null) return byCaller(deps, { kind: 'unknown', record, failure: noReport });
  if (settled.kind === 'moved') return byTransition(deps, mine.outcome, mine.bytes);
  const current = settled.record;
  if (current === null) return byCaller(deps, { kind: 'unknown', record, failure: noReport });
  return byCaller(deps, await outcomeOf(deps, current, current));
}

/** A verdict whose write was not answered may stand there all the same; then it is the answer, and the ledger says so too. */
async function lookAgain(deps: KernelDeps, next: ActionRecord): Promise<Applied | null> {
  const standing = await deps.store.get(next.key).catch(() => null);
  return isOwnVerdict(standing, next) ? { kind: 'moved', record: next } : null;
}

/** A record that carries the hash of its own answer, with the answer. */
function answered(
  deps: KernelDeps,
  next: ActionRecord,
  result: Json,
): { record: ActionRecord; outcome: Outcome; bytes: Uint8Array | null } {
  const bare = { ...fitted({ ...next, answerHash: anyHash }), answerHash: null };
  const outcome = ownOutcome(bare, result);
  const bytes = deps.render && bare.state !== 'STARTED' ? deps.render(outcome) : null;
  const record = bytes ? { ...bare, answerHash: sha256Hex(bytes) } : bare;
  return { record, outcome: { ...outcome, record } as Outcome, bytes };
}

async function byTransition(deps: KernelDeps, outcome: Outcome, answer: Uint8Array | null): Promise<Executed> {
  const stored = answer === null ? true : await deps.payloads.put(answer).then(Boolean, () => false);
  return { outcome, answer, answeredBy: 'transition', answerStored: stored };
}

function byCaller(deps: KernelDeps, outcome: Outcome): Executed {
  return { outcome, answer: deps.render?.(outcome) ?? null, answeredBy: 'caller', answerStored: false };
}

function refused(why: 'again_not_allowed' | 'again_not_matching'): Outcome {
  return refusalFor(why, null) ?? { kind: 'refused', record: null, code: why, detail: '' };
}

/** Waiting grows from 40 ms to half a second. */
function pauseMs(round: number): number {
  return Math.min(500, 40 * 1.5 ** round);
}
