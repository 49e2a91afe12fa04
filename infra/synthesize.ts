import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { App, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import { loadConfig } from '../shared/config/load.ts';
import type { PlumblineConfig } from '../shared/config/schema.ts';
import { acknowledge } from './acknowledged.ts';
import { projectDir } from './build.ts';
import { sharedSecrets } from './grants.ts';
import { refuseLocalValues, type Settings, SettingsError } from './settings.ts';
import { OpsStack } from './stacks/ops-stack.ts';
import { ServiceStack } from './stacks/service-stack.ts';
import { StateStack } from './stacks/state-stack.ts';

/** The three stacks of one stage in one app. */
export type Stacks = {
  readonly app: App;
  readonly state: StateStack;
  readonly service: ServiceStack;
  readonly ops: OpsStack;
};

/** What is put together; every part but the settings has a default. */
export type StackInput = {
  readonly settings: Settings;
  /** Where the templates go; cdk.out/ by default, or what the CDK's command line says. */
  readonly outdir?: string;
  /** Where infra/build.ts wrote the bundles; dist/ by default. */
  readonly bundlesDir?: string;
  readonly configDir?: string;
  /** Whether templates are judged by cdk-nag and the template validator: yes by default. Without, synthesis is faster. */
  readonly validation?: boolean;
};

/**
 * Puts the stacks of one stage together. Needs neither AWS credentials nor a network.
 * Throws `SettingsError` for settings or configuration that this stage must not have, and where a bundle is missing.
 */
export function makeStacks(input: StackInput): Stacks {
  const { settings } = input;
  const config = input.configDir ? configOf(input.configDir) : configOf(join(projectDir, 'config'));
  refuseLocalValues(settings, config);
  refuseSharedSecrets(config);
  const app = new App({
    context: contextOf(input.validation !== false),
    ...(input.outdir === undefined ? {} : { outdir: resolve(input.outdir) }),
    analyticsReporting: false,
  });
  const { account, region } = settings;
  const env = { region, ...(account === undefined ? {} : { account }) };
  const of = (name: string) => ({
    stackName: `plumbline-${settings.stage}-${name}`,
    env,
    tags: { product: 'plumbline', stage: settings.stage },
  });
  const bundlesDir = resolve(projectDir, input.bundlesDir ?? 'dist');
  const state = new StateStack(app, 'State', { ...of('state'), settings });
  const service = new ServiceStack(app, 'Service', { ...of('service'), settings, config, state, bundlesDir });
  const ops = new OpsStack(app, 'Ops', { ...of('ops'), settings, service });
  if (input.validation !== false) {
    Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
    acknowledge({ state, service });
  }
  return { app, state, service, ops };
}

/** A template as CloudFormation reads it. */
export type Template = {
  readonly Resources: Readonly<Record<string, TemplateResource>>;
  readonly Outputs?: Readonly<
    Record<string, { readonly Value: unknown; readonly Export?: { readonly Name: unknown } }>
  >;
};

export type TemplateResource = {
  readonly Type: string;
  readonly Properties?: Readonly<Record<string, unknown>>;
  readonly Metadata?: Readonly<Record<string, unknown>>;
};

/** The templates of one stage. */
export type Synthesized = { readonly state: Template; readonly service: Template; readonly ops: Template };

/**
 * Synthesises one stage in this process and returns its templates, for the local target and tests.
 * Throws `SettingsError` as `makeStacks` does, and where validation finds an error.
 */
export function synthesize(input: StackInput): Synthesized {
  const { app, state, service, ops } = makeStacks(input);
  const assembly = app.synth();
  const template = (name: string) => assembly.getStackByName(name).template as Template;
  return {
    state: template(state.stackName),
    service: template(service.stackName),
    ops: template(ops.stackName),
  };
}

function configOf(dir: string): PlumblineConfig {
  const result = loadConfig(dir);
  if (result.kind === 'ok') return result.config;
  const lines = result.problems.map(({ file, line, message }) => `  ${file}:${line}: ${message}`);
  throw new SettingsError(`The configuration in ${dir} is wrong:\n${lines.join('\n')}`);
}

function refuseSharedSecrets(config: PlumblineConfig): void {
  const shared = sharedSecrets(config);
  if (shared.length === 0) return;
  throw new SettingsError(
    `These secrets are named for two uses that different functions read: ${shared.join(', ')}. ` +
      'Each would be given the other one: give every use a secret of its own.',
  );
}

// Feature flags stand in cdk.json; the CDK's command line hands them over, a synthesis in this process reads them.
function contextOf(validation: boolean): Record<string, unknown> {
  const { context } = JSON.parse(readFileSync(join(projectDir, 'cdk.json'), 'utf8')) as {
    context: Record<string, unknown>;
  };
  return validation ? context : { ...context, '@aws-cdk/core:validateAgainstDefaultRules': false };
}
