import type { ErrorCategory, ErrorCode, Failure } from '../model/errors.ts';
import type { Classified, FailureClass } from '../model/operation.ts';
import { maskContacts } from '../model/personal-shape.ts';
import { redactSecrets } from '../model/secret-shape.ts';

type Words = {
  readonly code: ErrorCode;
  readonly category: ErrorCategory;
  readonly retryable: boolean;
  readonly says: string;
};

const byClass: Readonly<Record<FailureClass, Words>> = {
  transient: {
    code: 'system_unavailable',
    category: 'upstream',
    retryable: true,
    says: 'could not be reached or asked',
  },
  rate: { code: 'system_rate_limited', category: 'rate_limit', retryable: true, says: 'takes no more calls for now' },
  auth: {
    code: 'credential_unavailable',
    category: 'authentication',
    retryable: false,
    says: 'does not accept our credential',
  },
  permission: {
    code: 'system_permission',
    category: 'permission',
    retryable: false,
    says: 'does not allow this to our credential',
  },
  business: {
    code: 'system_rejected',
    category: 'validation',
    retryable: false,
    says: 'refused the values by a rule of its own',
  },
  conflict: {
    code: 'system_conflict',
    category: 'conflict',
    retryable: false,
    says: 'holds a newer version of the record',
  },
  duplicate: { code: 'system_duplicate', category: 'conflict', retryable: false, says: 'already holds such a record' },
  not_found: { code: 'system_not_found', category: 'not_found', retryable: false, says: 'does not hold the record' },
  schema: {
    code: 'system_schema_changed',
    category: 'upstream',
    retryable: false,
    says: 'does not know a field that is used here',
  },
  unknown_outcome: {
    code: 'outcome_unknown',
    category: 'upstream',
    retryable: false,
    says: 'may or may not have done it',
  },
};

/** Codes of ours that say more than their class. */
const byCode: Readonly<Record<string, Words>> = {
  circuit_open: {
    code: 'system_unavailable',
    category: 'circuit_open',
    retryable: true,
    says: 'failed repeatedly and is left alone for now',
  },
  switched_off: {
    code: 'switched_off',
    category: 'policy',
    retryable: true,
    says: 'is switched off by a person for now',
  },
  account_mismatch: {
    code: 'account_mismatch',
    category: 'policy',
    retryable: false,
    says: 'is not the account that the configuration names',
  },
  unsafe_address: {
    code: 'unsafe_address',
    category: 'policy',
    retryable: false,
    says: 'resolves to an address that is never called',
  },
  response_too_large: {
    code: 'response_too_large',
    category: 'upstream',
    retryable: false,
    says: 'answered more than is read',
  },
};

/** A system may repeat the address it was asked at, and with it a key that stands there. */
function shown(text: string): string {
  return maskContacts(redactSecrets(text.slice(0, 1000)).text).slice(0, 300);
}

/**
 * A classified failure in the words of our answers; the vendor's text stays quoted and capped, without addresses and numbers
 * of people and without what looks like a credential: it is kept with the action and shown to agents.
 * @param system the configured system's name
 */
export function failureOf(error: Classified, system: string): Failure {
  const words = (Object.hasOwn(byCode, error.code) ? byCode[error.code] : undefined) ?? byClass[error.class];
  return {
    code: words.code,
    category: words.category,
    retryable: words.retryable,
    detail: `${system} ${words.says}.`,
    // A code is a word: what is none was written by somebody, and stands among our own.
    vendorCode: error.code.replaceAll(/[^A-Za-z0-9_.:-]/g, '_').slice(0, 80),
    // What a system says about a credential may hold a part of it.
    ...(error.class === 'auth' ? {} : { vendorText: shown(error.message) }),
    ...(error.retryAfterMs === undefined ? {} : { retryAfterMs: error.retryAfterMs }),
  };
}
