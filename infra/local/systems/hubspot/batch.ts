import type { SimAnswer } from '../loopback-server.ts';
import { bodyOf, type Call, needScope, noRoute, present } from './call.ts';
import { HubSpotError, invalid, json } from './errors.ts';
import type { CrmObject } from './portal.ts';
import type { CrmType } from './property-definitions.ts';
import { checkProperties } from './validate.ts';
import { archiveFrom, createFrom, lookUp, updateFrom } from './writes.ts';

/** One item of a batch as it is sent. */
type Input = {
  id?: unknown;
  idProperty?: unknown;
  properties?: unknown;
  associations?: unknown;
  objectWriteTraceId?: unknown;
};

type Row = { result: object } | { error: HubSpotError; input: Input };

/** `…/{type}/batch/{read|create|update|upsert|archive}`: at most 100 items. */
export function batchRoute(call: Call, type: CrmType, operation: string): SimAnswer {
  const body = bodyOf(call);
  const inputs = inputsOf(body.inputs);
  const startedAt = new Date(call.portal.clock.now()).toISOString();
  needScope(call, type, operation === 'read' ? 'read' : 'write');
  if (operation === 'archive') {
    for (const input of inputs) {
      const object = lookUp(call, type, String(input.id), null);
      if (object !== null) archiveFrom(call, object);
    }
    return json(204, null);
  }
  const run = { read: readOne(body), create: createOne, update: updateOne, upsert: upsertOne }[operation];
  if (run === undefined) throw noRoute(call);
  if (operation === 'create' && !inputs.every((input) => typeof input.objectWriteTraceId === 'string')) {
    checkAll(call, type, inputs);
  }
  const rows = inputs.map((input): Row => attempt(input, () => run(call, type, input)));
  return summary(call, operation, rows, startedAt);
}

function inputsOf(raw: unknown): Input[] {
  if (!Array.isArray(raw) || raw.length === 0)
    throw invalid('Invalid input JSON: "inputs" must be a list with at least one item.');
  if (raw.length > 100)
    throw invalid(`The maximum number of inputs supported in a batch request is 100; received ${raw.length}.`);
  if (!raw.every((input) => typeof input === 'object' && input !== null))
    throw invalid('Every input must be an object.');
  const inputs = raw as Input[];
  const ids = inputs
    .map((input) => input.id)
    .filter((id) => id !== undefined)
    .map(String);
  const twice = ids.find((id, index) => ids.indexOf(id) !== index);
  if (twice !== undefined) throw invalid(`Duplicate IDs found in batch input: [${twice}]. IDs must be unique`);
  return inputs;
}

// Without trace ids a batch create is all or none, as HubSpot documents it.
function checkAll(call: Call, type: CrmType, inputs: readonly Input[]): void {
  const { portal, version } = call;
  for (const { properties } of inputs)
    checkProperties({ portal, version, type, object: null, properties: properties ?? {} });
}

function attempt(input: Input, work: () => object): Row {
  try {
    return { result: { ...work(), ...traceOf(input) } };
  } catch (error) {
    if (error instanceof HubSpotError) return { error, input };
    throw error;
  }
}

function traceOf(input: Input) {
  return typeof input.objectWriteTraceId === 'string' ? { objectWriteTraceId: input.objectWriteTraceId } : {};
}

function readOne(body: Readonly<Record<string, unknown>>) {
  const names = Array.isArray(body.properties) ? body.properties.map(String) : [];
  const idProperty = typeof body.idProperty === 'string' ? body.idProperty : null;
  return (call: Call, type: CrmType, input: Input) => {
    const object = lookUp(call, type, String(input.id), idProperty);
    if (object === null) throw missing(type, input);
    return present(call, object, names);
  };
}

function createOne(call: Call, type: CrmType, input: Input) {
  return shown(call, createFrom(call, type, input));
}

function updateOne(call: Call, type: CrmType, input: Input) {
  const object = lookUp(call, type, String(input.id), idPropertyOf(input));
  if (object === null) throw missing(type, input);
  return shown(call, updateFrom(call, object, input.properties));
}

function upsertOne(call: Call, type: CrmType, input: Input) {
  const idProperty = idPropertyOf(input);
  if (idProperty === null || input.id === undefined) throw invalid('An upsert needs id and idProperty.');
  const id = String(input.id);
  const properties = { ...(input.properties as object), [idProperty]: id };
  const known = lookUp(call, type, id, idProperty);
  if (known !== null) {
    const { [idProperty]: _same, ...others } = properties as Record<string, unknown>;
    return { ...shown(call, updateFrom(call, known, idProperty === 'hs_object_id' ? others : properties)), new: false };
  }
  if (idProperty === 'hs_object_id') throw missing(type, input);
  return { ...shown(call, createFrom(call, type, { ...input, properties })), new: true };
}

function idPropertyOf(input: Input): string | null {
  return typeof input.idProperty === 'string' && input.idProperty !== '' ? input.idProperty : null;
}

function shown(call: Call, object: CrmObject) {
  return present(call, object, Object.keys(object.properties));
}

function missing(type: CrmType, input: Input): HubSpotError {
  return new HubSpotError(
    404,
    'OBJECT_NOT_FOUND',
    `Could not get some ${type} objects, they may be deleted or not exist. Check that ids are valid.`,
    {
      context: { ids: [String(input.id)] },
    },
  );
}

function summary(call: Call, operation: string, rows: readonly Row[], startedAt: string): SimAnswer {
  const results = rows.flatMap((row) => ('result' in row ? [row.result] : []));
  const failed = rows.flatMap((row) => ('error' in row ? [row] : []));
  const completedAt = new Date(call.portal.clock.now()).toISOString();
  const body = { status: 'COMPLETE', results, startedAt, completedAt, requestedAt: startedAt };
  const fullStatus = operation === 'create' ? 201 : 200;
  if (failed.length === 0) return json(fullStatus, body);
  const errors = failed.map(({ error, input }) => ({
    status: 'error',
    category: error.category,
    message: error.message,
    ...error.extra,
    context: {
      ...(error.extra.context as object | undefined),
      ids: [String(input.id ?? '')],
      ...traceContext(input),
    },
  }));
  // Numeric versions say 207; from 2026-09 on the errors stand in a 200.
  return json(call.version === '2026-09' ? 200 : 207, { ...body, numErrors: errors.length, errors });
}

function traceContext(input: Input) {
  return typeof input.objectWriteTraceId === 'string' ? { objectWriteTraceId: [input.objectWriteTraceId] } : {};
}
