import type { SystemConfig } from '../config/schema.ts';
import type { HttpAnswer } from '../model/operation.ts';
import type { ConnectorManifest } from './manifest.ts';

/** Whether writes may go to the account a system says it is; `why` names no more than the config's own fields. */
export type AccountVerdict = { readonly kind: 'same' } | { readonly kind: 'mismatch'; readonly why: string };

/**
 * Compares what a system says of itself with its configuration. A stage that is not production refuses a system that
 * says it is production, whatever the configuration says; an answer that cannot be understood is a mismatch.
 * @param input.productionStage whether this deployment may write to production systems
 */
export function judgeAccount(input: {
  readonly manifest: ConnectorManifest;
  readonly config: Pick<SystemConfig, 'account'>;
  readonly answer: HttpAnswer;
  /** The answer to the manifest's second question, where it has one. */
  readonly also?: HttpAnswer;
  readonly productionStage: boolean;
}): AccountVerdict {
  const facts = input.manifest.account.judge(input.answer, input.also);
  if (!facts) return mismatch('it did not say which account it is');
  const { is, ...expected } = input.config.account;
  for (const [name, value] of Object.entries(expected)) {
    if (value !== undefined && facts.identity[name] !== value) return mismatch(`its ${name} is not the configured one`);
  }
  if (facts.is !== is) return mismatch(`it says that it is ${facts.is}, the configuration says ${is}`);
  if (facts.is === 'production' && !input.productionStage) {
    return mismatch('it says that it is production, and this stage is not');
  }
  return { kind: 'same' };
}

function mismatch(why: string): AccountVerdict {
  return { kind: 'mismatch', why };
}
