import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadConfig } from '../../shared/config/load.ts';
import { problemLine } from '../../shared/config/problems.ts';
import type { PlumblineConfig } from '../../shared/config/schema.ts';
import { projectDir } from '../build.ts';
import { SettingsError, settingsOf, useEnvironment } from '../settings.ts';

/** What a person's command knows of a stage. */
export type StageAccess = {
  /** Said to the person before anything is stored. */
  readonly where: string;
  readonly config: PlumblineConfig;
  readonly productionStage: boolean;
  /** Simulators by system; only in the stage `local`. */
  readonly localOrigins: Readonly<Record<string, string>> | undefined;
  readonly refreshFunction: string;
};

/** What `npm start` writes for commands: where its AWS stand-ins and its simulators listen. */
type LocalFile = {
  readonly environment: Readonly<Record<string, string>>;
  readonly origins: Readonly<Record<string, string>>;
};

/** Points the AWS clients of this process at a stage. Throws `SettingsError` with what to do. */
export function stageAccess(stage: string): StageAccess {
  const settings = settingsOf(stage);
  const loaded = loadConfig(join(projectDir, 'config'));
  if (loaded.kind === 'problems') throw new SettingsError(loaded.problems.map(problemLine).join('\n'));
  const { config } = loaded;
  const common = { config, productionStage: stage === 'prod', refreshFunction: `plumbline-${stage}-token-refresh` };
  if (stage !== 'local') {
    const region = deployedRegion(stage) ?? settings.region;
    useEnvironment({ AWS_REGION: region });
    return { ...common, where: `stage ${stage} in ${region}`, localOrigins: undefined };
  }
  const file = join(projectDir, '.plumbline', 'keys', 'verify.json');
  if (!existsSync(file)) throw new SettingsError('Nothing runs here: npm start first.');
  const { environment, origins } = JSON.parse(readFileSync(file, 'utf8')) as LocalFile;
  useEnvironment(environment);
  return { ...common, where: 'stage local', localOrigins: origins };
}

/** The region of a deployed stage, as its address says; null where it was not deployed from here. */
function deployedRegion(stage: string): string | null {
  const file = join(projectDir, 'cdk.out', 'outputs.json');
  if (!existsSync(file)) return null;
  const outputs = JSON.parse(readFileSync(file, 'utf8')) as Record<string, Record<string, string>>;
  const address = outputs[`plumbline-${stage}-service`]?.['AgentUrl'] ?? '';
  return /\.execute-api\.([a-z0-9-]+)\./.exec(address)?.[1] ?? null;
}
