import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { loadConfig } from '../../shared/config/load.ts';
import type { ConfigProblem } from '../../shared/config/problems.ts';

let dir: string;
const file = 'systems/supplier-portal.yaml';

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'config-'));
  cpSync(new URL('../../config', import.meta.url).pathname, dir, { recursive: true });
});
afterEach(() => rmSync(dir, { recursive: true }));

/** Changes the file; the line at which the change stands. */
function edit(from: string, to: string): number {
  const path = join(dir, file);
  const text = readFileSync(path, 'utf8');
  expect(text).toContain(from);
  const at = text.indexOf(from);
  writeFileSync(path, text.slice(0, at) + to + text.slice(at + from.length));
  return text.slice(0, at).split('\n').length;
}

function problems(): readonly ConfigProblem[] {
  const result = loadConfig(dir);
  return result.kind === 'problems' ? result.problems : [];
}

it('ten mistakes are told at once, each with its line and what is allowed', () => {
  edit('your_ref: "{key}" # the portal', 'your_ref: none # the portal');
  const lines = [
    edit('path: /api/whoami', 'path: /api/../whoami'),
    edit('class: auth }', 'class: authentication }'),
    edit('equals: E404 }', 'matches: "(a+)+$" }'),
    edit('{input.order_no}', '{order_no}'),
    edit('changed_at: Europe/Amsterdam }', 'changed_at: Europe/Amsterdm }'),
    edit('kind: offset', 'kind: ofset'),
    edit('by: your_ref', 'by: my_ref'),
    edit('writes: { wanted_date:', 'writes: { wanted_day:'),
    edit('undo: { operation: order_cancel', 'undo: { operation: order_get'),
  ];
  const found = problems();
  for (const line of lines)
    expect(found.filter((problem) => problem.line === line).length, `line ${line}`).toBeGreaterThan(0);
  expect(found.map(({ message }) => message).join('\n')).toContain('which this write does not carry');
  for (const problem of found) expect(problem.allowed, `${problem.line} ${problem.path}`).toBeTruthy();
});

it.each([
  ['path: /api/whoami', 'path: /api/whoami/{input.id}', 'is asked without any input.'],
  ['rest:\n  timeout', 'rust:\n  timeout', 'needs a description of the API.'],
  ['origin: https://portal.supplier.example\n', '', 'needs the origin of the system.'],
  ['connector: rest', 'connector: hubspot', 'belongs to the connector rest only.'],
  ['{ customerNumber: C-4711, is', '{ accountNo: C-4711, is', 'is not asked for by rest.whoAmI.identity.'],
  ['whoAmI:', 'whoAreYou:', 'A system that is written to must be asked who it is.'],
  ['readBack: order_get', 'readBack: order_list', 'must name a read with `record`.'],
  ['lookup: order_by_reference', 'lookup: order_get', 'must name a read with `rows`.'],
  ['schemaProbe: price_list', 'schemaProbe: order_get', 'must name a read that needs no input.'],
  ['query: { q: "{input.search?}" }', 'query: { q: "{key}" }', 'A read knows the key of an action only where'],
  ['      writes: { status: CANCELLED }\n', '', 'To compare a record, `writes` must name the fields'],
])('%s -> %s is told', (from, to, message) => {
  edit(from, to);
  expect(
    problems()
      .map((problem) => problem.message)
      .join('\n'),
  ).toContain(message);
});

it.each(['Host', 'Authorization', 'Cookie', 'Content-Length', 'X-Api-Key', 'X-Auth-Token', 'X-Session'])(
  'the header %s is refused: it belongs to the client, or carries a credential',
  (name) => {
    edit('  timeout: 20', `  timeout: 20\n  headers: { ${name}: x1 }`);
    expect(problems().some(({ path }) => path.startsWith('rest.headers'))).toBe(true);
  },
);

it('a header that says nothing secret is taken', () => {
  edit('  timeout: 20', '  timeout: 20\n  headers: { X-Company: "12" }');
  expect(problems()).toEqual([]);
});

it('the description that docs/connectors.md shows is valid', () => {
  const page = readFileSync(new URL('../../docs/connectors.md', import.meta.url), 'utf8');
  const [, shown = ''] = /## Any REST API[\s\S]*?```yaml\n([\s\S]*?)```/.exec(page) ?? [];
  expect(shown).toContain('connector: rest');
  writeFileSync(join(dir, 'systems/warehouse.yaml'), shown);
  expect(problems()).toEqual([]);
});
