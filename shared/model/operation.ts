import type { Json } from './json.ts';

/** What an effect does to the business system; `read` is none. Ordered from mild to severe in {@link effectSeverity}. */
export type WriteEffect = 'append' | 'create' | 'update' | 'delete' | 'send';
export type Effect = 'read' | WriteEffect;

/** Severity of each effect: a tool's effect is never milder than its operation's. */
export const effectSeverity: Readonly<Record<Effect, number>> = {
  read: 0,
  append: 1,
  create: 2,
  update: 3,
  send: 4,
  delete: 5,
};

/**
 * Why a second send of the same effect would be harmless. Declared by every write operation; there is no default.
 * - `key`: the provider dedupes by our key inside `windowMs` of the first send.
 * - `upsert`: addressed by a unique key; settled by reading back.
 * - `probe`: the effect is found by a value we wrote; absence counts only after `settleMs`.
 * - `none`: nothing makes it harmless; a person decides.
 */
export type ResendClass =
  | { readonly kind: 'key'; readonly windowMs: number; readonly settleMs: number }
  | { readonly kind: 'upsert'; readonly settleMs: number }
  | { readonly kind: 'probe'; readonly settleMs: number }
  | { readonly kind: 'none' };

/** One HTTP request to a system, without credentials. `path` comes from a safe path builder only. */
export type RequestSpec = {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE';
  readonly path: string;
  readonly query?: readonly (readonly [string, string])[];
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?:
    | { readonly json: Json }
    | { readonly form: readonly (readonly [string, string])[] }
    | { readonly text: string; readonly contentType: string };
  /** Upper bound for this request, milliseconds; the caller's deadline may be nearer. */
  readonly timeoutMs?: number;
};

/** A complete answer of a system. Header names are lower case. */
export type HttpAnswer = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly bodyText: string;
};

/** One verdict for all connectors, judged by vendor code before status. */
export type FailureClass =
  | 'transient'
  | 'rate'
  | 'auth'
  | 'permission'
  | 'business'
  | 'conflict'
  | 'duplicate'
  | 'not_found'
  | 'schema'
  | 'unknown_outcome';

/** A classified failure of a system. `message` is vendor text: quoted, capped at 300 characters, untrusted. */
export type Classified = {
  readonly class: FailureClass;
  /** The vendor's code, such as `VALIDATION_ERROR`, or ours, such as `connect_failed`. */
  readonly code: string;
  readonly message: string;
  readonly retryAfterMs?: number;
  /** Field, property or record id the vendor named. */
  readonly target?: string;
  readonly vendorRequestId?: string;
};

/** A record of a business system: `['hubspot', 'deal', '501']`. */
export type RecordRef = readonly [system: string, object: string, id: string];

/** What a write's answer means. `not_applied` is proof; anything short of proof is `unknown`. */
export type WriteVerdict =
  | {
      readonly kind: 'applied';
      readonly data: Json;
      readonly records: readonly RecordRef[];
      readonly created?: boolean;
    }
  /** `stored`: the provider keeps this error under our key, so that a repeat needs another key. */
  | { readonly kind: 'not_applied'; readonly error: Classified; readonly stored?: boolean }
  /** `stored`: the provider keeps this answer under our key; a repeat under that key says nothing new. */
  | { readonly kind: 'unknown'; readonly error: Classified; readonly stored?: boolean };

/** What a read's answer means. */
export type ReadVerdict =
  | { readonly kind: 'ok'; readonly data: Json }
  | { readonly kind: 'error'; readonly error: Classified };

/**
 * What a read-back proves about an action of unknown outcome.
 * `equal`: our effect is there. `before`: the record still shows the before-image. `absent`: nothing carries our value.
 * `different`: something is there that is neither. `inconclusive`: ask again later.
 */
export type ProbeVerdict =
  | { readonly kind: 'equal'; readonly data: Json; readonly records: readonly RecordRef[] }
  | { readonly kind: 'before' }
  | { readonly kind: 'absent' }
  | { readonly kind: 'different'; readonly data: Json }
  | { readonly kind: 'inconclusive'; readonly error: Classified };

/** What a request builder may know. `providerKey` = action key + generation (+ `:rN`): the value written for read-back. */
export type RequestContext = { readonly apiVersion: string; readonly providerKey: string };

