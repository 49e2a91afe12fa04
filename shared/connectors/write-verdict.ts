import type { Classified, WriteVerdict } from '../model/operation.ts';

/** A write of which nothing is known. */
export function unknownOutcome(code: string, message: string): WriteVerdict {
  return { kind: 'unknown', error: { class: 'unknown_outcome', code, message } };
}

/** The verdict of an answer that is not the expected success. Unknown unless it proves that nothing was written. */
export function failedWrite({
  error,
  notApplied,
}: {
  readonly error: Classified;
  readonly notApplied: boolean;
}): WriteVerdict {
  return notApplied ? { kind: 'not_applied', error } : unknownOutcome(error.code, error.message);
}
