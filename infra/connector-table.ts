import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadConfig } from '../shared/config/load.ts';
import { operations as erpnext } from '../shared/connectors/erpnext/operations.ts';
import { operations as github } from '../shared/connectors/github/operations.ts';
import { operations as graph } from '../shared/connectors/graph/operations.ts';
import { operations as hubspot } from '../shared/connectors/hubspot/operations.ts';
import { operationsOf, restSystem } from '../shared/connectors/rest/operations.ts';
import { operations as salesforce } from '../shared/connectors/salesforce/operations.ts';
import { operations as slack } from '../shared/connectors/slack/operations.ts';
import { operations as stripe } from '../shared/connectors/stripe/operations.ts';
import type { Operation, ResendClass } from '../shared/model/operation.ts';
import { projectDir } from './build.ts';

/** The connectors whose operations docs/connectors.md lists, each between two marks that name it. */
const documented: Readonly<Record<string, ReadonlyMap<string, Operation>>> = {
  erpnext,
  github,
  graph,
  hubspot,
  salesforce,
  slack,
  stripe,
  rest: describedBy('supplier-portal'),
};

/** The operations of a system that its file describes, as the example of what the connector rest can be told. */
function describedBy(name: string): ReadonlyMap<string, Operation> {
  const loaded = loadConfig(join(projectDir, 'config'));
  const system = loaded.kind === 'ok' ? loaded.config.systems[name] : undefined;
  if (!system) throw new Error(`config/systems/${name}.yaml is missing, or the configuration is not valid.`);
  return operationsOf(restSystem(name, system));
}

const page = join(projectDir, 'docs', 'connectors.md');

/** docs/connectors.md as it stands, and as the operations in the code would have it. */
export function connectorPage(): { readonly standing: string; readonly due: string } {
  const standing = readFileSync(page, 'utf8');
  const due = Object.entries(documented).reduce((text, [connector, operations]) => {
    const [from, to] = [`<!-- operations of ${connector} -->`, `<!-- end of ${connector} -->`];
    const [start, end] = [text.indexOf(from), text.indexOf(to)];
    if (start < 0 || end < start)
      throw new Error(`docs/connectors.md has no place for the operations of ${connector}.`);
    return `${text.slice(0, start + from.length)}\n${operationTable([...operations.values()])}\n${text.slice(end)}`;
  }, standing);
  return { standing, due };
}

/** The rows of the operations, grouped by what they do; objects that share everything share a row. */
function operationTable(operations: readonly Operation[]): string {
  const rows = new Map<string, string[]>();
  for (const operation of operations) {
    const [connector = '', object = '', verb = ''] = operation.id.split('.');
    const facts = factsOf(operation).map((fact) => fact.replaceAll(`${connector}.${object}.`, '<object>.'));
    const key = JSON.stringify([verb, ...facts]);
    rows.set(key, [...(rows.get(key) ?? []), object]);
  }
  const lines = [...rows].map(([key, objects]) => {
    const [verb, ...facts] = JSON.parse(key) as string[];
    return [`\`${verb}\``, objects.join(', '), ...facts];
  });
  return padded([['operation', 'objects', 'effect', 'resend class', 'undo'], ...lines]);
}

/** A table as the formatter leaves it: every column as wide as its widest cell. */
function padded(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[], fill = ' ') =>
    `| ${widths.map((width, column) => (cells[column] ?? '').padEnd(width, fill)).join(' | ')} |`;
  const [head = [], ...body] = rows;
  return [line(head), line([], '-'), ...body.map((row) => line(row))].join('\n');
}

function factsOf(operation: Operation): readonly [effect: string, resend: string, undo: string] {
  if (operation.kind === 'read') return ['read', 'reads are repeated freely', 'nothing to undo'];
  const { effect, undo } = operation;
  return [
    effect,
    resendText(operation.resend),
    undo.kind === 'none' ? `none: ${undo.why}` : `\`${undo.operation}\`: ${undo.how}`,
  ];
}

function resendText(resend: ResendClass): string {
  if (resend.kind === 'none') return '`none`: a person decides';
  return `\`${resend.kind}\`, absence counts after ${resend.settleMs / 1000} s`;
}

if (import.meta.main) writeFileSync(page, connectorPage().due);
