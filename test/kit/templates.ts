import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { functions } from '../../infra/functions.ts';
import { settingsOf } from '../../infra/settings.ts';
import { type Synthesized, synthesize, type Template, type TemplateResource } from '../../infra/synthesize.ts';

/** Synthesises a stage over bundles that are one line each: templates do not depend on what is in a bundle. */
export function templatesOf(
  stage: string,
  overrides: Parameters<typeof settingsOf>[1] = {},
  more: { readonly configDir?: string } = {},
): Synthesized {
  const dir = mkdtempSync(join(tmpdir(), 'plumbline-infra-'));
  for (const { name } of functions) {
    mkdirSync(join(dir, 'bundles', name), { recursive: true });
    writeFileSync(join(dir, 'bundles', name, 'index.mjs'), `export const handler = () => '${name}';\n`);
  }
  const settings = settingsOf(stage, { region: 'eu-central-1', ...overrides });
  const places = { outdir: join(dir, 'cdk.out'), bundlesDir: join(dir, 'bundles') };
  return synthesize({ settings, ...places, ...more, validation: false });
}

/** The resources of one type, by logical id. */
export function resourcesOf(template: Template, type: string): readonly (readonly [string, TemplateResource])[] {
  return Object.entries(template.Resources).filter(([, resource]) => resource.Type === type);
}

/** A value of the service's template as one line that a person can review: `state.ActionsTable.Arn/index/due`. */
export function readable(value: unknown, templates: Synthesized): string {
  if (typeof value !== 'object' || value === null) return String(value);
  const [name = '', inner] = Object.entries(value)[0] ?? [];
  if (name === 'Ref') return String(inner).startsWith('AWS::') ? `<${String(inner).slice(5)}>` : shortId(String(inner));
  if (name === 'Fn::GetAtt') return (inner as string[]).map(shortId).join('.');
  if (name === 'Fn::Join') return (inner as [string, unknown[]])[1].map((part) => readable(part, templates)).join('');
  if (name === 'Fn::ImportValue') return `state.${readable(exportOf(String(inner), templates), templates)}`;
  throw new Error(`This function of CloudFormation is not known to the test: ${name}.`);
}

function exportOf(name: string, { state }: Synthesized): unknown {
  const output = Object.values(state.Outputs ?? {}).find((one) => one.Export?.Name === name);
  if (!output) throw new Error(`The state stack does not export ${name}.`);
  return output.Value;
}

// The CDK's hash at the end says nothing to a reader.
function shortId(logicalId: string): string {
  return logicalId.replace(/[0-9A-F]{8}$/, '');
}
