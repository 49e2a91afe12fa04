import type { JsonObject } from '../../model/json.ts';
import type { PlannedCall } from '../../model/operation.ts';

/** Where a list begins: the `after` of the page before, and a time, milliseconds, at or after which things changed. */
export type ListFrom = { readonly after?: string | undefined; readonly sinceMs?: number | undefined };

/**
 * The calls of a system that its file describes, by the names of its operations.
 * @param system its name in config/systems
 */
export function restOn(system: string) {
  return {
    /** Plans one operation; `inputs` are what its templates name. */
    call: (operation: string, inputs: JsonObject = {}, from: ListFrom = {}): PlannedCall => ({
      operation: `rest.${system}.${operation}`,
      system,
      input: {
        properties: inputs,
        ...(from.after === undefined ? {} : { after: from.after }),
        ...(from.sinceMs === undefined ? {} : { sinceMs: from.sinceMs }),
      },
    }),
  };
}
