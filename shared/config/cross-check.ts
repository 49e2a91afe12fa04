import { endpointProblems } from './endpoint-check.ts';
import { type ConfigProblem, type Positions, problemAt } from './problems.ts';
import { restProblems } from './rest-check.ts';

/** What the checks between files need to know of a tool. */
export type KnownTool = {
  readonly name: string;
  readonly effect: string;
  readonly inputs: readonly string[];
};

/** What exists outside the YAML. */
export type KnownParts = {
  readonly tools?: readonly KnownTool[];
  readonly connectors?: readonly string[];
  /** Names of the signature schemes of webhooks. */
  readonly schemes?: readonly string[];
  /** Names of the rules that stand in for an agent that is down. */
  readonly rules?: readonly string[];
  /** Names of the feeds that each connector offers. */
  readonly feeds?: Readonly<Record<string, readonly string[]>>;
};

/** One readable file as it was written, whether or not its own schema accepts it. */
export type RawFile = { readonly raw: unknown; readonly positions: Positions };

/** The files as far as they could be read. */
export type RawFiles = {
  readonly agents: RawFile | null;
  readonly owners: RawFile | null;
  readonly policies: RawFile | null;
  readonly systems: readonly (RawFile | null)[];
  readonly files: readonly (RawFile | null)[];
};

/**
 * Everything that one file says about another and that is not so.
 * Works on the files as written, so that a mistake in one line does not hide those beside it.
 */
export function crossProblems(files: RawFiles, known: KnownParts): ConfigProblem[] {
  return [
    ...ownerProblems(files),
    ...agentProblems(files, known),
    ...endpointProblems(files, known),
    ...systemProblems(files, known),
    ...policyProblems(files, known),
    ...fileProblems(files, known),
  ];
}

type Fields = Readonly<Record<string, unknown>>;

function fields(value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}

function words(value: unknown): readonly string[] {
  const all = Array.isArray(value) ? value : [value];
  return all.filter((item) => typeof item === 'string');
}

function teamProblem(files: RawFiles, at: Positions, path: readonly PropertyKey[], team: unknown): ConfigProblem[] {
  if (!files.owners || typeof team !== 'string') return [];
  const teams = Object.keys(fields(fields(files.owners.raw).teams));
  if (teams.includes(team)) return [];
  return [problemAt(at, path, `No team is called \`${team}\`.`, teams.join(', ') || 'a team of owners.yaml')];
}

function ownerProblems(files: RawFiles): ConfigProblem[] {
  if (!files.owners) return [];
  const { raw, positions } = files.owners;
  return [
    ...Object.entries(fields(fields(raw).teams)).flatMap(([team, config]) =>
      teamProblem(files, positions, ['teams', team, 'escalateTo'], fields(config).escalateTo),
    ),
    ...Object.entries(fields(fields(raw).people)).flatMap(([person, config]) =>
      words(fields(config).teams).flatMap((team, i) =>
        teamProblem(files, positions, ['people', person, 'teams', i], team),
      ),
    ),
  ];
}

function agentProblems(files: RawFiles, known: KnownParts): ConfigProblem[] {
  if (!files.agents) return [];
  const { raw, positions } = files.agents;
  const people = files.owners ? Object.keys(fields(fields(files.owners.raw).people)) : null;
  return Object.entries(fields(raw)).flatMap(([agent, config]) => {
    const { owner, tools, responsible } = fields(config);
    return [
      ...teamProblem(files, positions, [agent, 'owner'], owner),
      ...words(tools ?? []).flatMap((tool, i) => toolProblem(known, positions, [agent, 'tools', i], tool)),
      ...words(responsible ?? [])
        .map((person, i) => ({ person, i }))
        .filter(({ person }) => people !== null && !people.includes(person))
        .map(({ i }) =>
          problemAt(positions, [agent, 'responsible', i], 'is not a person of owners.yaml.', people?.join(', ')),
        ),
    ];
  });
}

function toolProblem(known: KnownParts, at: Positions, path: readonly PropertyKey[], tool: string): ConfigProblem[] {
  if (!known.tools) return [];
  const names = known.tools.map(({ name }) => name);
  const pattern = tool.endsWith('*') ? tool.slice(0, -1) : null;
  const matches = pattern === null ? names.includes(tool) : names.some((name) => name.startsWith(pattern));
  if (matches) return [];
  const what = pattern === null ? `No tool is called \`${tool}\`.` : `No tool begins with \`${pattern}\`.`;
  return [problemAt(at, path, what, names.join(', '))];
}

function systemProblems(files: RawFiles, known: KnownParts): ConfigProblem[] {
  return files.systems.flatMap((file) => {
    if (!file) return [];
    const { connector, owner, webhooks, feeds } = fields(file.raw);
    const problems = [
      ...teamProblem(files, file.positions, ['owner'], owner),
      ...restProblems(file),
      ...Object.keys(fields(feeds)).flatMap((feed) => feedProblem(known, file.positions, String(connector), feed)),
      ...Object.entries(fields(webhooks)).flatMap(([channel, settings]) =>
        schemeProblem(known, file.positions, ['webhooks', channel, 'scheme'], fields(settings).scheme),
      ),
    ];
    if (known.connectors && typeof connector === 'string' && !known.connectors.includes(connector)) {
      const allowed = known.connectors.join(', ');
      problems.push(problemAt(file.positions, ['connector'], `No connector is called \`${connector}\`.`, allowed));
    }
    return problems;
  });
}

