import { findSecrets } from '../model/secret-shape.ts';

/** How credentials of well-known products begin. */
const beginnings =
  /^(?:[a-z]{2,5}_(?:live|test)_|[srp]k_|rak_|whsec_|xox[a-z]-|xapp-|pat-|gh[pousr]_|AKIA|ASIA|AIza|eyJ|-----)/;

const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** A run this long of letters and digits without a separator is drawn at random, where it holds both. */
const randomRun = /[A-Za-z0-9+=]{20,}/g;

/**
 * Whether a value that should be the name of a secret looks like the secret itself: a well-known beginning, a UUID, or a
 * long run of letters and digits as only random text has it. Shapes that the loader refuses wherever they stand are not told
 * again. Names are words with separators; a credential made of words passes, and is refused where it is used: there is no
 * secret of that name.
 */
export function looksLikeCredential(value: string): boolean {
  if (findSecrets(value).length > 0) return false;
  if (beginnings.test(value) || uuid.test(value)) return true;
  const runs = value.match(randomRun) ?? [];
  return runs.some((run) => /[0-9]/.test(run) && /[A-Za-z]/.test(run));
}
