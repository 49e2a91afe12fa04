import type { SimAnswer, SimRequest } from '../loopback-server.ts';
import { type Call, objectBody, type Route } from './call.ts';
import { errorBody, json, SalesforceError } from './errors.ts';
import { rollBack, type Transaction, transact } from './org.ts';

type Asked = {
  readonly method: string;
  readonly url: string;
  readonly referenceId: string;
  readonly body?: unknown;
  readonly httpHeaders?: Record<string, string>;
};
type Answered = {
  readonly body: unknown;
  readonly httpHeaders: Record<string, string>;
  readonly httpStatusCode: number;
  readonly referenceId: string;
};

const halted = {
  errorCode: 'PROCESSING_HALTED',
  message: 'The transaction was rolled back since another operation in the same transaction failed.',
};
const invalid = (message: string) => new SalesforceError(400, 'JSON_PARSER_ERROR', message);

/** `/composite`: up to 25 requests in one that answers 200 whatever became of them. */
export function compositeRoute(call: Call, route: Route): SimAnswer {
  const { allOrNone = false, compositeRequest } = objectBody(call) as {
    allOrNone?: boolean;
    compositeRequest?: Asked[];
  };
  if (!Array.isArray(compositeRequest) || compositeRequest.length === 0) throw invalid('compositeRequest is required');
  if (compositeRequest.length > 25)
    throw new SalesforceError(400, 'LIMIT_EXCEEDED', 'The request cannot have more than 25 subrequests');
  const names = compositeRequest.map(({ referenceId }) => referenceId);
  if (names.some((name) => !/^[A-Za-z][A-Za-z0-9_]{0,39}$/.test(name ?? '')) || new Set(names).size !== names.length) {
    throw invalid('Each referenceId is unique and begins with a letter');
  }
  const answers: Answered[] = [];
  const run = (tx: Transaction | null) => {
    for (const asked of compositeRequest) {
      answers.push(subrequest(call, route, asked, { tx, done: answers }));
      if (tx && failed(answers.at(-1))) return false;
    }
    return true;
  };
  if (allOrNone && !run(call.tx)) {
    rollBack(call.tx);
    const culprit = answers.pop();
    const compositeResponse = names.map((referenceId) =>
      referenceId === culprit?.referenceId
        ? culprit
        : { body: [halted], httpHeaders: {}, httpStatusCode: 400, referenceId },
    );
    return json(200, { compositeResponse });
  }
  if (!allOrNone) run(null);
  return json(200, { compositeResponse: answers });
}

/** `/composite/batch`: up to 25 independent requests. @see https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_composite_batch.htm */
export function batchRoute(call: Call, route: Route): SimAnswer {
  const { haltOnError = false, batchRequests } = objectBody(call) as {
    haltOnError?: boolean;
    batchRequests?: { readonly method: string; readonly url: string; readonly richInput?: unknown }[];
  };
  if (!Array.isArray(batchRequests) || batchRequests.length === 0) throw invalid('batchRequests is required');
  if (batchRequests.length > 25)
    throw new SalesforceError(400, 'LIMIT_EXCEEDED', 'The request cannot have more than 25 subrequests');
  let halted = false;
  const results = batchRequests.map(({ method, url, richInput }, at) => {
    if (halted) return { statusCode: 412, result: [batchHalted] };
    // Addresses of a batch begin at the version.
    const asked = { method, url: `/services/data/${url.replace(/^\/?(services\/data\/)?/, '')}`, body: richInput };
    const { httpStatusCode, body } = subrequest(
      call,
      route,
      { ...asked, referenceId: `r${at}` },
      { tx: null, done: [] },
    );
    halted = haltOnError && httpStatusCode >= 400;
    return { statusCode: httpStatusCode, result: body };
  });
  return json(200, { hasErrors: results.some(({ statusCode }) => statusCode >= 400), results });
}

const batchHalted = {
  errorCode: 'BATCH_PROCESSING_HALTED',
  message: 'Batch processing halted per request parameters',
};

const failed = (answer: Answered | undefined) => (answer?.httpStatusCode ?? 500) >= 300;

/** Runs one request: in the transaction of all, or in one of its own. */
function subrequest(
  call: Call,
  route: Route,
  asked: Asked,
  { tx, done }: { tx: Transaction | null; done: readonly Answered[] },
): Answered {
  const { referenceId } = asked;
  try {
    const filled = JSON.parse(
      withReferences(JSON.stringify({ url: asked.url, body: asked.body ?? null }), done),
    ) as Pick<Asked, 'url' | 'body'>;
    const inner = innerCall(call, { ...asked, ...filled });
    const answer = tx ? route({ ...inner, tx }) : transact(call.org, (own) => route({ ...inner, tx: own }));
    if (answer === 'drop') throw new SalesforceError(500, 'UNKNOWN_EXCEPTION', 'An unexpected error occurred.');
    const { 'content-type': _type, ...httpHeaders } = answer.headers;
    const body: unknown = answer.bodyText === '' ? null : JSON.parse(answer.bodyText);
    return { body, httpHeaders, httpStatusCode: answer.status, referenceId };
  } catch (error) {
    if (!(error instanceof SalesforceError)) throw error;
    return { body: errorBody(error), httpHeaders: {}, httpStatusCode: error.status, referenceId };
  }
}

/** `@{ref.id}` is a value of an earlier answer. @throws SalesforceError where that one failed or has no such value */
function withReferences(text: string, done: readonly Answered[]): string {
  return text.replaceAll(/@\{([A-Za-z0-9_]+)\.([A-Za-z0-9_.[\]]+)\}/g, (_all, name: string, path: string) => {
    const answer = done.find(({ referenceId }) => referenceId === name);
    if (!answer || failed(answer))
      throw new SalesforceError(
        400,
        'PROCESSING_HALTED',
        `Invalid reference specified. No value for ${name}.${path} found.`,
      );
    const value = path
      .split(/[.[\]]+/)
      .filter(Boolean)
      .reduce<unknown>((held, key) => (held as Record<string, unknown> | undefined)?.[key], answer.body);
    return JSON.stringify(String(value)).slice(1, -1);
  });
}

function innerCall(call: Call, asked: Asked): Omit<Call, 'tx'> {
  const url = new URL(asked.url, 'http://127.0.0.1');
  const prefix = `/services/data/v${call.version}/`;
  if (!url.pathname.startsWith(prefix) || url.origin !== 'http://127.0.0.1') {
    throw new SalesforceError(400, 'INVALID_URL', `The request URL is not of version ${call.version}`);
  }
  const segments = url.pathname.split('/').slice(1).map(decodeURIComponent);
  const rest = segments.slice(3);
  if (rest[0] === 'composite' && rest[1] === undefined) throw invalid('A composite holds no composite');
  const headers = Object.fromEntries(
    Object.entries(asked.httpHeaders ?? {}).map(([name, value]) => [name.toLowerCase(), value]),
  );
  const request: SimRequest = {
    ...{ method: asked.method, path: url.pathname, segments, query: url.searchParams, headers },
    bodyText: asked.body === null || asked.body === undefined ? '' : JSON.stringify(asked.body),
  };
  return { org: call.org, request, version: call.version, rest, body: asked.body };
}
