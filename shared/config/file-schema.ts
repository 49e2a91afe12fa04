import * as z from 'zod';

const name = z.string().regex(/^[a-z][a-z0-9-]{0,39}$/, 'lower-case letters, digits and hyphens, at most 40');
const column = z.string().min(1).max(100);
const input = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,63}$/, 'the name of an input of the tool');

/** A source of files: which files, what their columns mean, and which tool each row calls. */
export const fileSchema = z
  .strictObject({
    /** The team that bad rows and stuck files belong to. */
    owner: name,
    /** The agent of agents.yaml as whom the rows act: its permissions, scope, budgets and approvals hold for them. */
    as: name,
    /** Files below `files/<prefix>` of the payload bucket. */
    prefix: z
      .string()
      .regex(
        /^(?:[a-z0-9][a-z0-9._-]{0,63}\/){1,5}$/,
        'lower-case folders that end in a slash, such as supplier-orders/',
      ),
    format: z.enum(['csv', 'json-lines']),
    /** What stands between two cells. */
    separator: z.enum([',', ';', '|', '\t']).default(','),
    encoding: z.enum(['utf-8', 'windows-1252']).default('utf-8'),
    tool: z.string().regex(/^[a-z][a-z0-9_]*$/, 'the name of a tool that writes'),
    /** Column -> input; an empty cell gives no input. */
    columns: z.record(column, z.union([input, z.strictObject({ input, as: z.enum(['text', 'number', 'yes-no']) })])),
    /** Columns that may stand there and are not used. A column that is neither is an error. */
    ignore: z.array(column).default([]),
    /**
     * The columns that name a row: rows that agree in them are one row, in whichever file they come. Without it, a row is its
     * file's content and its line.
     */
    rowKey: z.array(column).min(1).optional(),
  })
  .refine(
    ({ columns, ignore, rowKey = [] }) => rowKey.every((one) => Object.hasOwn(columns, one) || ignore.includes(one)),
    'rowKey names columns that stand under columns or ignore',
  );

export type FileConfig = z.output<typeof fileSchema>;
