import type { Clock } from '../../../shared/model/clock.ts';
import type { EffectLog, LoggedRequest } from './effect-log.ts';
import type { Fault, FaultBook, FaultSpec } from './faults.ts';
import { listenLoopback, type SimAnswer, type SimRequest } from './loopback-server.ts';
import type { StateFile } from './state-file.ts';

/** A running simulated system. */
export type Simulator = {
  readonly url: string;
  readonly effects: EffectLog;
  addFault(spec: FaultSpec): Fault;
  clearFaults(): void;
  close(): Promise<void>;
};

/** What every simulated system holds. */
export type SimulatorState = { readonly clock: Clock; readonly file: StateFile; readonly effects: EffectLog };

/**
 * Starts a simulated system on 127.0.0.1.
 * @param own.port 0 takes a free one
 * @param own.stop ends what is on its way of itself, such as webhooks
 */
export async function runSimulator(own: {
  readonly port: number;
  readonly state: SimulatorState;
  readonly faults: FaultBook;
  readonly handle: (request: SimRequest) => Promise<SimAnswer>;
  readonly stop?: () => void;
}): Promise<Simulator> {
  const { effects, clock, file } = own.state;
  const listener = await listenLoopback({ port: own.port, handle: own.handle });
  return {
    ...{ url: listener.url, effects },
    addFault: (spec) => own.faults.add(spec),
    clearFaults: () => own.faults.clear(),
    async close() {
      own.stop?.();
      await listener.close();
      // Requests that were under way write their last lines before the file goes.
      await clock.sleep(0);
      file.close();
    },
  };
}

/**
 * Logs a request with what becomes of it, and looks up the fault that hits it.
 * @param deps.state which log; @param answer gets the fault, if any, and the entry of the log
 */
export async function logged(
  deps: { readonly state: SimulatorState; readonly faults: FaultBook },
  request: SimRequest,
  answer: (fault: Fault | null, entry: LoggedRequest) => Promise<SimAnswer>,
): Promise<SimAnswer> {
  const { effects, clock } = deps.state;
  const entry = effects.arrived(clock.now(), request);
  const fault = deps.faults.next(request.method, request.path);
  entry.fault = fault?.kind ?? null;
  const answered = await answer(fault, entry);
  entry.status = answered === 'drop' ? 0 : answered.status;
  return answered;
}
