import { encodeQuery } from '../../http/path.ts';
import { isObject, type Json, type JsonObject } from '../../model/json.ts';
import type { HttpAnswer, RequestSpec, WriteVerdict } from '../../model/operation.ts';
import { bodyOf } from '../json-body.ts';
import { unknownOutcome } from '../write-verdict.ts';
import { dataPath, refuse, requestTimeoutMs } from './client.ts';
import { writeFailure } from './writes.ts';

/** The most requests one composite request takes. */
export const maxComposite = 25;

/** One request inside a composite, as its operation would send it. */
export type Part = {
  readonly spec: RequestSpec;
  /** Fields that take a value of an earlier answer of the same composite. */
  readonly refers?: Readonly<Record<string, { readonly item: number; readonly value: 'id' }>>;
};

/** One request inside a composite: what an operation would send, and how it judges its answer. */
export type Subrequest = Part & { readonly judge: (answer: HttpAnswer) => WriteVerdict };

/**
 * Up to 25 requests of any operations in one, each as its operation builds it. They run in order. Throws `invalid_input` for too
 * many or none, and for a value that Salesforce would take for a reference to another answer.
 * @see https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_composite_composite.htm
 */
export function compositeRequest(
  { apiVersion }: { readonly apiVersion: string },
  input: { readonly subrequests: readonly Part[]; readonly allOrNone: boolean },
): RequestSpec {
  const { subrequests, allOrNone } = input;
  if (subrequests.length === 0 || subrequests.length > maxComposite) {
    refuse('a composite is not 1 to 25 requests', 'Send the others in a request of their own.');
  }
  const compositeRequest = subrequests.map(partBody);
  return {
    method: 'POST',
    path: `${dataPath(apiVersion)}/composite`,
    body: { json: { allOrNone, compositeRequest } },
    timeoutMs: requestTimeoutMs,
  };
}

function partBody({ spec, refers = {} }: Part, at: number): JsonObject {
  const body = spec.body && 'json' in spec.body ? spec.body.json : null;
  if (JSON.stringify([spec.path, decodeURIComponent(spec.path), spec.query ?? [], body]).includes('@{')) {
    refuse('a value looks like a reference to another answer', 'Leave out the signs @{ in values.');
  }
  const links = Object.entries(refers).map(([field, { item, value }]) => [field, `@{${referenceId(item)}.${value}}`]);
  return {
    method: spec.method,
    url: spec.path + encodeQuery(spec.query),
    referenceId: referenceId(at),
    ...(spec.headers ? { httpHeaders: spec.headers } : {}),
    ...(isObject(body ?? undefined) ? { body: { ...(body as JsonObject), ...Object.fromEntries(links) } } : {}),
  };
}

/**
 * What was answered to each of `count` requests, as if it had been sent alone. Null: it is not answered, or twice, or cannot be
 * read. The composite answers 200 also where all of them failed.
 */
export function compositeAnswers(answer: HttpAnswer, count: number): readonly (HttpAnswer | null)[] {
  const held = answer.status === 200 ? bodyOf(answer)?.compositeResponse : undefined;
  const rows = Array.isArray(held) ? (held as readonly Json[]).filter(isObject) : [];
  return Array.from({ length: count }, (_, at) => {
    const [row, ...others] = rows.filter((one) => one.referenceId === referenceId(at));
    if (!row || others.length > 0 || typeof row.httpStatusCode !== 'number') return null;
    const bodyText = row.body === null || row.body === undefined ? '' : JSON.stringify(row.body);
    return { status: row.httpStatusCode, headers: headersOf(row.httpHeaders), bodyText };
  });
}

/**
 * The verdict of each subrequest, judged by its own operation. One that is not answered is unknown; one that was halted because
 * of another was not carried out.
 */
export function compositeVerdicts(
  answer: HttpAnswer,
  subrequests: readonly Pick<Subrequest, 'judge'>[],
): readonly WriteVerdict[] {
  if (answer.status !== 200) return subrequests.map(() => writeFailure(answer));
  return compositeAnswers(answer, subrequests.length).map((given, at) => {
    const part = given && subrequests[at];
    return part
      ? part.judge(given)
      : unknownOutcome('incomplete_batch', 'Salesforce did not answer each request once.');
  });
}

function referenceId(at: number): string {
  return `item${at}`;
}

function headersOf(value: Json | undefined): Readonly<Record<string, string>> {
  const entries = Object.entries(isObject(value) ? value : {});
  return Object.fromEntries(
    entries.flatMap(([name, held]) => (typeof held === 'string' ? [[name.toLowerCase(), held]] : [])),
  );
}
