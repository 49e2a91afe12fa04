import type { RawFile } from './cross-check.ts';
import { type ConfigProblem, problemAt } from './problems.ts';

type Fields = Readonly<Record<string, unknown>>;

function fields(value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}

/** What the endpoints of agents.yaml need elsewhere and do not find: events, a rule of config/rules, the key of handles. */
export function endpointProblems(
  files: { readonly agents: RawFile | null; readonly policies: RawFile | null },
  known: { readonly rules?: readonly string[] },
): ConfigProblem[] {
  if (!files.agents) return [];
  const { raw, positions } = files.agents;
  const key = files.policies === null || fields(fields(files.policies.raw).events).handleSecret !== undefined;
  return Object.entries(fields(raw)).flatMap(([agent, config]) => {
    const { endpoint, events } = fields(config);
    if (endpoint === undefined) return [];
    const say = (at: string, message: string, allowed: string) =>
      problemAt(positions, [agent, 'endpoint', at], message, allowed);
    const { rule } = fields(endpoint);
    const strange = known.rules && typeof rule === 'string' && !known.rules.includes(rule);
    return [
      ...(Array.isArray(events) && events.length > 0
        ? []
        : [say('url', 'would be told of nothing: this agent names no events.', 'events: with at least one type')]),
      ...(strange
        ? [say('rule', `No rule is called \`${rule}\`.`, known.rules?.join(', ') || 'a rule of config/rules/index.ts')]
        : []),
      ...(key
        ? []
        : [
            say(
              'secret',
              'is not enough: policies.yaml names no key of event handles.',
              'events: { handleSecret: ... }',
            ),
          ]),
    ];
  });
}
