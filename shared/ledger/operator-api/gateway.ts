import { answerOperator } from './api.ts';
import type { OperatorApiDeps } from './deps.ts';
import type { Reply } from './http.ts';

/** What of an HTTP API event (payload 2.0) is read. */
export type GatewayEvent = {
  readonly rawPath: string;
  readonly rawQueryString?: string;
  readonly headers?: Readonly<Record<string, string | undefined>>;
  readonly body?: string;
  readonly isBase64Encoded?: boolean;
  readonly requestContext: {
    readonly requestId?: string;
    readonly stage?: string;
    readonly http: { readonly method: string };
  };
};

/** Answers an HTTP API event at the operator door. @see https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html */
export function answerGateway(deps: OperatorApiDeps, event: GatewayEvent): Promise<Reply> {
  const body = event.body ?? '';
  const { requestId, http } = event.requestContext;
  return answerOperator(deps, {
    method: http.method,
    path: event.rawPath,
    query: Object.fromEntries(new URLSearchParams(event.rawQueryString ?? '')),
    headers: Object.fromEntries(
      Object.entries(event.headers ?? {}).map(([name, value]) => [name.toLowerCase(), value]),
    ),
    body: event.isBase64Encoded ? Buffer.from(body, 'base64').toString('utf8') : body,
    requestId: requestId ?? 'none',
  });
}
