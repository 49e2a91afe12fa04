import { afterEach, describe, expect, it } from 'vitest';
import {
  listenLoopback,
  type SimAnswer,
  type SimListener,
  type SimRequest,
} from '../../infra/local/systems/loopback-server.ts';
import { lambdaRefreshInvoker } from '../../shared/aws/refresh-invoker.ts';

describe('the call of the refresh function', () => {
  let lambda: SimListener;
  let seen: SimRequest[] = [];
  const answerWith = async (answer: SimAnswer) => {
    seen = [];
    lambda = await listenLoopback({
      port: 0,
      handle: async (request) => {
        seen.push(request);
        return answer;
      },
    });
    const keys = {
      region: 'eu-central-1',
      accessKeyId: 'AKIDEXAMPLE',
      secretAccessKey: 'example',
      sessionToken: undefined,
    };
    const readEnv = () => ({ ...keys, endpoint: () => lambda.url });
    const invoker = lambdaRefreshInvoker({ functionName: 'plumbline-token-refresh', readEnv });
    return invoker.refresh({ system: 'hubspot', seenVersion: 4 });
  };
  const ok = (body: unknown, headers = {}) => ({ status: 200, headers, bodyText: JSON.stringify(body) });
  afterEach(() => lambda.close());

  it('returns the version the function answers with', async () => {
    expect(await answerWith(ok({ kind: 'version', version: 5 }))).toEqual({ kind: 'version', version: 5 });
  });

  it('is one signed, synchronous call with the version seen', async () => {
    await answerWith(ok({ kind: 'busy' }));
    const [request] = seen;
    expect(seen).toHaveLength(1);
    expect(request).toMatchObject({
      method: 'POST',
      path: '/2015-03-31/functions/plumbline-token-refresh/invocations',
      bodyText: '{"system":"hubspot","seenVersion":4}',
    });
    expect(request?.headers.authorization).toMatch(/^AWS4-HMAC-SHA256 .*\/eu-central-1\/lambda\/aws4_request/);
  });

  it.each([
    ['is throttled', { status: 429, headers: {}, bodyText: '' }],
    ['is not there for a moment', { status: 503, headers: {}, bodyText: '' }],
    ['fails', ok({ errorMessage: 'boom' }, { 'x-amz-function-error': 'Unhandled' })],
    ['gives no answer', 'drop'],
  ] as const)('is busy, asked once, where the function %s', async (_what, answer) => {
    expect([await answerWith(answer), seen.length]).toEqual([{ kind: 'busy' }, 1]);
  });

  it('says so where the call is forbidden', async () => {
    await expect(answerWith({ status: 403, headers: {}, bodyText: '{}' })).rejects.toMatchObject({
      code: 'credential_unavailable',
    });
  });

  it('does not take another answer for a version', async () => {
    await expect(answerWith(ok({ kind: 'version', version: 'five' }))).rejects.toMatchObject({
      code: 'credential_unavailable',
    });
  });
});
