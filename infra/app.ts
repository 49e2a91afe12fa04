import { App } from 'aws-cdk-lib';
import { defaultStage, SettingsError, settingsOf } from './settings.ts';
import { makeStacks } from './synthesize.ts';

/** The CDK's entry: `npm run synth`, `npm run deploy`. The stage is chosen with `-- -c stage=<stage>`. */
function main(): void {
  const stage: unknown = new App({ autoSynth: false }).node.tryGetContext('stage') ?? defaultStage;
  makeStacks({ settings: settingsOf(String(stage)) }).app.synth();
}

try {
  main();
} catch (error) {
  if (!(error instanceof SettingsError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
