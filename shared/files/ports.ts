/** One file as the bucket lists it. */
export type DroppedFile = {
  readonly key: string;
  /** The version of its content, as the bucket names it. */
  readonly etag: string;
  readonly size: number;
};

/** Where files are dropped. */
export type DropStore = {
  /** Every file below a prefix, in the order of their names. Throws `store_unavailable`. */
  list(prefix: string): AsyncIterable<DroppedFile>;
  /**
   * Bytes of a file from an offset on, at most `length`; null where the file is not there any more as it was listed.
   * Throws `store_unavailable`.
   */
  read(file: DroppedFile, from: number, length: number): Promise<Uint8Array | null>;
};

/** A row that was not carried out, and why; values of the row are never part of it. */
export type BadRow = { readonly line: number; readonly why: string };

/** How far a file has been worked off. */
export type FileCursor = {
  /** SHA-256 of key and etag. */
  readonly id: string;
  readonly source: string;
  readonly key: string;
  /** Every write adds one and is conditional on the one it read. */
  readonly epoch: number;
  /** `waits`: the row at `byte` could not be carried out yet. `stopped`: nothing after `byte` can be read. */
  readonly phase: 'hashing' | 'rows' | 'waits' | 'done' | 'stopped';
  /** SHA-256 of the content, once all of it was read. */
  readonly contentHash: string | null;
  /** The names of the columns; empty before the first line was read, null for JSON lines. */
  readonly header: readonly string[] | null;
  /** Where the next row begins: its byte and its line, from 1. */
  readonly byte: number;
  readonly line: number;
  readonly rows: number;
  readonly bad: number;
  /** The first bad rows. */
  readonly badSample: readonly BadRow[];
  /** The payload object of the newest bad rows; each names the one before it. */
  readonly badObject: string | null;
  /** Since when it waits, and for what. */
  readonly waiting: { readonly sinceMs: number; readonly why: string } | null;
  readonly updatedAtMs: number;
};

/** Cursors of files. */
export type FileCursorStore = {
  get(id: string): Promise<FileCursor | null>;
  /** Conditional on the epoch that was read, 0 for none; `lost` where another worker was faster. Throws `store_unavailable`. */
  write(next: FileCursor, expectedEpoch: number): Promise<'written' | 'lost'>;
};