function feedProblem(known: KnownParts, at: Positions, connector: string, feed: string): ConfigProblem[] {
  const offered = known.feeds && Object.hasOwn(known.feeds, connector) ? known.feeds[connector] : undefined;
  if (offered === undefined || offered.includes(feed)) return [];
  const allowed = offered.join(', ') || 'none: it has no feeds';
  return [problemAt(at, ['feeds', feed], `The connector ${connector} has no feed \`${feed}\`.`, allowed)];
}

function schemeProblem(known: KnownParts, at: Positions, path: readonly PropertyKey[], scheme: unknown) {
  if (!known.schemes || typeof scheme !== 'string' || known.schemes.includes(scheme)) return [];
  return [problemAt(at, path, `No signature scheme is called \`${scheme}\`.`, known.schemes.join(', '))];
}

const effects = ['read', 'append', 'create', 'update', 'delete', 'send'];

function policyProblems(files: RawFiles, known: KnownParts): ConfigProblem[] {
  if (!files.policies) return [];
  const { positions } = files.policies;
  const { approvals, budgets, rollout } = fields(files.policies.raw);
  const rules = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
  return [
    ...rules(approvals).flatMap((rule, i) => [
      ...teamProblem(files, positions, ['approvals', i, 'by'], fields(rule).by),
      ...conditionProblems(known, positions, ['approvals', i, 'when'], fields(fields(rule).when)),
    ]),
    ...rules(budgets).flatMap((rule, i) => {
      const { atMost: _atMost, then: _then, ...condition } = fields(rule);
      return conditionProblems(known, positions, ['budgets', i], condition);
    }),
    ...Object.entries(fields(rollout)).flatMap(([tool, rule]) => [
      ...toolProblem(known, positions, ['rollout', tool], tool),
      ...(fields(rule).stage === 'partial' && !fields(rule).segment
        ? [problemAt(positions, ['rollout', tool], 'A partial rollout needs a segment.', 'segment: "country = NL"')]
        : []),
    ]),
  ];
}

/** A condition names tools, effects or inputs: each must exist. */
function conditionProblems(
  known: KnownParts,
  at: Positions,
  path: readonly PropertyKey[],
  when: Fields,
): ConfigProblem[] {
  const named = words(when.tool ?? []);
  const problems = named.flatMap((tool) => toolProblem(known, at, [...path, 'tool'], tool));
  for (const effect of words(when.effect ?? []).filter((word) => !effects.includes(word))) {
    problems.push(problemAt(at, [...path, 'effect'], `\`${effect}\` is no effect.`, effects.join(', ')));
  }
  const tools = known.tools?.filter(({ name }) => named.length === 0 || named.includes(name)) ?? [];
  if (tools.length === 0) return problems;
  const inputs = [...new Set(tools.flatMap((tool) => tool.inputs))];
  for (const input of Object.keys(when)) {
    if (input === 'tool' || input === 'effect' || inputs.includes(input)) continue;
    problems.push(
      problemAt(at, [...path, input], 'is no input of the tool.', ['tool', 'effect', ...inputs].join(', ')),
    );
  }
  return problems;
}

/** A source of files names a team, an agent that may use the tool, and inputs of the tool. */
function fileProblems(files: RawFiles, known: KnownParts): ConfigProblem[] {
  const prefixes = files.files.map((file) => String(fields(file?.raw).prefix ?? ''));
  return files.files.flatMap((file, i) => {
    if (!file) return [];
    const { owner, as, tool, columns, prefix } = fields(file.raw);
    const say = (at: readonly PropertyKey[], message: string, allowed?: string) =>
      problemAt(file.positions, at, message, allowed);
    const found = [...teamProblem(files, file.positions, ['owner'], owner)];
    const overlaps = prefixes.some((other, j) => i !== j && other !== '' && String(prefix).startsWith(other));
    if (overlaps) found.push(say(['prefix'], 'lies below the prefix of another source.', 'a prefix of its own'));
    if (typeof tool !== 'string') return found;
    found.push(...toolProblem(known, file.positions, ['tool'], tool), ...agentOfFile(files, known, say, { as, tool }));
    const named = known.tools?.find(({ name }) => name === tool);
    if (named?.effect === 'read') found.push(say(['tool'], 'reads; a row does something.', 'a tool that writes'));
    const strange = Object.entries(fields(columns)).filter(([, to]) => {
      const input = typeof to === 'string' ? to : fields(to).input;
      return named !== undefined && typeof input === 'string' && !named.inputs.includes(input);
    });
    const inputs = named?.inputs.join(', ');
    return [...found, ...strange.map(([column]) => say(['columns', column], 'is no input of the tool.', inputs))];
  });
}

function agentOfFile(
  files: RawFiles,
  known: KnownParts,
  say: (at: readonly PropertyKey[], message: string, allowed?: string) => ConfigProblem,
  { as, tool }: { readonly as: unknown; readonly tool: string },
): ConfigProblem[] {
  if (!files.agents || typeof as !== 'string') return [];
  const agents = fields(files.agents.raw);
  if (!Object.hasOwn(agents, as)) return [say(['as'], `No agent is called \`${as}\`.`, Object.keys(agents).join(', '))];
  const granted = words(fields(agents[as]).tools ?? []);
  // A pattern grants reads and appends only.
  const mild = known.tools?.find(({ name }) => name === tool)?.effect === 'append';
  const matches = (name: string) => mild && name.endsWith('*') && tool.startsWith(name.slice(0, -1));
  if (granted.some((name) => name === tool || matches(name))) return [];
  return [say(['tool'], `is not granted to the agent \`${as}\`.`, granted.join(', '))];
}