/** How an effect is undone: by another operation, or not, with the reason. */
export type Undo =
  | { readonly kind: 'operation'; readonly operation: string; readonly how: string }
  | { readonly kind: 'none'; readonly why: string };

/** A call that changes nothing. */
export type ReadOperation<I extends Json = Json> = {
  readonly kind: 'read';
  /** `connector.object.verb`, such as `hubspot.deals.get`. */
  readonly id: string;
  readonly connector: string;
  readonly scopes: readonly string[];
  request(context: RequestContext, input: I): RequestSpec;
  judge(answer: HttpAnswer, input: I): ReadVerdict;
};

/** A call that changes something. Sending and judging are apart: none of these functions does I/O. */
export type WriteOperation<I extends Json = Json> = {
  readonly kind: 'write';
  readonly id: string;
  readonly connector: string;
  readonly effect: WriteEffect;
  readonly scopes: readonly string[];
  readonly resend: ResendClass;
  readonly undo: Undo;
  request(context: RequestContext, input: I): RequestSpec;
  judge(answer: HttpAnswer, input: I): WriteVerdict;
  /** Reads the live record before the write: its written fields are the before-image, and gates are judged on it. */
  readonly before?: {
    request(context: RequestContext, input: I): RequestSpec;
    judge(answer: HttpAnswer, input: I): ReadVerdict;
  };
  /** Reads back whether the effect happened. Required for `upsert` and `probe`. */
  readonly probe?: {
    request(context: RequestContext, input: I): RequestSpec;
    judge(answer: HttpAnswer, input: I, before: Json | null, providerKey: string): ProbeVerdict;
  };
  /** How several of this operation share one request, where the product can do that. */
  readonly batch?: BatchForm<I>;
};

/** One action in a shared request. `providerKey` is its own, as in a request of its own. */
export type BatchItem<I extends Json = Json> = { readonly providerKey: string; readonly input: I };

/**
 * What the answer to a shared request means. `items`: one verdict for each item, in their order. `whole`: the answer is about
 * the request and names no item; what was refused by a rule of the system is then sent again in halves, until the item is found
 * that it is about.
 */
export type BatchVerdict =
  | { readonly kind: 'items'; readonly verdicts: readonly WriteVerdict[] }
  | { readonly kind: 'whole'; readonly verdict: Exclude<WriteVerdict, { readonly kind: 'applied' }> };

/**
 * The form in which several actions of one write operation on one system share a request. Every item keeps its own record,
 * digest, provider key, resend class, read-back and undo: those of the single operation. A connector adds it as
 * `{ ...updateOperation(object), batch: updateBatch(object) }`; functions here do no I/O. A request of one item is sent as the
 * single operation.
 *
 * - An item stays found by what the single operation's `probe` looks for: a value written per item stands in the item's part.
 * - The request may not take longer than a single one (`timeoutMs`): the settle time of the single operation counts.
 * - `judge` matches verdicts to items by the product's own reference (HubSpot `objectWriteTraceId`, position in a Salesforce
 *   collection, id in a Graph `$batch`). What is not answered, or twice, is `unknown`.
 */
export type BatchForm<I extends Json = Json> = {
  /** Most items that one request takes. */
  readonly maxItems: number;
  /**
   * `each`: items succeed and fail apart. `all_or_none`: the product carries out all or nothing; an answer that says both of
   * one request is believed of no item.
   */
  readonly mode: 'each' | 'all_or_none';
  /**
   * What an idempotency key of the product covers. `item`: each part carries its own, the same as the single operation would
   * send (also where there is none). `request`: the whole request has one, so that an item of unknown outcome is read back and
   * never sent again by key.
   */
  readonly keyed: 'item' | 'request';
  /** Items of equal text may share a request, such as those with the same external id field; null goes in a request of its own. */
  group(input: I): string | null;
  /** The record an item is about, where one request may not name it twice; absent: items never meet. */
  same?(input: I): string;
  /** `context.providerKey` is the key of this one request, never used twice. */
  request(context: RequestContext, items: readonly BatchItem<I>[]): RequestSpec;
  judge(answer: HttpAnswer, items: readonly BatchItem<I>[]): BatchVerdict;
};

export type Operation<I extends Json = Json> = ReadOperation<I> | WriteOperation<I>;

/** One operation with its input on one configured system: what a tool asks for and what a record freezes. */
export type PlannedCall = { readonly operation: string; readonly system: string; readonly input: Json };
