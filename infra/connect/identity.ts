import { noRecord, recordAfter, scopeDifference } from '../../shared/auth/health.ts';
import { reasonText } from '../../shared/auth/health-case.ts';
import type { SystemConfig } from '../../shared/config/schema.ts';
import { askCredential } from '../../shared/connectors/credential-question.ts';
import type { Credential } from '../../shared/connectors/credentials.ts';
import { loadConnector } from '../../shared/connectors/registry.ts';
import { makeSender } from '../../shared/connectors/send.ts';
import type { HttpClient } from '../../shared/http/client.ts';
import type { Clock } from '../../shared/model/clock.ts';
import { silentLog } from '../../shared/observe/json-log.ts';

/** What is said of a credential: lines for a person, whether it is as configured, and whether the system takes it at all. */
export type Identity = { readonly lines: readonly string[]; readonly isRed: boolean; readonly isRefused: boolean };

/** Asks a system once who a credential is. A person's few questions count against no breaker and no limit. */
export async function identityOf(
  deps: {
    readonly http: HttpClient;
    readonly clock: Clock;
    readonly productionStage: boolean;
    readonly localOrigins: Readonly<Record<string, string>> | undefined;
  },
  input: { readonly system: string; readonly config: SystemConfig; readonly credential: Credential },
): Promise<Identity> {
  const { system, config } = input;
  const systems = { [system]: config };
  const credentials = {
    authorize: async () => ({ ...input.credential, version: 1 }),
    rejected: async () => 'broken' as const,
  };
  const free = async () => ({ kind: 'ok' as const });
  const send = makeSender({
    ...deps,
    ...{ systems, loadConnector, credentials, log: silentLog },
    breakers: { ask: async () => ({ kind: 'pass' }), tell: async () => undefined },
    rates: {
      ...{ take: free, takeRetry: free },
      pause: async () => undefined,
      pausedMs: async () => 0,
      turn: async (_name, _rules, at) => at,
    },
  });
  const answer = await askCredential({ ...deps, systems, loadConnector, credentials, send }, system);
  const record = recordAfter(noRecord(system), { answer, auth: config.auth, keySinceMs: null }, deps.clock.now());
  const { facts, account, failure, reasons } = record;
  const difference = scopeDifference(record);
  const named = (reason: string) =>
    reason === 'scope_missing' ? difference.missing : reason === 'scope_surplus' ? difference.surplus : [];
  const lines = [
    `account   ${account === null ? `not told (${failure})` : account === 'same' ? 'the configured one' : 'another one'}`,
    `acts as   ${facts?.actsAs ?? 'not told'} (${facts?.holder ?? 'unknown'})`,
    `scopes    ${facts?.scopes?.join(', ') ?? 'not told'}`,
    ...reasons.map((reason) => `RED       ${[reasonText[reason], ...named(reason)].join(' ')}`),
  ];
  return { lines, isRed: reasons.length > 0 || answer.kind !== 'told', isRefused: answer.kind === 'refused' };
}
