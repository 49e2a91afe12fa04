import type { WriteVerdict } from '../model/operation.ts';
import { lateVerdict } from './send-once.ts';
import type { Attempt, AttemptInput, Batching, KernelDeps, Seat, SharedAttempt } from './types.ts';

type Arrival = {
  readonly input: AttemptInput;
  readonly resolve: (verdict: WriteVerdict | Promise<WriteVerdict>) => void;
  readonly reject: (fault: unknown) => void;
};

/**
 * Lets actions that are worked on at the same time share requests. Each is claimed and settled by itself, as ever; only its
 * attempt waits until each of the others has come to its own or has left. An action that lost its claim, was refused or
 * failed leaves, so that it holds up nobody and is in no request.
 * @param count how many seats are taken; every one must be used or left
 * @returns a function that hands out the next seat, and a promise for when the requests are answered
 */
export function gathering(
  deps: Pick<KernelDeps, 'attempt'>,
  batching: Batching,
  count: number,
): { readonly seat: () => Seat; readonly sent: Promise<void> } {
  let awaited = count;
  const arrived: Arrival[] = [];
  let told = () => {};
  const sent = new Promise<void>((resolve) => {
    told = resolve;
  });
  const seat = (): Seat => {
    let taken = true;
    const leave = () => {
      if (taken) awaited -= 1;
      if (taken && awaited === 0) void depart(deps, batching, arrived).finally(told);
      taken = false;
    };
    const attempt: Attempt = (input) => {
      if (!taken || !mayShare(input)) {
        leave();
        return deps.attempt(input);
      }
      return new Promise((resolve, reject) => {
        arrived.push({ input, resolve, reject });
        leave();
      });
    };
    return { attempt, oneKey: batching.oneKey, leave };
  };
  return { seat, sent };
}

/** What is sent again to be proven goes under exactly the key and in exactly the request it went in before. */
export function mayShare({ record }: Pick<AttemptInput, 'record'>): boolean {
  return record.inDoubt !== true;
}

/** A request that carries several actions may be written while each of them has a live lease. */
export function mayWriteAll(items: readonly Pick<AttemptInput, 'mayWrite'>[]): boolean {
  return items.every(({ mayWrite }) => mayWrite());
}

/** Sends what has arrived, in as few requests as fit. One whose time is over is not sent, and holds up nobody. */
async function depart(
  deps: Pick<KernelDeps, 'attempt'>,
  batching: Batching,
  arrived: readonly Arrival[],
): Promise<void> {
  const ready = arrived.filter(({ input, resolve }) => {
    const inTime = input.mayWrite();
    if (!inTime) resolve(lateVerdict);
    return inTime;
  });
  const groups = planned(batching, ready);
  await Promise.all(groups.map((group) => sendGroup(deps, batching, group)));
}

/** Where no plan can be made, each goes alone. */
function planned(batching: Batching, ready: readonly Arrival[]): readonly (readonly Arrival[])[] {
  try {
    const groups = batching.plan(ready.map(({ input }) => input.call));
    return groups.map((group) => group.flatMap((at) => ready[at] ?? []));
  } catch {
    return ready.map((arrival) => [arrival]);
  }
}

async function sendGroup(
  deps: Pick<KernelDeps, 'attempt'>,
  batching: Batching,
  group: readonly Arrival[],
): Promise<void> {
  const items = group.map(({ input }) => input);
  const [only, ...others] = items;
  try {
    const verdicts =
      only && others.length === 0 ? [await deps.attempt(only)] : await batching.send(sharedAttempt(items));
    // A verdict that is not there leaves its action unknown, as a throw does.
    group.forEach(({ resolve, reject }, at) => {
      const verdict = verdicts.length === group.length ? verdicts[at] : undefined;
      if (verdict) resolve(verdict);
      else reject(new Error('A shared request was not judged for each of its actions.'));
    });
  } catch (fault) {
    for (const { reject } of group) reject(fault);
  }
}

function sharedAttempt(items: readonly AttemptInput[]): SharedAttempt {
  const deadlineMs = Math.min(...items.map((item) => item.deadlineMs));
  return { items, deadlineMs, mayWrite: () => mayWriteAll(items) };
}
