import { type HubSpotSimulator, startHubSpot } from '../../infra/local/systems/hubspot/start.ts';
import { hubspot } from '../../shared/connectors/hubspot/calls.ts';
import { operationById } from '../../shared/connectors/hubspot/operations.ts';
import { httpClient } from '../../shared/http/client.ts';
import { encodeBody } from '../../shared/http/digest.ts';
import { encodeQuery } from '../../shared/http/path.ts';
import { systemClock } from '../../shared/model/clock.ts';
import type { Json } from '../../shared/model/json.ts';
import type {
  HttpAnswer,
  PlannedCall,
  ReadVerdict,
  RequestSpec,
  WriteOperation,
} from '../../shared/model/operation.ts';

/** The provider key of the nth action. */
export const key = (n: number) => `act_${'0'.repeat(38)}${String(n).padStart(2, '0')}_1`;
let serial = 10;

/** A number nobody had before. */
export const next = () => ++serial;

/** The account under test; open between `openAccount` and `closeAccount`. */
export let account: HubSpotSimulator;
const http = httpClient({ clock: systemClock, local: true });

/** Opens an empty sandbox account without lag and with wide limits. */
export async function openAccount(): Promise<void> {
  account = await startHubSpot({
    port: 0,
    seed: 1,
    clock: systemClock,
    seeded: false,
    limits: { tenSecondly: 10_000, searchPerSecond: 1000 },
    searchLagMs: 0,
  });
}

/** Closes it and every connection. */
export async function closeAccount(): Promise<void> {
  http.close();
  await account.close();
}

/** Sends one request as it is specified. */
export async function exchange(spec: RequestSpec): Promise<HttpAnswer> {
  const body = encodeBody(spec);
  const result = await http.send({
    origin: account.url,
    method: spec.method,
    path: spec.path + encodeQuery(spec.query),
    headers: { authorization: 'Bearer local-static-token', ...(body ? { 'content-type': body.contentType } : {}) },
    body: body?.bytes ?? null,
    deadlineMs: Date.now() + 5000,
  });
  if (result.kind !== 'answer') throw new Error(`${result.kind} ${result.fault.code}`);
  return result.answer;
}

function writeOf(call: PlannedCall): WriteOperation {
  const operation = operationById(call.operation);
  if (operation?.kind !== 'write') throw new Error(`${call.operation} is no write`);
  return operation;
}

/** Carries out one planned read. */
export async function read(call: PlannedCall, apiVersion = '2026-09'): Promise<ReadVerdict> {
  const operation = operationById(call.operation);
  if (operation?.kind !== 'read') throw new Error(`${call.operation} is no read`);
  return operation.judge(await exchange(operation.request({ apiVersion, providerKey: '' }, call.input)), call.input);
}

/** Carries out one planned write and judges its answer. */
export async function write(call: PlannedCall, providerKey = key(0), apiVersion = '2026-09') {
  const operation = writeOf(call);
  return operation.judge(await exchange(operation.request({ apiVersion, providerKey }, call.input)), call.input);
}

/** The before-image of a planned write. */
export async function imageOf(call: PlannedCall): Promise<Json> {
  const operation = writeOf(call);
  const spec = operation.before?.request({ apiVersion: '2026-09', providerKey: '' }, call.input);
  if (!spec || !operation.before) throw new Error('no before');
  const verdict = operation.before.judge(await exchange(spec), call.input);
  if (verdict.kind === 'error') throw new Error(verdict.error.code);
  return verdict.data;
}

/** Reads a planned write back. */
export async function probe(call: PlannedCall, image: Json | null = null, providerKey = key(0)) {
  const operation = writeOf(call);
  const spec = operation.probe?.request({ apiVersion: '2026-09', providerKey }, call.input);
  if (!spec || !operation.probe) throw new Error('no probe');
  return operation.probe.judge(await exchange(spec), call.input, image, providerKey);
}

/** A new contact. */
export async function contact(email = `c${next()}@example.test`): Promise<{ id: string; email: string }> {
  const made = await write(hubspot.contacts.create({ email, firstname: 'Ada', phone: '1' }), key(next()));
  if (made.kind !== 'applied') throw new Error(JSON.stringify(made));
  return { id: made.records[0]?.[2] ?? '', email };
}
