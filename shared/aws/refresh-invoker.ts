import { AwsClient } from 'aws4fetch';
import * as z from 'zod/mini';
import type { RefreshInvoker } from '../auth/ports.ts';
import type { AwsEnv } from '../config/env.ts';
import { PlumblineError } from '../model/errors.ts';

const answerSchema = z.union([
  z.object({ kind: z.literal('version'), version: z.number() }),
  z.object({ kind: z.literal('busy') }),
  z.object({ kind: z.literal('broken'), code: z.string() }),
]);

/** How long the refresh function may take, milliseconds. */
const invokeTimeoutMs = 6_000;

/**
 * Calls the refresh function once and waits for its answer. `busy` where it did not answer in time or is throttled: look at
 * the token item. Throws `credential_unavailable` where the call itself is refused.
 * @param input.readEnv read at each call: a function's credentials rotate; @param input.functionName name or ARN
 * @see https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
 */
export function lambdaRefreshInvoker(input: { functionName: string; readEnv: () => AwsEnv }): RefreshInvoker {
  return {
    async refresh(body) {
      const answer = await invoke(input.functionName, input.readEnv(), JSON.stringify(body));
      if (answer === null || answer.status === 429 || answer.status >= 500) return { kind: 'busy' };
      if (answer.status !== 200) throw refused(`The refresh function cannot be called (${answer.status}).`);
      // The function failed or ran out of time: it may have left a new token behind.
      if (answer.functionError) return { kind: 'busy' };
      const parsed = answerSchema.safeParse(parse(answer.text));
      if (!parsed.success) throw refused('The refresh function gave an answer that cannot be read.');
      return parsed.data;
    },
  };
}

async function invoke(functionName: string, env: AwsEnv, body: string) {
  const { region, accessKeyId, secretAccessKey, sessionToken } = env;
  const client = new AwsClient({
    accessKeyId,
    secretAccessKey,
    region,
    service: 'lambda',
    ...(sessionToken === undefined ? {} : { sessionToken }),
    retries: 0,
  });
  const origin = env.endpoint('LAMBDA') ?? `https://lambda.${region}.amazonaws.com`;
  const url = `${origin.replace(/\/$/, '')}/2015-03-31/functions/${encodeURIComponent(functionName)}/invocations`;
  const headers = { 'content-type': 'application/json', 'x-amz-invocation-type': 'RequestResponse' };
  try {
    const signal = AbortSignal.timeout(invokeTimeoutMs);
    const response = await client.fetch(url, { method: 'POST', headers, body, signal, redirect: 'manual' });
    const functionError = response.headers.has('x-amz-function-error');
    return { status: response.status, functionError, text: await response.text() };
  } catch {
    return null;
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function refused(message: string): PlumblineError {
  return new PlumblineError(message, {
    code: 'credential_unavailable',
    retry: 'later',
    hint: 'Check that the refresh function is deployed and that this role may invoke it.',
  });
}
