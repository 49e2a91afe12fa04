import * as z from 'zod/mini';
import { issueKey } from '../../auth/api-keys.ts';
import { operationEntry } from '../operations.ts';
import type { OperatorApiDeps, OperatorCall, Route } from './deps.ts';
import { json, notFound, problem, type Reply, readBody } from './http.ts';

const day = 86_400_000;

const issueSchema = z.strictObject({
  reason: z.string().check(z.trim(), z.minLength(3), z.maxLength(500)),
  days: z._default(z.int().check(z.minimum(1), z.maximum(366)), 90),
});

/** Issues a key of an agent; it is shown once. */
export const keyRoutes: readonly Route[] = [
  { method: 'POST', path: '/v1/agents/{id}/keys', roles: ['admin'], handle: issue },
];

async function issue(deps: OperatorApiDeps, { request, id: agent, person }: OperatorCall): Promise<Reply> {
  const read = readBody(request, issueSchema);
  if (read.kind === 'problem') return read.reply;
  if (!Object.hasOwn(deps.config.agents, agent)) return notFound('unknown_route', 'agent');
  const control = async () => {
    const item = await deps.control.read();
    return item?.names === deps.control.tableName ? item : null;
  };
  const issued = await issueKey({ ...deps, control }, { agent, lifeMs: read.body.days * day });
  if (issued.kind === 'full') {
    const hint = 'Revoke one with PUT /v1/control {"what":"key","name":"<key id>","off":true,"reason":"..."}.';
    const detail = `${agent} has two live keys: ${issued.live.join(', ')}.`;
    return problem(409, { code: 'illegal_transition', detail, hint });
  }
  // The entry comes before the answer: a key that is not on the ledger is never shown to anyone.
  const entryId = `operation:issued:${issued.keyId}`;
  const { reason } = read.body;
  await deps.ledger.append(
    operationEntry({
      entryId,
      atMs: deps.clock.now(),
      what: 'key_issued',
      by: person,
      reason,
      record: `${agent}/${issued.keyId}`,
    }),
  );
  return json({ key_id: issued.keyId, key: issued.key, expires_at: new Date(issued.expiresAtMs).toISOString() }, 201);
}
