import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));

/** Template -> the file that it becomes. */
const files: Readonly<Record<string, string>> = {
  'manifest.ts.txt': 'shared/connectors/__name__/manifest.ts',
  'client.ts.txt': 'shared/connectors/__name__/client.ts',
  'errors.ts.txt': 'shared/connectors/__name__/errors.ts',
  'operations.ts.txt': 'shared/connectors/__name__/operations.ts',
  'webhook.ts.txt': 'shared/connectors/__name__/webhook.ts',
  'start.ts.txt': 'infra/local/systems/__name__/start.ts',
  'system.yaml.txt': 'config/systems/__name__.yaml',
  'connector.test.ts.txt': 'test/unit/connectors-__name__.test.ts',
};

/** What was written, or why nothing was. */
export type Scaffolded =
  | { readonly kind: 'written'; readonly files: readonly string[] }
  | { readonly kind: 'refused'; readonly why: string };

/**
 * Writes a new connector into a checkout: its five files, a simulator, a configured system, tests that fail until it is filled
 * in, a section of docs/connectors.md and its lines in the registry. Nothing is written where anything of it exists.
 * @param root the checkout; @param name lower-case letters and digits, such as `pipedrive`
 */
export function scaffoldConnector(root: string, name: string): Scaffolded {
  if (!/^[a-z][a-z0-9]{1,19}$/.test(name)) {
    return { kind: 'refused', why: 'The name must be 2 to 20 lower-case letters and digits, such as `pipedrive`.' };
  }
  const named = (text: string) =>
    text.replaceAll('__name__', name).replaceAll('__Name__', name.charAt(0).toUpperCase() + name.slice(1));
  const planned = Object.entries(files).map(([template, path]) => ({
    path: named(path),
    text: named(readFileSync(join(here, 'templates', template), 'utf8')),
  }));
  const there = planned.filter(({ path }) => existsSync(join(root, path))).map(({ path }) => path);
  if (there.length > 0) return { kind: 'refused', why: `There is ${there.join(', ')} already. Nothing was written.` };
  const changed = [registryOf(root, name), docsOf(root, named)];
  for (const { path, text } of [...planned, ...changed]) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return { kind: 'written', files: [...planned, ...changed].map(({ path }) => path) };
}

type Changed = { readonly path: string; readonly text: string };

/** The registry with the two lines by which a connector is found. */
function registryOf(root: string, name: string): Changed {
  const path = 'shared/connectors/registry.ts';
  const loader = [
    `  async ${name}() {`,
    '    const [{ manifest }, { operationById }] = await Promise.all([',
    `      import('./${name}/manifest.ts'),`,
    `      import('./${name}/operations.ts'),`,
    '    ]);',
    '    return { manifest, operationById };',
    '  },',
  ];
  const lines = readFileSync(join(root, path), 'utf8').split('\n');
  const into = (begins: string, added: readonly string[]) => {
    const at = lines.findIndex((line) => line.startsWith(begins));
    if (at < 0) throw new Error(`${path} has no line that begins with "${begins}": add the connector there by hand.`);
    lines.splice(at + 1, 0, ...added);
  };
  into('const loaders', loader);
  into('const adapters', [`  ${name}: () => import('./${name}/webhook.ts'),`]);
  return { path, text: lines.join('\n') };
}

function docsOf(root: string, named: (text: string) => string): Changed {
  const path = 'docs/connectors.md';
  const section = named(readFileSync(join(here, 'templates', 'section.md.txt'), 'utf8'));
  return { path, text: `${readFileSync(join(root, path), 'utf8').trimEnd()}\n${section}` };
}

/** What a person does next, in order. */
export function nextSteps(name: string): readonly string[] {
  return [
    `Fill in shared/connectors/${name}/, one file after the other; the vendor's own pages are the source.`,
    `Make the simulator infra/local/systems/${name}/start.ts as strict as the product, and enter it in infra/local/simulators.ts.`,
    `Run npx vitest run test/unit/connectors-${name}.test.ts until it passes: each failure says what is missing.`,
    'Describe tools in config/tools/, grant them in config/agents.yaml, and enter the operations in infra/connector-table.ts.',
    `Write the section ${name} of docs/connectors.md, then run npm run format and npm run check.`,
  ];
}

if (import.meta.main) {
  const [name = '', ...more] = process.argv.slice(2);
  const result: Scaffolded =
    more.length > 0 || name === ''
      ? { kind: 'refused', why: 'Usage: npm run new:connector -- <name>' }
      : scaffoldConnector(join(here, '../..'), name);
  if (result.kind === 'refused') {
    console.error(result.why);
    process.exitCode = 1;
  } else {
    for (const file of result.files) console.log(`wrote ${file}`);
    console.log('\nNext:');
    for (const [i, step] of nextSteps(name).entries()) console.log(`${i + 1}. ${step}`);
  }
}
