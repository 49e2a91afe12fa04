import * as z from 'zod';

/** What a caller of `POST /_faults` sends. */
export const faultSchema = z.strictObject({
  /** `path` is a prefix, or a regular expression where it starts with `^`. `nth` counts matching requests from 1. */
  match: z
    .strictObject({
      method: z.string().toUpperCase().optional(),
      path: z.string().refine(isPattern, 'a path prefix, or a regular expression that starts with ^').optional(),
      nth: z.number().int().min(1).default(1),
    })
    .prefault({}),
  kind: z.enum([
    'fail_before_commit',
    'commit_then_lose_response',
    'slow',
    'rate_limited',
    'server_error',
    'html_error',
    'reset',
  ]),
  /** How many matching requests in a row it hits, from the nth on. */
  times: z.number().int().min(1).default(1),
  status: z.number().int().min(400).max(599).optional(),
  /** Delay of `slow`, milliseconds. */
  ms: z.number().int().min(0).max(600_000).default(0),
  /** For `slow`, `server_error` and `html_error`: the write is applied first. */
  afterCommit: z.boolean().default(false),
  /** For `rate_limited`. */
  policyName: z.enum(['DAILY', 'TEN_SECONDLY_ROLLING', 'SECONDLY']).default('TEN_SECONDLY_ROLLING'),
});

/** A fault as it was asked for. */
export type FaultSpec = z.input<typeof faultSchema>;

/** A fault with its counters. */
export type Fault = z.output<typeof faultSchema> & { readonly id: number; seen: number; applied: number };

/** The switchable faults of one simulated system. */
export type FaultBook = {
  /** @throws ZodError where the fault cannot be read */
  add(spec: unknown): Fault;
  list(): readonly Fault[];
  clear(): void;
  /** The fault that hits this request, if any; counts the request for every fault that matches. */
  next(method: string, path: string): Fault | null;
};

/** An empty book. */
export function createFaultBook(): FaultBook {
  let faults: Fault[] = [];
  let lastId = 0;
  return {
    add(spec) {
      lastId += 1;
      const fault: Fault = { ...faultSchema.parse(spec), id: lastId, seen: 0, applied: 0 };
      faults.push(fault);
      return fault;
    },
    list: () => faults,
    clear() {
      faults = [];
    },
    next(method, path) {
      let hit: Fault | null = null;
      for (const fault of faults) {
        if (!matches(fault, method, path)) continue;
        fault.seen += 1;
        const active = fault.seen >= fault.match.nth && fault.applied < fault.times;
        if (active && hit === null) {
          fault.applied += 1;
          hit = fault;
        }
      }
      return hit;
    },
  };
}

function matches(fault: Fault, method: string, path: string): boolean {
  if (fault.match.method !== undefined && fault.match.method !== method) return false;
  const wanted = fault.match.path;
  if (wanted === undefined) return true;
  return wanted.startsWith('^') ? new RegExp(wanted).test(path) : path.startsWith(wanted);
}

function isPattern(text: string): boolean {
  if (text.startsWith('/')) return true;
  if (!text.startsWith('^')) return false;
  try {
    return new RegExp(text) instanceof RegExp;
  } catch {
    return false;
  }
}
