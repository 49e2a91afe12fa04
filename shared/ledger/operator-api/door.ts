import type { ActionStore } from '../../action/store.ts';
import type { KernelLimits } from '../../action/types.ts';
import { authenticateOperator, emptyKeySet } from '../../auth/operators.ts';
import { breakersOf } from '../../resilience/breaker-guard.ts';
import type { ResilienceStore } from '../../resilience/ports.ts';
import type { OperatorApiDeps } from './deps.ts';
import { actionDesk } from './desk.ts';
import { answerGateway, type GatewayEvent } from './gateway.ts';
import type { Reply } from './http.ts';

/** The ports of the operator door and what it is configured with. */
export type OperatorDoorDeps = Omit<OperatorApiDeps, 'actions' | 'authenticate' | 'breakers' | 'console'> & {
  readonly actions: ActionStore;
  readonly limits: KernelLimits;
  readonly breakers: Pick<ResilienceStore, 'read'>;
  readonly operators: {
    readonly issuer: string;
    readonly audience: string;
    readonly files: ReadonlyMap<string, string>;
    /** Reads JSON from a URL of the issuer. */
    readonly fetchJson: (url: string) => Promise<unknown>;
  };
};

/** Puts the operator door together: one per process, whose issuer keys are kept between requests. */
export function operatorDoor(deps: OperatorDoorDeps): (event: GatewayEvent) => Promise<Reply> {
  const { operators, clock, actions: store, limits, config } = deps;
  const auth = { ...operators, owners: config.owners, clock, keySet: emptyKeySet() };
  const api: OperatorApiDeps = {
    ...deps,
    actions: actionDesk({ store, clock, limits, payloads: deps.payloads }),
    authenticate: (authorization) => authenticateOperator(auth, authorization),
    breakers: (system) => breakersOf(deps.breakers, system),
    console: { files: operators.files, issuer: operators.issuer, client: operators.audience },
  };
  return (event) => answerGateway(api, event);
}
