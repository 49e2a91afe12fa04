import { readEnv } from '../shared/config/env.ts';
import { countLedgerChanges } from '../shared/ledger/guard.ts';
import { systemClock as clock } from '../shared/model/clock.ts';
import { jsonLog } from '../shared/observe/json-log.ts';

const env = readEnv(['STAGE']);
const write = (line: string) => void process.stdout.write(`${line}\n`);
const log = jsonLog({ clock, write, fields: { stage: env.STAGE, function: 'ledger-guard' } });

type Change = {
  readonly eventName?: string;
  readonly userIdentity?: { readonly type?: string; readonly principalId?: string };
  readonly dynamodb?: { readonly OldImage?: { readonly ttl?: { readonly N?: string } } };
};

/** Counts changes and removals of ledger entries; an alarm stands on `LedgerTampered`. */
export async function handler(event: { readonly Records: readonly Change[] }): Promise<void> {
  const changes = event.Records.map(({ eventName, userIdentity, dynamodb }) => {
    const ttl = dynamodb?.OldImage?.ttl?.N;
    return { eventName, userIdentity, ttl: ttl === undefined ? null : Number(ttl) };
  });
  const { expired, tampered } = countLedgerChanges(changes, clock.now());
  if (tampered > 0) log.error('ledger entries were changed or removed', { count: tampered });
  if (tampered > 0) log.metric('LedgerTampered', tampered, 'Count', {});
  if (expired > 0) log.metric('LedgerExpired', expired, 'Count', {});
}
