import { defineRule } from '../../shared/webhooks/delivery/rule.ts';

export default defineRule({
  name: 'changes_are_read_later',
  does: 'Ignores changes of a record, which the agent sees when it next reads it; anything else is a case.',
  decide: ({ type, agent, system, record }) =>
    /\.(propertyChange|updated)$/.test(type)
      ? { kind: 'ignore', why: 'the next read of the record shows it' }
      : {
          kind: 'case',
          title: `${agent} was down when ${type} came (${system})`,
          detail: `Look at ${record ?? 'the event'} and do what the agent would have done, or close the case.`,
        },
});
