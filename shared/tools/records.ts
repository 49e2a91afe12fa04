import { isObject, type Json, type JsonObject } from '../model/json.ts';
import type { FoundRecord } from './define.ts';

/**
 * Reads records out of an operation's data: one record `{ id, properties }`, or a page of them under `results`.
 * Ids of associated records come as the field `associations`, where there are any.
 * @param object what the records are, such as `deal`
 */
export function recordsOf(object: string): (data: Json) => readonly FoundRecord[] {
  return (data) => {
    const rows = isObject(data) && Array.isArray(data.results) ? (data.results as readonly Json[]) : [data];
    return rows.flatMap((row) => {
      if (!isObject(row) || typeof row.id !== 'string' || !isObject(row.properties)) return [];
      const associations = isObject(row.associations) ? row.associations : {};
      const linked = Object.keys(associations).length > 0 ? { associations } : {};
      return [{ object, id: row.id, fields: { ...row.properties, ...linked } }];
    });
  };
}

/** One record as an agent gets it: `{ deal: { id, ... } }`. Renames fields where `names` says so, drops what it does not name. */
export function presentOne(object: string, names: Readonly<Record<string, string>>) {
  return (records: readonly FoundRecord[]): Json => {
    const [record] = records;
    return record ? { [object]: renamed(record, names) } : {};
  };
}

/** A page of records as an agent gets it, with the `after` that asks for the next page, or `more` where only a limit ended it. */
export function presentPage(list: string, names: Readonly<Record<string, string>>) {
  return (records: readonly FoundRecord[], data: Json): Json => {
    const page = isObject(data) ? data : {};
    const after = page.after ?? null;
    const cut = page.more === true ? { more: true } : {};
    return { [list]: records.map((record) => renamed(record, names)), shown: records.length, after, ...cut };
  };
}

function renamed(record: FoundRecord, names: Readonly<Record<string, string>>): JsonObject {
  const fields = Object.entries(names).map(([field, name]) => [name, record.fields[field] ?? null] as const);
  const linked = record.fields.associations;
  return { id: record.id, ...Object.fromEntries(fields), ...(linked === undefined ? {} : { associations: linked }) };
}

/**
 * The written fields of one record before and after: `{ deal: { id, stage: { before, after } } }`.
 * `before` is left out where the record did not exist or was not read.
 */
export function presentChange(object: string, names: Readonly<Record<string, string>>) {
  return (result: Json, before: Json | null): Json => {
    const record = isObject(result) ? result : {};
    const properties = isObject(record.properties) ? record.properties : {};
    const image = isObject(before) && isObject(before.written) ? before.written : null;
    const changes = Object.entries(names)
      .filter(([field]) => (image ? field in image : field in properties))
      .map(([field, name]) => {
        const after = properties[field] ?? null;
        return [name, image ? { before: image[field] ?? null, after } : after] as const;
      });
    return { [object]: { id: record.id ?? null, ...Object.fromEntries(changes) } };
  };
}
