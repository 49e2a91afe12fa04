import type { PlumblineConfig, SystemConfig } from '../config/schema.ts';
import type { HttpClient } from '../http/client.ts';
import { type Clock, type Random, systemRandom } from '../model/clock.ts';
import { PlumblineError } from '../model/errors.ts';
import type { FailureClass } from '../model/operation.ts';
import type { Log } from '../observe/log.ts';
import type { BreakerRule } from '../resilience/breaker.ts';
import type { BreakerGuard } from '../resilience/breaker-guard.ts';
import type { RateLimiter } from '../resilience/rate-limit.ts';
import type { CredentialSource } from './credentials.ts';
import type { ConnectorManifest } from './manifest.ts';
import { originOf } from './origin.ts';
import type { Connector } from './registry.ts';
import type { SendInput, SendResult } from './sender.ts';

/** What the one way out to systems is put together from. */
export type SenderDeps = {
  readonly systems: PlumblineConfig['systems'];
  readonly loadConnector: (name: string) => Promise<Pick<Connector, 'manifest' | 'onSystem'>>;
  readonly credentials: CredentialSource;
  readonly http: HttpClient;
  readonly breakers: BreakerGuard;
  readonly rates: RateLimiter;
  readonly clock: Clock;
  /** Spreads the second tries of reads; the operating system's where none is given. */
  readonly random?: Random;
  readonly log: Log;
  /** Whether this deployment may write to systems that say they are production. */
  readonly productionStage: boolean;
  /** Stage `local` only: origins of the simulators, by system. */
  readonly localOrigins?: { readonly [system: string]: string } | undefined;
};

/** Everything one request needs to know of its system. */
export type Way = {
  readonly system: string;
  readonly config: SystemConfig;
  readonly manifest: ConnectorManifest;
  readonly origin: string;
};

/** One request on its way; the deadline is the nearest one that applies. */
export type OneRequest = Pick<SendInput, 'spec' | 'purpose' | 'mayWrite' | 'traceparent'> & {
  readonly deadlineMs: number;
};

/** Finds the way to a configured system. Throws `config_invalid` where there is none. */
export async function wayTo(
  deps: Pick<SenderDeps, 'systems' | 'loadConnector' | 'localOrigins'>,
  system: string,
): Promise<Way> {
  const config = Object.hasOwn(deps.systems, system) ? deps.systems[system] : undefined;
  if (!config) {
    throw new PlumblineError(`There is no system named ${system}.`, {
      code: 'config_invalid',
      retry: 'never',
      hint: 'Name a file of config/systems.',
    });
  }
  const connector = await deps.loadConnector(config.connector);
  const { manifest } = connector.onSystem?.(system, config) ?? connector;
  return { system, config, manifest, origin: originOf(manifest, config, deps.localOrigins?.[system]) };
}

/** When the breakers of a system open. */
export function ruleOf({ config }: Way): BreakerRule {
  return { opensAfter: config.breaker.opensAfter, staysMs: config.breaker.stays };
}

/** The credential whose calls are counted: systems that name one secret share its limits. */
export function credentialOf({ config }: Way): string {
  return config.auth.secret;
}

/** The question to a system who it is: the read that is sent where a write may not try the system out. */
export function accountRequest(
  way: Way,
  { deadlineMs, traceparent }: Pick<OneRequest, 'deadlineMs' | 'traceparent'>,
): OneRequest {
  const spec = way.manifest.account.request(way.config.apiVersion);
  return { spec, purpose: 'read', deadlineMs, ...(traceparent ? { traceparent } : {}) };
}

/** A request that did not leave this process. */
export function notSent(
  kind: FailureClass,
  code: string,
  message: string,
  retryAfterMs?: number,
): Extract<SendResult, { kind: 'not_sent' }> {
  const error = { class: kind, code, message, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
  return { kind: 'not_sent', error };
}

/** The source of randomness of a way out. */
export function randomOf({ random }: Pick<SenderDeps, 'random'>): Random {
  return random ?? systemRandom;
}
