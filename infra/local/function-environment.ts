import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { PlumblineConfig } from '../../shared/config/schema.ts';
import { localRegion } from './aws/callers.ts';
import { localAudience } from './issuer.ts';
import type { FunctionSpec } from './lambda/instance.ts';
import type { StandIns } from './stand-ins.ts';
import type { FunctionPlan, LocalPlan } from './template/plan.ts';

/** The configuration that the build put beside the bundles. Throws where the plan has no function. */
export function readBuiltConfig(plan: LocalPlan): PlumblineConfig {
  const [first] = plan.functions;
  if (first === undefined) throw new Error('The template has no function.');
  return JSON.parse(readFileSync(join(first.directory, 'config.json'), 'utf8')) as PlumblineConfig;
}

/** The simulator that stands for each system, by the name of the system. */
export function originsOf(
  config: PlumblineConfig,
  simulators: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const found = Object.entries(config.systems).flatMap(([system, { connector }]) => {
    const origin = simulators[system] ?? simulators[connector];
    return origin === undefined ? [] : [[system, origin] as const];
  });
  return Object.fromEntries(found);
}

/**
 * What makes of a function of the template one that runs here: the template's environment, the credentials of exactly this
 * function, the stand-ins' endpoints, and the addresses that differ on one machine.
 */
export function functionEnvironment(input: {
  readonly standIns: Pick<StandIns, 'callers' | 'endpoints'>;
  readonly issuer: string;
  readonly config: PlumblineConfig;
  /** Origins of the simulators, by connector or by system. */
  readonly simulators: Readonly<Record<string, string>>;
}): (plan: FunctionPlan, options: { readonly publicUrl?: string }, stateDir: string) => FunctionSpec {
  const { standIns, issuer, config, simulators } = input;
  const origins = originsOf(config, simulators);
  return (plan, options, stateDir) => {
    const keys = standIns.callers.keysOf(plan.name);
    const [file = 'index', handler = 'handler'] = plan.handler.split('.');
    const { environment } = plan;
    return {
      name: plan.name,
      entry: join(plan.directory, `${file}.mjs`),
      handler,
      timeoutMs: plan.timeoutMs,
      memoryMb: plan.memoryMb,
      logFile: join(stateDir, 'logs', `${plan.name}.log`),
      environment: {
        PATH: process.env['PATH'] ?? '',
        ...standIns.endpoints,
        ...environment,
        LOCAL_ORIGINS: JSON.stringify(origins),
        ...('OPERATOR_ISSUER' in environment ? { OPERATOR_ISSUER: issuer, OPERATOR_AUDIENCE: localAudience } : {}),
        ...(options.publicUrl === undefined ? {} : { WEBHOOK_PUBLIC_URL: options.publicUrl }),
        AWS_REGION: localRegion,
        AWS_ACCESS_KEY_ID: keys.accessKeyId,
        AWS_SECRET_ACCESS_KEY: keys.secretAccessKey,
        AWS_LAMBDA_FUNCTION_NAME: plan.functionName,
        AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(plan.memoryMb),
      },
    };
  };
}
