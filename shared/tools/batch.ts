import { verdictOfFault } from '../action/send-once.ts';
import type { AttemptInput, Batching, SharedAttempt } from '../action/types.ts';
import { sha256Hex } from '../model/ids.ts';
import type {
  BatchForm,
  BatchVerdict,
  FailureClass,
  HttpAnswer,
  PlannedCall,
  RequestSpec,
  WriteVerdict,
} from '../model/operation.ts';
import { judgedFor, makeAttempt, type SystemDeps, switchedOff, writeOperationOf } from './attempt.ts';

/** Refusals that may be about one item alone: a request refused so as a whole is sent again in halves. */
const aboutAnItem: readonly FailureClass[] = ['business', 'schema', 'not_found', 'duplicate', 'conflict'];

/**
 * Makes the way the kernel sends several writes in one request. Switches are judged for each item right before the send, and one
 * that is off holds up no other; the leases of all are asked when the head is written. An item's verdict is its own; what cannot be
 * told apart is `unknown` of every item.
 */
export function makeBatching(deps: SystemDeps): Batching {
  return {
    plan: (calls) => planRequests(calls, (call) => formOf(deps, call)),
    oneKey: (call) => formOf(deps, call)?.keyed === 'request',
    send: async (shared) => {
      const off = await Promise.all(shared.items.map(({ record, call }) => switchedOff(deps, record, call.system)));
      const on = shared.items.filter((_, at) => off[at] === null);
      const verdicts = (on.length === 0 ? [] : await sendOne(deps, { ...shared, items: on })).values();
      return off.map((error) => (error ? { kind: 'not_applied', error } : (verdicts.next().value ?? unjudged)));
    },
  };
}

function formOf(deps: SystemDeps, call: PlannedCall): BatchForm | null {
  const operation = deps.operations(call.operation);
  return operation?.kind === 'write' ? (operation.batch ?? null) : null;
}

type Group = { readonly name: string; readonly positions: number[]; readonly about: Set<string> };

/**
 * Which calls share a request: those of one operation on one system that its batch form puts together, at most `maxItems`, no
 * record twice. n calls that may all go together make ceil(n / maxItems) requests.
 */
export function planRequests(
  calls: readonly PlannedCall[],
  formOf: (call: PlannedCall) => BatchForm | null,
): readonly (readonly number[])[] {
  const groups: Group[] = [];
  for (const [at, call] of calls.entries()) {
    const form = formOf(call);
    const group = form && groupIn(form, call);
    if (group === null) {
      groups.push({ name: '', positions: [at], about: new Set() });
      continue;
    }
    const name = JSON.stringify([call.system, call.operation, group]);
    const about = form?.same?.(call.input) ?? String(at);
    const open = groups.find((one) => one.name === name && fits(one, form, about));
    if (open) open.positions.push(at);
    else groups.push({ name, positions: [at], about: new Set([about]) });
    open?.about.add(about);
  }
  return groups.map(({ positions }) => positions);
}

function fits({ positions, about }: Group, form: BatchForm | null, record: string): boolean {
  return form !== null && positions.length < form.maxItems && !about.has(record);
}

/** An input that the form cannot read goes alone, where it is refused for itself. */
function groupIn(form: BatchForm, call: PlannedCall): string | null {
  try {
    return form.group(call.input);
  } catch {
    return null;
  }
}

/** One request for all items, each with the same system and operation. */
async function sendOne(deps: SystemDeps, shared: SharedAttempt): Promise<readonly WriteVerdict[]> {
  const { items, deadlineMs, mayWrite } = shared;
  const [first, ...others] = items;
  const built = first && others.length > 0 ? requestOf(deps, first, items) : null;
  if (!first || !built) return Promise.all(items.map((item) => makeAttempt(deps)(item).catch(verdictOfFault)));
  const { system } = first.call;
  const trace = deps.traceparent === undefined ? {} : { traceparent: deps.traceparent };
  const sent = await deps.send({ system, spec: built.spec, purpose: 'write', deadlineMs, mayWrite, ...trace });
  if (sent.kind !== 'answer') {
    const kind = sent.kind === 'not_sent' ? 'not_applied' : 'unknown';
    return items.map(() => ({ kind, error: sent.error }));
  }
  const judged = believed(built.form, judge(built.form, sent.answer, items), items.length);
  if (judged.kind === 'whole' && judged.verdict.kind === 'not_applied') {
    if (aboutAnItem.includes(judged.verdict.error.class)) return inHalves(deps, shared);
  }
  const verdicts = judged.kind === 'whole' ? items.map(() => judged.verdict) : judged.verdicts;
  // One whose own reading fails leaves the verdicts of the others as they are.
  return Promise.all(items.map((item, at) => judgedFor(deps, item, verdicts[at] ?? unjudged).catch(verdictOfFault)));
}

/** Null where the items cannot be put into one request: each is then sent, or refused, for itself. */
function requestOf(
  deps: SystemDeps,
  first: AttemptInput,
  items: readonly AttemptInput[],
): { readonly form: BatchForm; readonly spec: RequestSpec } | null {
  const { operation, apiVersion } = writeOperationOf(deps, first.call);
  const form = operation.batch;
  if (!form) return null;
  try {
    return { form, spec: form.request({ apiVersion, providerKey: keyOfRequest(items) }, items.map(itemOf)) };
  } catch {
    return null;
  }
}

/** The key of one shared request: every claim has a nonce of its own, so that no other request ever has it. */
function keyOfRequest(items: readonly AttemptInput[]): string {
  const nonces = items.map(({ record }) => `${record.key}:${'owner' in record ? record.owner : record.epoch}`);
  return `req_${sha256Hex(nonces.join(' ')).slice(0, 40)}`;
}

function itemOf({ providerKey, call }: AttemptInput) {
  return { providerKey, input: call.input };
}

function judge(form: BatchForm, answer: HttpAnswer, items: readonly AttemptInput[]): BatchVerdict {
  return form.judge(answer, items.map(itemOf));
}

/** A verdict that cannot be true is believed of no item: not one for each, or a part of what is all or nothing. */
export function believed(form: Pick<BatchForm, 'mode'>, verdict: BatchVerdict, count: number): BatchVerdict {
  if (verdict.kind === 'whole') return verdict;
  const kinds = new Set(verdict.verdicts.map(({ kind }) => kind));
  const torn = form.mode === 'all_or_none' && kinds.has('applied') && kinds.size > 1;
  return torn || verdict.verdicts.length !== count ? { kind: 'whole', verdict: unjudged } : verdict;
}

const unjudged = {
  kind: 'unknown',
  error: { class: 'unknown_outcome', code: 'incomplete_batch', message: 'the answer does not tell the items apart' },
} as const satisfies WriteVerdict;

/** Nothing was carried out: the claims, leases and keys are as they were, and a half without the bad item goes through. */
async function inHalves(deps: SystemDeps, shared: SharedAttempt): Promise<readonly WriteVerdict[]> {
  const middle = Math.ceil(shared.items.length / 2);
  const one = await sendOne(deps, { ...shared, items: shared.items.slice(0, middle) });
  return [...one, ...(await sendOne(deps, { ...shared, items: shared.items.slice(middle) }))];
}
