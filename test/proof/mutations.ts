import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import type { ScenarioName } from './scenarios.ts';
import type { Kernel } from './world.ts';

/** One guard of the kernel, how its source reads, what it reads without the guard, and where the search must then find harm. */
export type Mutation = {
  readonly guard: string;
  readonly file: string;
  readonly source: string;
  readonly without: string;
  readonly scenario: ScenarioName;
};

const action = '../../shared/action/';

export const mutations: readonly Mutation[] = [
  {
    guard: 'a first claim needs an absent record',
    file: 'store.ts',
    source: "if (guard === 'absent') return current === null;",
    without: "if (guard === 'absent') return true;",
    scenario: 'probe',
  },
  {
    guard: 'a transition needs the state it was judged on',
    file: 'store.ts',
    source: 'current.state === guard.state && ',
    without: '',
    scenario: 'twoWorkers',
  },
  {
    guard: 'a transition needs the epoch it was judged on',
    file: 'store.ts',
    source: ' && current.epoch === guard.epoch',
    without: '',
    scenario: 'epoch',
  },
  {
    guard: 'again needs the generation it names',
    file: 'store.ts',
    source: 'current.gen === guard.gen && ',
    without: '',
    scenario: 'generations',
  },
  {
    guard: 'again needs that generation settled',
    file: 'store.ts',
    source: ' && guard.states.some((state) => state === current.state)',
    without: '',
    scenario: 'generations',
  },
  {
    guard: 'an expired lease means unknown, not free',
    file: 'step-time.ts',
    source: "if (record.state === 'STARTED') return toUnknown(record, at, { failure: lostOwner, owner: null });",
    without:
      "if (record.state === 'STARTED') return move(record, at, { state: 'RETRYABLE', dueMs: at.nowMs, failure: null });",
    scenario: 'probe',
  },
  {
    guard: 'a live lease is respected',
    file: 'step-time.ts',
    source: 'return at.nowMs > record.leaseUntilMs + at.limits.skewMs;',
    without: 'return true;',
    scenario: 'slowSender',
  },
  {
    guard: 'the settle time includes the skew of clocks',
    file: 'moves.ts',
    source: 'return declared + at.limits.skewMs;',
    without: 'return declared;',
    scenario: 'skew',
  },
  {
    guard: 'absence counts after the settle time only',
    file: 'step-resolve.ts',
    source: 'const settled = event.askedAtMs > record.sinceMs + settleMs(record, at);',
    without: 'const settled = true;',
    scenario: 'slowProbe',
  },
  {
    guard: 'absence counts from when it was asked',
    file: 'step-resolve.ts',
    source: 'event.askedAtMs > record.sinceMs',
    without: 'at.nowMs > record.sinceMs',
    scenario: 'slowProbe',
  },
  {
    guard: 'nothing is sent at the end of a lease',
    file: 'send-once.ts',
    source: 'return Math.min(deadlineMs, record.leaseUntilMs - marginMs);',
    without: 'return deadlineMs;',
    scenario: 'slowSender',
  },
  {
    guard: 'an own claim is known by its nonce',
    file: 'step-claim.ts',
    source: 'current.owner === next.owner && ',
    without: '',
    scenario: 'probe',
  },
  {
    guard: 'a refusal proves nothing about an earlier send in doubt',
    file: 'step-settle.ts',
    source: ' || record.inDoubt === true',
    without: '',
    scenario: 'key',
  },
  {
    guard: 'a throw or lost answer is unknown',
    file: 'step-settle.ts',
    source: "if (verdict.kind === 'unknown' || ",
    without: 'if (',
    scenario: 'probe',
  },
  {
    guard: 'a resend needs the window of the provider key',
    file: 'step-resolve.ts',
    source: ' && at.nowMs + at.limits.leaseMs < keyWindowEndMs(record, at)',
    without: '',
    scenario: 'keyWindow',
  },
  {
    guard: 'a resend needs byte for byte the same request',
    file: 'step-resolve.ts',
    source: 'record.requestDigest === requestDigest && ',
    without: '',
    scenario: 'deploy',
  },
  {
    guard: 'a resend needs a provider key',
    file: 'step-resolve.ts',
    source: "if (record.resend.kind !== 'key' || record.attempts >= at.limits.maxAttempts) return false;",
    without: 'if (record.attempts >= at.limits.maxAttempts) return false;\n  return true;',
    scenario: 'probe',
  },
  {
    guard: 'a key under which the provider keeps an error is not sent again',
    file: 'step-resolve.ts',
    source: '  if (record.keySpent === true) return false;\n',
    without: '',
    scenario: 'keySpent',
  },
  {
    guard: 'an error that the provider keeps is remembered where the outcome is unknown',
    file: 'step-settle.ts',
    source: '...(spent ? { keySpent: true } : {})',
    without: '',
    scenario: 'keySpent',
  },
  {
    guard: 'proven without effect, a kept error is left behind under another key',
    file: 'step-settle.ts',
    source: 'resendNo: record.resendNo + 1',
    without: 'resendNo: record.resendNo',
    scenario: 'keySpent',
  },
  {
    guard: 'an unknown action starts no attempt',
    file: 'step-claim.ts',
    source: "record.state === 'RETRYABLE' && record.dueMs <= at.nowMs",
    without: "(record.state === 'RETRYABLE' || record.state === 'UNKNOWN') && record.dueMs <= at.nowMs",
    scenario: 'probe',
  },
  {
    guard: 'the same intent is a replay inside its window',
    file: 'step-claim.ts',
    source: 'return at.nowMs > record.settledAtMs + record.windowMs + at.limits.skewMs;',
    without: 'return true;',
    scenario: 'window',
  },
  {
    guard: 'again starts one generation only once',
    file: 'step-claim.ts',
    source: "if (again < record.gen) return blocked('answered');",
    without: '',
    scenario: 'thrice',
  },
  {
    guard: 'a claim that needs approval waits for it',
    file: 'step-claim.ts',
    source: "const waits = permission.kind === 'approval';",
    without: 'const waits = false;',
    scenario: 'approval',
  },
  {
    guard: 'a later attempt needs approval too',
    file: 'step-claim.ts',
    source: "if (permission.kind === 'approval' && !approved(record)) {",
    without: 'if (false) {',
    scenario: 'reopenedByCaller',
  },
  {
    guard: 'an approval is used by its first attempt: reopening needs another',
    file: 'step-person.ts',
    source: '{ ...change, approval: null }',
    without: 'change',
    scenario: 'reopened',
  },
  {
    guard: 'a decision is bound to its generation',
    file: 'step-person.ts',
    source: 'if (record === null || record.gen !== event.gen) return',
    without: 'if (record === null) return',
    scenario: 'staleDecision',
  },
  {
    guard: 'a person may deny an effect after the settle time only',
    file: 'step-person.ts',
    source: 'return at.nowMs > record.sinceMs + settleMs(record, at);',
    without: 'return true;',
    scenario: 'person',
  },
  {
    guard: 'nothing is cancelled that may have happened',
    file: 'step-person.ts',
    source: 'const cancellable: readonly StateName[] = [',
    without: "const cancellable: readonly StateName[] = ['UNKNOWN', 'STARTED', ",
    scenario: 'person',
  },
  {
    guard: 'what was cancelled stays closed',
    file: 'step-person.ts',
    source: 'const reopenable: readonly StateName[] = [',
    without: "const reopenable: readonly StateName[] = ['CANCELLED', ",
    scenario: 'cancelled',
  },
];

/** The kernel as it would be without one guard. Throws where the source no longer reads as the mutation says. */
export async function mutated({ file, source, without }: Omit<Mutation, 'scenario'>): Promise<Kernel> {
  const path = fileURLToPath(new URL(action + file, import.meta.url));
  const text = await readFile(path, 'utf8');
  if (text.split(source).length !== 2) throw new Error(`${file} does not read once: ${source}`);
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL('./kernel.ts', import.meta.url))],
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'node',
    plugins: [
      {
        name: 'remove-guard',
        setup: ({ onLoad }) => {
          onLoad({ filter: new RegExp(`/shared/action/${file.replace('.', '\\.')}$`) }, () => ({
            contents: text.replace(source, () => without),
            loader: 'ts',
          }));
        },
      },
    ],
  });
  const code = Buffer.from(outputFiles[0]?.contents ?? []).toString('base64');
  return (await import(`data:text/javascript;base64,${code}`)) as Kernel;
}
