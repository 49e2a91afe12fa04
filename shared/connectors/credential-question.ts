import type { SystemConfig } from '../config/schema.ts';
import type { Clock } from '../model/clock.ts';
import type { HttpAnswer, RequestSpec } from '../model/operation.ts';
import { judgeAccount } from './account-check.ts';
import type { CredentialSource } from './credentials.ts';
import type { ConnectorManifest, CredentialFacts } from './manifest.ts';
import type { Connector } from './registry.ts';
import type { Sender } from './sender.ts';

/**
 * What a system says when it is asked who its credential is. `refused`: it does not accept the credential, or there is none
 * that could be sent. `unanswered`: try later. Codes are ours; nothing the system said is among them.
 */
export type CredentialAnswer =
  | {
      readonly kind: 'told';
      readonly account: 'same' | 'other';
      readonly facts: CredentialFacts | null;
      readonly requiredScopes: readonly string[];
    }
  | { readonly kind: 'refused'; readonly code: string }
  | { readonly kind: 'unanswered'; readonly code: string };

/** What asking needs. */
export type CredentialQuestionDeps = {
  readonly systems: { readonly [system: string]: SystemConfig };
  readonly loadConnector: (name: string) => Promise<Pick<Connector, 'manifest' | 'onSystem'>>;
  readonly credentials: Pick<CredentialSource, 'authorize'>;
  readonly send: Sender;
  readonly clock: Clock;
  readonly productionStage: boolean;
};

/** How long all questions to one system may take, milliseconds. */
const patienceMs = 10_000;

type Reply = { readonly kind: 'answer'; readonly answer: HttpAnswer } | Exclude<CredentialAnswer, { kind: 'told' }>;

/**
 * Asks a configured system which account it is and, where it can tell, who the credential is and what it may do: two or
 * three reads through the one way out, with its breaker and its rate limit.
 */
export async function askCredential(deps: CredentialQuestionDeps, system: string): Promise<CredentialAnswer> {
  const config = Object.hasOwn(deps.systems, system) ? deps.systems[system] : undefined;
  if (config === undefined) return { kind: 'unanswered', code: 'unknown_system' };
  const loaded = await deps.loadConnector(config.connector);
  const { manifest } = loaded.onSystem?.(system, config) ?? loaded;
  const held = await deps.credentials.authorize(system);
  if ('unavailable' in held) {
    // What a refresh could not get has its own case already.
    const waits = held.retryAfterMs !== undefined || 'refresh' in config.auth;
    return { kind: waits ? 'unanswered' : 'refused', code: held.code };
  }
  const deadlineMs = deps.clock.now() + patienceMs;
  const ask = (spec: RequestSpec) => askOnce(deps, manifest, { system, spec, deadlineMs });
  const { account, credential } = manifest;
  const first = await ask(account.request(config.apiVersion));
  if (first.kind !== 'answer') return first;
  const second = account.also ? await ask(account.also(config.apiVersion)) : null;
  if (second !== null && second.kind !== 'answer') return second;
  const token = /^Bearer (.+)$/.exec(held.headers.authorization ?? '')?.[1] ?? '';
  const third = credential ? await ask(credential.request({ apiVersion: config.apiVersion, token })) : null;
  if (third !== null && third.kind !== 'answer') return third;
  const also = second === null ? {} : { also: second.answer };
  const { productionStage } = deps;
  const verdict = judgeAccount({ manifest, config, answer: first.answer, ...also, productionStage });
  return {
    kind: 'told',
    account: verdict.kind === 'same' ? 'same' : 'other',
    facts: third === null ? null : (credential?.judge(third.answer, token) ?? null),
    requiredScopes: config.scopes.length > 0 ? config.scopes : manifest.scopes,
  };
}

async function askOnce(
  deps: CredentialQuestionDeps,
  manifest: ConnectorManifest,
  question: { readonly system: string; readonly spec: RequestSpec; readonly deadlineMs: number },
): Promise<Reply> {
  const result = await deps.send({ ...question, purpose: 'read' });
  if (result.kind !== 'answer') return { kind: 'unanswered', code: result.error.code };
  const said = manifest.classify(result.answer)?.class ?? null;
  if (said === 'auth') return { kind: 'refused', code: 'credential_refused' };
  const isPassing = said === 'rate' || said === 'transient' || result.answer.status >= 500;
  return isPassing ? { kind: 'unanswered', code: `system_${said ?? 'transient'}` } : result;
}
