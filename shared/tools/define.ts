import type * as z from 'zod/mini';
import type { Occasion } from '../model/action.ts';
import type { Json, JsonObject } from '../model/json.ts';
import type { Effect, PlannedCall, RecordRef, WriteEffect } from '../model/operation.ts';
import type { Gate } from '../policy/gates.ts';

/** The schema of a tool's inputs: an object of zod/mini, or of zod itself, which costs a start some 8 ms more. */
export type InputSchema = z.core.$ZodObject & { readonly shape: z.core.$ZodShape };

/** Names of a schema's inputs. */
type Key<S extends InputSchema> = Extract<keyof z.output<S>, string>;

/** What every tool says of itself. The model-facing description is rendered from it, see describe.ts. */
type Common<S extends InputSchema> = {
  /** `system_or_object_verb`: lower case, 3 to 40 characters. */
  readonly name: string;
  /** One or two sentences: what the tool does, for a reader who knows nothing of this code. */
  readonly does: string;
  /** Situations in which it is the right tool, each completing "Use when ...". */
  readonly useWhen: readonly string[];
  /** Situations in which it is not, each completing "Do not use when ..."; name the better tool where there is one. */
  readonly doNotUseWhen: readonly string[];
  /** A `z.strictObject`; every property described. Transforms normalise: what they return is hashed and sent. */
  readonly input: S;
  /** At least one input that the schema accepts. */
  readonly examples: readonly z.input<S>[];
};

/** What a tool may know beside its input when it plans a call. What it plans is frozen with the action's first claim. */
export type PlanContext = { readonly nowMs: number };

/** What a lookup answers where it did not find exactly what was asked: an error to the agent, or that and a case. */
export type LookupRules = {
  /** Nothing matched. `empty` answers an empty list: for searches. */
  readonly none: 'fail' | 'case' | 'empty';
  /** More than one matched. `list` answers all: for searches. */
  readonly several: 'fail' | 'case' | 'list';
  /** A record lacks a field named in `required`. */
  readonly missingField: 'fail' | 'case';
  /** The system cannot be asked. */
  readonly unavailable: 'fail' | 'case';
};

/** One live record of a read, as scope and lookup rules judge it. */
export type FoundRecord = { readonly object: string; readonly id: string; readonly fields: JsonObject };

/** A tool that changes nothing. */
export type ReadToolSpec<S extends InputSchema> = Common<S> & {
  readonly effect: 'read';
  readonly operation: (input: z.output<S>, at: PlanContext) => PlannedCall;
  readonly lookup: LookupRules;
  /** The records in the operation's data: scope and lookup rules are judged on them, in this order. */
  readonly records: (data: Json) => readonly FoundRecord[];
  /** Fields without which a record is no answer. */
  readonly required?: readonly string[];
  /** What the agent gets of the records that passed; by default each record's id and fields. */
  readonly present?: (records: readonly FoundRecord[], data: Json) => Json;
};

/** One system that a read across systems asks. */
export type SourceRead<I = JsonObject> = {
  readonly operation: (input: I, at: PlanContext) => PlannedCall;
  readonly records: (data: Json) => readonly FoundRecord[];
  /** What the agent gets of this source's records; by default each record's id and fields. */
  readonly present?: (records: readonly FoundRecord[]) => Json;
};

/** A tool that reads several systems and answers what each of them says, side by side. */
export type AcrossToolSpec<S extends InputSchema> = Common<S> & {
  readonly effect: 'read';
  /** Each of another system. */
  readonly sources: readonly [SourceRead<z.output<S>>, SourceRead<z.output<S>>, ...SourceRead<z.output<S>>[]];
};

/** A tool that changes something. Identity is not optional: without target and identifying inputs it does not compile. */
export type WriteToolSpec<S extends InputSchema> = Common<S> & {
  /** Never milder than the operation's effect; refused at start otherwise. */
  readonly effect: WriteEffect;
  /** The record that is changed. Ids only: it stands in the ledger. */
  readonly target: (input: z.output<S>) => RecordRef;
  /** The inputs that make it the same intent; free text counts only if named. */
  readonly identifiedBy: readonly [Key<S>, ...Key<S>[]];
  /** For calls that answer an event: structured inputs that tell two effects of one event apart. */
  readonly part?: readonly Key<S>[];
  /** When the same intent is a new one; default `run` for updates, else `window`. */
  readonly occasion?: Occasion;
  /** For `window`: hours from settlement in which the same intent is a replay; default 24. */
  readonly windowHours?: number;
  /** Whether `again` may repeat a succeeded action; default yes for updates and appends, else no. */
  readonly again?: boolean;
  /** Conditions judged on the live record before the claim, and again before a later attempt. */
  readonly gates?: readonly Gate[];
  /**
   * A read whose one record scope, rollout and gates are judged on, where the operation itself cannot read the record it
   * changes; by default, and for creates, what is about to be written.
   */
  readonly live?: {
    readonly call: (input: z.output<S>) => PlannedCall;
    readonly records: (data: Json) => readonly FoundRecord[];
  };
  readonly operation: (input: z.output<S>, at: PlanContext) => PlannedCall;
  /** What the agent gets of the operation's result; by default the result itself. */
  readonly present?: (result: Json, before: Json | null) => Json;
};

/** A tool with its types erased, as catalog and pipeline handle it. Built by {@link defineTool} only. */
export type ReadTool = { readonly kind: 'read' } & ReadToolSpec<InputSchema>;
export type AcrossTool = { readonly kind: 'across' } & Omit<AcrossToolSpec<InputSchema>, 'sources'> & {
    readonly sources: readonly SourceRead[];
  };
export type WriteTool = { readonly kind: 'write' } & Omit<
  WriteToolSpec<InputSchema>,
  'occasion' | 'again' | 'gates'
> & {
    readonly occasion: Occasion;
    readonly windowMs: number | null;
    readonly again: boolean;
    readonly gates: readonly Gate[];
  };
export type Tool = ReadTool | AcrossTool | WriteTool;

const hourMs = 3_600_000;

/**
 * Defines one tool that agents may call: the default export of a file in config/tools.
 * A write tool without target or identifying inputs does not compile; the other rules are checked at start by lint.ts.
 */
export function defineTool<const S extends InputSchema>(
  spec: ReadToolSpec<S> | AcrossToolSpec<S> | WriteToolSpec<S>,
): Tool {
  // The schema has parsed what these functions are called with; the erased type cannot say so.
  const erased = spec as unknown as ReadToolSpec<InputSchema> | AcrossTool | WriteToolSpec<InputSchema>;
  if ('sources' in erased) return { ...erased, kind: 'across' };
  if (erased.effect === 'read') return { kind: 'read', ...(erased as ReadToolSpec<InputSchema>) };
  const write = erased as WriteToolSpec<InputSchema>;
  const occasion = write.occasion ?? defaultOccasion(write.effect);
  const repeatable = occasion === 'run' || occasion === 'window';
  const again = repeatable && (write.again ?? (write.effect === 'update' || write.effect === 'append'));
  const windowMs = repeatable || occasion === 'event' ? (write.windowHours ?? 24) * hourMs : null;
  return { ...write, kind: 'write', occasion, windowMs, again, gates: write.gates ?? [] };
}

function defaultOccasion(effect: Effect): Occasion {
  return effect === 'update' ? 'run' : 'window';
}
