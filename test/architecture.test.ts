import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { type Bundle, build } from '../infra/build.ts';
import { functions } from '../infra/functions.ts';
import { cyclesOf, functionLengths, type ImportGraph, importGraph, sourceFiles, sourceText } from './kit/sources.ts';

const base = ['model', 'config', 'observe', 'resilience'];

/** What a room may import by value beside itself; docs/architecture.md has the same table. */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  model: [],
  config: ['model'],
  observe: ['model'],
  resilience: ['model', 'config', 'observe'],
  action: base,
  policy: base,
  http: base,
  auth: [...base, 'http'],
  connectors: [...base, 'http', 'auth'],
  ledger: [...base, 'action', 'policy', 'auth'],
  webhooks: [...base, 'connectors', 'ledger', 'action'],
  tools: [...base, 'action', 'policy', 'connectors', 'ledger', 'auth', 'http'],
  files: [...base, 'tools'],
};

/** Packages that may be in a bundle, and what they bring. */
const packagesInBundles =
  /^(@aws-sdk\/|@smithy\/|@aws-crypto\/|@aws\/|aws4fetch$|zod$|tslib$|fast-xml-parser$|strnum$|fxp-|uuid$|bowser$|yaml$|@nodable\/)/;

const kB = 1000;
const limits = { fileLines: 300, functionLines: 50, handlerLines: 40, staticBytes: 420 * kB, allBytes: 900 * kB };

const shared = sourceFiles('shared');
const lambdaCode = [...shared, ...sourceFiles('functions', 'config')];
const product = [...lambdaCode, ...sourceFiles('infra')];
let graph: ImportGraph = new Map();

beforeAll(async () => {
  graph = await importGraph(product);
});

function roomOf(file: string): string | null {
  return /^shared\/([^/]+)\//.exec(file)?.[1] ?? null;
}

function edges(from: (file: string) => boolean): readonly (readonly [string, string])[] {
  return [...graph].flatMap(([file, imports]) => (from(file) ? imports.map((path) => [file, path] as const) : []));
}

const told = (found: readonly (readonly [string, string])[]) => found.map(([file, path]) => `${file} -> ${path}`);

describe('import rules', () => {
  test('a room imports only the rooms that the table names', () => {
    const strange = edges((file) => roomOf(file) !== null && roomOf(file) !== 'aws').filter(([file, path]) => {
      const [from, to] = [roomOf(file) ?? '', roomOf(path)];
      return to !== null && to !== from && !mayImport[from]?.includes(to);
    });
    expect(told(strange)).toEqual([]);
  });

  test('rooms import neither functions nor infra nor config/', () => {
    const strange = edges((file) => file.startsWith('shared/')).filter(([, path]) =>
      /^(functions|infra|config|test)\//.test(path),
    );
    expect(told(strange)).toEqual([]);
  });

  test('no connector imports another', () => {
    const productOf = (file: string) => /^shared\/connectors\/([^/]+)\//.exec(file)?.[1] ?? null;
    const strange = edges((file) => productOf(file) !== null).filter(
      ([file, path]) => productOf(path) !== null && productOf(path) !== productOf(file),
    );
    expect(told(strange)).toEqual([]);
  });

  test('only shared/aws and the local target speak to AWS by its SDK', () => {
    const strange = edges((file) => !/^(shared\/aws|infra\/local)\//.test(file)).filter(([, path]) =>
      /^(@aws-sdk\/|aws4fetch)/.test(path),
    );
    expect(told(strange)).toEqual([]);
  });

  test('there are no cycles', () => {
    expect(cyclesOf(graph)).toEqual([]);
  });

  test('every room of shared/ stands in the table', () => {
    const rooms = new Set(shared.map(roomOf));
    expect([...rooms].filter((room) => room !== 'aws' && room !== null && !(room in mayImport))).toEqual([]);
  });
});

