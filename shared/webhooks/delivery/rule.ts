/** What a rule knows of an event that its subscriber could not be told of. Ids and type; a rule reads nothing else. */
export type UndeliveredEvent = {
  readonly eventId: string;
  readonly agent: string;
  readonly system: string;
  readonly type: string;
  /** `object/id`, or null. */
  readonly record: string | null;
  readonly occurredAtMs: number | null;
};

/** What becomes of such an event: nothing, with the reason on the ledger, or a case. */
export type RuleVerdict =
  | { readonly kind: 'ignore'; readonly why: string }
  | { readonly kind: 'case'; readonly title: string; readonly detail: string };

/** A rule that stands in for an agent that is down: config/rules holds them, `endpoint.rule` names one. */
export type EventRule = {
  readonly name: string;
  readonly does: string;
  readonly decide: (event: UndeliveredEvent) => RuleVerdict;
};

/** Every rule by name; loaded with its first event. */
export type RuleIndex = Readonly<Record<string, () => Promise<{ readonly default: EventRule }>>>;

/** Defines one rule: the default export of a file in config/rules. It is pure, and so may run more than once. */
export function defineRule(rule: EventRule): EventRule {
  return rule;
}
