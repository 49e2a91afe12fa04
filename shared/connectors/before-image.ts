import type { Json } from '../model/json.ts';
import type { ProbeVerdict } from '../model/operation.ts';

type Values<V extends Json> = { readonly [name: string]: V | null };
type Live<V extends Json> = { readonly id: string; readonly properties: Values<V> };

/**
 * What a record was before a write. `written`: the values the write names, or null where the record does not exist; undo
 * restores these. `live`: everything that was read, for gates and scopes.
 */
export type BeforeImage<V extends Json> = {
  readonly id: string | null;
  readonly written: Values<V> | null;
  readonly live: Values<V>;
};

const exactly = <V extends Json>(values: Values<V>, name: string): V | null => values[name] ?? null;

/**
 * The before-image of a record that may be absent. A written value that is not there counts as empty.
 * @param valueIn finds a value by its name, where names are more than their letters
 */
export function beforeImage<V extends Json>(
  record: Live<V> | null,
  written: readonly string[],
  valueIn: (values: Values<V>, name: string) => V | null = exactly,
): BeforeImage<V> {
  if (!record) return { id: null, written: null, live: {} };
  const { id, properties } = record;
  return {
    id,
    written: Object.fromEntries(written.map((name) => [name, valueIn(properties, name)])),
    live: properties,
  };
}

/** A stored before-image, or null where the value is none. */
export function beforeImageOf<V extends Json>(value: Json | null): BeforeImage<V> | null {
  const isImage = typeof value === 'object' && value !== null && 'written' in value && 'live' in value;
  return isImage ? (value as BeforeImage<V>) : null;
}

/** What a live record means that does not show the wanted values: it is still as before the write, or something else. */
export function asBeforeOrElse<V extends Json>(
  record: Live<V> & Json,
  stored: Json | null,
  shows: (live: Values<V>, wanted: Values<V>) => boolean,
): ProbeVerdict {
  const before = beforeImageOf<V>(stored)?.written;
  return before && shows(record.properties, before) ? { kind: 'before' } : { kind: 'different', data: record };
}
