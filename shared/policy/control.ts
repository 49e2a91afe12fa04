import type { Clock } from '../model/clock.ts';
import type { Control, ControlStore, Switch } from './ports.ts';

/** How old the copy of the control item may be when it is asked, milliseconds. */
const controlMaxAgeMs = 3000;

/** What is about to be done, as far as switches speak of it. */
export type ControlQuestion = {
  readonly system: string | null;
  readonly tool: string | null;
  /** An agent's name, or null where no agent asks. */
  readonly agent: string | null;
  readonly runId: string | null;
};

/** Whether switches let it through; `off` names the switch in words and its reason. */
export type ControlVerdict =
  | { readonly kind: 'on' }
  | { readonly kind: 'off'; readonly what: string; readonly reason: string };

/** The switches of one process: one consistent read at most every 3 s, shared by all that ask. */
export type ControlGate = {
  /** Judges a write. A control item that is missing, names another table or cannot be read means off or throws: never on. */
  check(question: ControlQuestion): Promise<ControlVerdict>;
  /** The control item, at most 3 s old; null where it is missing or belongs to another table. Authentication reads revoked keys from it. */
  current(): Promise<Control | null>;
  /** Drops the copy, so that the next question reads again. */
  forget(): void;
};

/** Makes the control gate of a process. Throws `store_unavailable` from its methods where the item cannot be read. */
export function makeControlGate(deps: { readonly store: ControlStore; readonly clock: Clock }): ControlGate {
  let copy: { readonly control: Control | null; readonly readAtMs: number } | null = null;
  let reading: Promise<Control | null> | null = null;

  async function read(): Promise<Control | null> {
    // The age counts from before the read: what is read may have changed right after it began.
    const readAtMs = deps.clock.now();
    const control = await deps.store.read();
    copy = { control, readAtMs };
    return control;
  }

  async function current(): Promise<Control | null> {
    const age = copy ? deps.clock.now() - copy.readAtMs : Number.POSITIVE_INFINITY;
    if (copy && age >= 0 && age <= controlMaxAgeMs) return copy.control;
    reading ??= read().finally(() => {
      reading = null;
    });
    return reading;
  }

  return {
    check: async (question) => judgeControl(await current(), deps.store.tableName, question, deps.clock.now()),
    current: async () => {
      const control = await current();
      return control?.names === deps.store.tableName ? control : null;
    },
    forget: () => {
      copy = null;
    },
  };
}

/** Judges the switches at one moment; pure. */
export function judgeControl(
  control: Control | null,
  tableName: string,
  question: ControlQuestion,
  nowMs: number,
): ControlVerdict {
  if (!control) return { kind: 'off', what: 'everything', reason: 'The control item is missing.' };
  if (control.names !== tableName) {
    return { kind: 'off', what: 'everything', reason: 'The control item belongs to another table: reconcile first.' };
  }
  const { system, tool, agent, runId } = question;
  const switches: readonly (readonly [string, Switch | null | undefined])[] = [
    ['all writes', control.allOff],
    [`the system ${system}`, system === null ? null : control.systemsOff[system]],
    [`the tool ${tool}`, tool === null ? null : control.toolsOff[tool]],
    [`the agent ${agent}`, agent === null ? null : control.agentsPaused[agent]],
    ['this run', runId === null ? null : control.runsPaused[runId]],
  ];
  for (const [what, state] of switches) {
    if (state && isOn(state, nowMs)) return { kind: 'off', what, reason: state.reason };
  }
  return { kind: 'on' };
}

function isOn(state: Switch | null | undefined, nowMs: number): boolean {
  return state !== null && state !== undefined && (state.untilMs === null || state.untilMs > nowMs);
}

/** The control item of a new deployment: everything on. */
export function initialControl(tableName: string): Control {
  return {
    names: tableName,
    version: 1,
    allOff: null,
    systemsOff: {},
    toolsOff: {},
    agentsPaused: {},
    runsPaused: {},
    keysRevoked: {},
  };
}

/** Writes the first control item of an empty table; a table that has one, its own or another's, is left as it is. */
export async function ensureControl(store: ControlStore): Promise<void> {
  if ((await store.read()) === null) await store.write(initialControl(store.tableName), 0);
}

/**
 * Changes the control item by a pure function, again where another change came between, up to 5 times.
 * Returns false where it did not get through; entries whose time has passed are dropped on the way.
 */
export async function changeControl(
  store: ControlStore,
  nowMs: number,
  change: (control: Control) => Control,
): Promise<boolean> {
  for (let attempt = 0; attempt < 5; attempt += 1) {
    const control = await store.read();
    if (!control || control.names !== store.tableName) return false;
    const next = change(withoutExpired(control, nowMs));
    if ((await store.write({ ...next, version: control.version + 1 }, control.version)) === 'written') return true;
  }
  return false;
}

function withoutExpired(control: Control, nowMs: number): Control {
  const live = (entries: { readonly [name: string]: Switch }) =>
    Object.fromEntries(Object.entries(entries).filter(([, state]) => isOn(state, nowMs)));
  return {
    ...control,
    allOff: isOn(control.allOff, nowMs) ? control.allOff : null,
    systemsOff: live(control.systemsOff),
    toolsOff: live(control.toolsOff),
    agentsPaused: live(control.agentsPaused),
    runsPaused: live(control.runsPaused),
    keysRevoked: live(control.keysRevoked),
  };
}
