import { encodeQuery } from '../../http/path.ts';
import { isObject, type Json, type JsonObject } from '../../model/json.ts';
import type {
  BatchForm,
  BatchItem,
  HttpAnswer,
  RequestContext,
  RequestSpec,
  WriteOperation,
  WriteVerdict,
} from '../../model/operation.ts';
import { bodyOf } from '../json-body.ts';
import { refuse, requestTimeoutMs, rowsOf, type Versioned, versionPath, writeSpec } from './client.ts';
import { writeFailure } from './writes.ts';

/** The most requests one batch takes. */
export const maxBatch = 20;

/**
 * Up to 20 requests of any operations in one, each as its operation builds it. Graph carries them out in any order. Throws
 * `invalid_input` for too many or none.
 * @see https://learn.microsoft.com/en-us/graph/json-batching
 */
export function batchRequest(context: Versioned, specs: readonly RequestSpec[]): RequestSpec {
  if (specs.length === 0 || specs.length > maxBatch) {
    refuse('a batch is not 1 to 20 requests', 'Send the others in a request of their own.');
  }
  const version = versionPath(context);
  const requests = specs.map((spec, at): JsonObject => {
    const json = spec.body && 'json' in spec.body ? spec.body.json : undefined;
    const headers = { ...spec.headers, ...(json === undefined ? {} : { 'content-type': 'application/json' }) };
    return {
      id: String(at + 1),
      method: spec.method,
      url: spec.path.slice(version.length) + encodeQuery(spec.query),
      ...(Object.keys(headers).length > 0 ? { headers } : {}),
      ...(json === undefined ? {} : { body: json }),
    };
  });
  return writeSpec('POST', `${version}/$batch`, { requests });
}

/**
 * What was answered to each of `count` requests, as if it had been sent alone. Null: it is not answered, or twice, or cannot be
 * read. A batch answers 200 also where all of them failed, and in any order.
 */
export function batchAnswers(answer: HttpAnswer, count: number): readonly (HttpAnswer | null)[] {
  const rows = answer.status === 200 ? rowsOf(bodyOf(answer)?.responses) : [];
  return Array.from({ length: count }, (_, at) => {
    const [row, ...others] = rows.filter((one) => one.id === String(at + 1));
    if (!row || others.length > 0 || typeof row.status !== 'number') return null;
    const bodyText = row.body === null || row.body === undefined ? '' : JSON.stringify(row.body);
    return { status: row.status, headers: headersOf(row.headers), bodyText };
  });
}

function headersOf(value: Json | undefined): Readonly<Record<string, string>> {
  const entries = Object.entries(isObject(value) ? value : {});
  return Object.fromEntries(
    entries.flatMap(([name, held]) => (typeof held === 'string' ? [[name.toLowerCase(), held]] : [])),
  );
}

const unanswered: WriteVerdict = {
  kind: 'unknown',
  error: {
    class: 'unknown_outcome',
    code: 'incomplete_batch',
    message: 'Graph did not answer each request of the batch once.',
  },
};

/**
 * An operation of which up to 20 share a request, each with its own key, answer and read-back. What Graph refuses as a whole
 * carried out none of them.
 * @param same the record of an item, where two changes of one record must not meet in a request
 */
export function batched<I extends Json>(operation: WriteOperation<I>, same?: (input: I) => string): WriteOperation<I> {
  const specOf = (context: RequestContext, { providerKey, input }: BatchItem<I>) =>
    operation.request({ ...context, providerKey }, input);
  const batch: BatchForm<I> = {
    maxItems: maxBatch,
    mode: 'each',
    keyed: 'item',
    group: () => 'any',
    ...(same ? { same } : {}),
    request: (context, items) => ({
      ...batchRequest(
        context,
        items.map((item) => specOf(context, item)),
      ),
      timeoutMs: requestTimeoutMs,
    }),
    judge: (answer, items) => {
      if (answer.status !== 200) {
        const verdict = writeFailure(answer);
        return verdict.kind === 'applied'
          ? { kind: 'items', verdicts: items.map(() => unanswered) }
          : { kind: 'whole', verdict };
      }
      const answers = batchAnswers(answer, items.length);
      const verdicts = items.map(({ input }, at) => {
        const given = answers[at];
        return given ? operation.judge(given, input) : unanswered;
      });
      return { kind: 'items', verdicts };
    },
  };
  return { ...operation, batch };
}
