import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { tools as index } from '../../config/tools/index.ts';
import { loadConfig } from '../../shared/config/load.ts';
import { loadTools } from '../../shared/tools/list.ts';

const tools = (await loadTools(index)).map(({ name, effect, input }) => ({
  ...{ name, effect, inputs: Object.keys(input.shape) },
}));
let dir: string;
const file = 'files/purchase-orders.yaml';

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'config-'));
  cpSync(new URL('../../config', import.meta.url).pathname, dir, { recursive: true });
});
afterEach(() => rmSync(dir, { recursive: true }));

function problems() {
  const result = loadConfig(dir, { tools });
  return result.kind === 'problems' ? result.problems : [];
}

function edit(from: string, to: string): number {
  const text = readFileSync(join(dir, file), 'utf8');
  expect(text).toContain(from);
  writeFileSync(join(dir, file), text.replace(from, to));
  return text.slice(0, text.indexOf(from)).split('\n').length;
}

it('the shipped source is valid', () => expect(problems()).toEqual([]));

it.each([
  ['owner: revops', 'owner: nobody', 'No team is called `nobody`.'],
  ['as: purchase-order-files', 'as: strangers', 'No agent is called `strangers`.'],
  ['as: purchase-order-files', 'as: sales-assistant', 'is not granted to the agent `sales-assistant`.'],
  ['tool: portal_order_create', 'tool: portal_order_get', 'reads; a row does something.'],
  ['tool: portal_order_create', 'tool: portal_order_explode', 'No tool is called `portal_order_explode`.'],
  ['article: article_no', 'article: artikel', 'is no input of the tool.'],
  ['input: quantity', 'input: amount', 'is no input of the tool.'],
  ['format: csv', 'format: xlsx', 'is not one of the values.'],
  ['prefix: purchase-orders/', 'prefix: ../secrets/', 'is not valid.'],
  ['rowKey: [po_number]', 'rowKey: [number]', 'is not valid.'],
])('%s -> %s is told with its line and what is allowed', (from, to, message) => {
  const line = edit(from, to);
  const found = problems().filter((problem) => problem.message === message);
  expect(found.map(({ file: at }) => at)).toEqual([file]);
  expect(found[0]?.allowed).toBeTruthy();
  // A rule over several lines is told where the file begins; what is not granted, at the tool.
  const ofOneLine = !from.startsWith('rowKey') && !message.startsWith('is not granted');
  if (ofOneLine) expect(found[0]?.line).toBe(line);
});

it('two sources never share a file', () => {
  const text = readFileSync(join(dir, file), 'utf8');
  writeFileSync(join(dir, 'files/more.yaml'), text.replace('purchase-orders/ #', 'purchase-orders/urgent/ #'));
  expect(problems().map(({ message }) => message)).toEqual(['lies below the prefix of another source.']);
});

it('a pattern of the agent does not grant a tool that creates, as in every call', () => {
  const agents = join(dir, 'agents.yaml');
  const text = readFileSync(agents, 'utf8').replace(
    /(purchase-order-files:[\s\S]*?tools: )\[portal_order_create\]/,
    '$1[portal_*]',
  );
  writeFileSync(agents, text);
  expect(problems().map(({ message }) => message)).toEqual(['is not granted to the agent `purchase-order-files`.']);
});
