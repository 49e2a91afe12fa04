import { PlumblineError } from '../../model/errors.ts';

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

/** Loads rules on demand and asks them. Throws `config_invalid` for a name that the index does not hold. */
export function ruleDecider(index: RuleIndex): (rule: string, event: UndeliveredEvent) => Promise<RuleVerdict> {
  return async (name, event) => {
    const load = Object.hasOwn(index, name) ? index[name] : undefined;
    if (load) return (await load()).default.decide(event);
    throw new PlumblineError(`There is no rule named ${name}.`, {
      code: 'config_invalid',
      retry: 'never',
      hint: 'Add it to config/rules/index.ts and deploy again.',
    });
  };
}
