import type { Json, JsonObject } from '../model/json.ts';

/** What a gate is judged on: the parsed input and the live record's fields, null where there is no record to read. */
export type GateInput = { readonly input: JsonObject; readonly live: JsonObject | null };

/** A gate's verdict. `detail` is ours; values of the live record stand in it only where they are enumerated words. */
export type GateVerdict =
  | { readonly kind: 'pass' }
  | { readonly kind: 'refuse'; readonly detail: string; readonly nextStep: string };

/** One condition on the live record, judged before the claim and before every later attempt. It can only refuse. */
export type Gate = {
  readonly name: string;
  /** What it demands, as one clause for the model: "the deal is not closed". */
  readonly says: string;
  /** Live fields it reads; a live record without them is refused. */
  readonly needs: readonly string[];
  readonly judge: (given: GateInput) => GateVerdict;
};

/** Judges all gates in order; the first refusal is the answer. A field that a gate needs and the record lacks refuses. */
export function judgeGates(gates: readonly Gate[], given: GateInput): GateVerdict {
  for (const gate of gates) {
    const missing = gate.needs.find((field) => given.live === null || !hasValue(given.live[field]));
    if (missing !== undefined) {
      return {
        kind: 'refuse',
        detail: `The live record does not say its ${missing}, so it cannot be judged whether ${gate.says}.`,
        nextStep: 'Read the record and tell the user what is missing; do not try again before it is filled in.',
      };
    }
    const verdict = gate.judge(given);
    if (verdict.kind === 'refuse') return verdict;
  }
  return { kind: 'pass' };
}

function hasValue(value: Json | undefined): boolean {
  return value !== undefined && value !== null && value !== '';
}

/**
 * Lets a field move only as allowed, judged on its live value, never on what the caller believes.
 * A move to the value that is already there passes: it changes nothing.
 * @param rule `field`: the tool's input; `property`: the record's field, the same name by default;
 * `allowed`: per live value the values it may move to; a live value that is not listed may move nowhere
 */
export function allowedTransition(rule: {
  readonly field: string;
  readonly from: 'live';
  readonly property?: string;
  readonly allowed: Readonly<Record<string, readonly string[]>>;
}): Gate {
  const property = rule.property ?? rule.field;
  return {
    name: 'allowedTransition',
    says: `its live ${rule.field} may move to the one asked for`,
    needs: [property],
    judge: ({ input, live }) => {
      const from = String(live?.[property] ?? '');
      const to = String(input[rule.field] ?? '');
      const targets = Object.hasOwn(rule.allowed, from) ? (rule.allowed[from] ?? []) : null;
      if (from === to || targets?.includes(to)) return { kind: 'pass' };
      if (!targets) {
        return {
          kind: 'refuse',
          detail: `The live ${rule.field} is none that this tool may move from.`,
          nextStep: `Read the record; a person decides about this ${rule.field}.`,
        };
      }
      const allowed = targets.length > 0 ? targets.join(', ') : 'nowhere; a person decides';
      return {
        kind: 'refuse',
        detail: `The live ${rule.field} is ${from}, which may not move to ${to}.`,
        nextStep: `From ${from} it may move to: ${allowed}.`,
      };
    },
  };
}