describe('habits of the source', () => {
  test('the environment is read in shared/config, infra/settings and the local target only', () => {
    const readers = product.filter((file) => sourceText(file).includes('process.env'));
    const strange = readers.filter((file) => !/^(shared\/config\/|infra\/settings\.ts|infra\/local\/)/.test(file));
    expect(strange).toEqual([]);
  });

  test('files are at most 300 lines', () => {
    const long = [...product, ...sourceFiles('test')].filter(
      (file) => sourceText(file).split('\n').length - 1 > limits.fileLines,
    );
    expect(long).toEqual([]);
  });

  test('functions are at most 50 lines', () => {
    const long = product.flatMap(functionLengths).filter(({ lines }) => lines > limits.functionLines);
    expect(long).toEqual([]);
  });

  test('the counter of lines sees the functions of this project', () => {
    const build = functionLengths('infra/build.ts');
    expect(build.length).toBeGreaterThan(7);
    expect(Math.max(...build.map(({ lines }) => lines))).toBeGreaterThan(20);
  });

  test('entries of functions are 10 to 40 lines', () => {
    const strange = sourceFiles('functions').filter((file) => {
      const lines = sourceText(file).split('\n').length - 1;
      return lines < 10 || lines > limits.handlerLines;
    });
    expect(strange).toEqual([]);
  });

  test('there are no default exports outside config/', () => {
    const strange = product.filter((file) => !file.startsWith('config/') && /^export default /m.test(sourceText(file)));
    expect(strange).toEqual([]);
  });

  test('there are no barrels', () => {
    const barrels = product.filter((file) => /^export (type )?(\*|\{[^}]*\}) from /m.test(sourceText(file)));
    expect(barrels).toEqual([]);
  });

  test('Lambda code imports zod so that bundles stay small', () => {
    const atBuild = [
      'shared/config/schema.ts',
      'shared/config/load.ts',
      'shared/config/rest-schema.ts',
      'shared/config/file-schema.ts',
      'shared/config/endpoint-schema.ts',
      'shared/config/scalars.ts',
    ];
    const ours = lambdaCode.filter((file) => !file.startsWith('config/'));
    const whole = ours.filter((file) => /^import (?!type)[^;]* from 'zod'/m.test(sourceText(file)));
    const named = lambdaCode.filter((file) => /import \{[^}]*\bz\b[^}]*\} from 'zod/.test(sourceText(file)));
    expect([...whole.filter((file) => !atBuild.includes(file)), ...named]).toEqual([]);
  });

  test('file names are kebab-case and say one subject', () => {
    const strange = [...shared, ...sourceFiles('functions', 'infra')].filter(
      (file) => !/^([a-z0-9-]+\/)*[a-z0-9]+(-[a-z0-9]+)*(\.d)?\.ts$/.test(file),
    );
    expect(strange).toEqual([]);
  });
});

describe('bundles', () => {
  const outDir = mkdtempSync(join(tmpdir(), 'plumbline-bundles-'));
  let bundles: readonly Bundle[] = [];

  beforeAll(async () => {
    bundles = (await build({ outDir })).bundles;
  });

  test('functions/ holds exactly the functions that are deployed', () => {
    const entries = sourceFiles('functions').map((file) => file.replace(/^functions\/|\.ts$/g, ''));
    expect(entries).toEqual(functions.map(({ name }) => name).sort());
  });

  test('what a function reads at start is at most 420 KB, and all of it at most 900 KB', () => {
    const large = bundles
      .filter(({ staticBytes, allBytes }) => staticBytes > limits.staticBytes || allBytes > limits.allBytes)
      .map(({ name, staticBytes, allBytes }) => ({ name, staticBytes, allBytes }));
    expect(large).toEqual([]);
  });

  test('bundles hold only packages that are meant to be there', () => {
    const inputs = new Set(bundles.flatMap(({ metafile }) => Object.keys(metafile.inputs)));
    const packages = [...inputs].flatMap((input) => {
      const name = /.*node_modules\/((@[^/]+\/)?[^/]+)/.exec(input)?.[1];
      return name === undefined ? [] : [name];
    });
    expect([...new Set(packages)].filter((name) => !packagesInBundles.test(name))).toEqual([]);
  });

  test('the validated configuration lies beside every bundle', () => {
    const versions = bundles.map(({ dir }) => {
      const config: { version: string } = JSON.parse(readFileSync(join(dir, 'config.json'), 'utf8'));
      return config.version;
    });
    expect(new Set(versions).size).toBe(1);
    expect(versions[0]).toMatch(/^[0-9a-f]{16}$/);
  });

  test.each(functions.map(({ name, env }) => ({ name, env })))('$name is given the variables it reads', (spec) => {
    const text = sourceText(`functions/${spec.name}.ts`);
    const read = new Set(text.match(/(?<=')(TABLE_[A-Z]+|[A-Z]+_[A-Z_]+)(?=')/g) ?? []);
    const fromElsewhere = ['LOCAL_ORIGINS', 'AWS_REGION', 'AWS_LAMBDA_FUNCTION_NAME'];
    expect([...read].filter((name) => !fromElsewhere.includes(name)).sort()).toEqual([...spec.env].sort());
  });
});
