import type { Refusal } from '../../auth/refresh.ts';
import type { HttpAnswer } from '../../model/operation.ts';
import { bodyOf } from '../json-body.ts';

type Words = { readonly says: string; readonly nextStep: string; readonly passes: boolean };

const renew = 'Create a new client secret in the app registration and store it under the name that `auth.secret` has.';

/** @see https://learn.microsoft.com/en-us/entra/identity-platform/reference-error-codes */
const byNumber: Readonly<Record<number, Words>> = {
  7000215: {
    says: 'The client secret is not the right one (often its id was stored instead of its value).',
    nextStep: renew,
    passes: false,
  },
  7000222: { says: 'The client secret has expired.', nextStep: renew, passes: false },
  7000216: { says: 'No client secret was sent.', nextStep: renew, passes: false },
  700016: {
    says: 'The application is not known in this tenant.',
    nextStep: 'Compare client id and tenant id with the app registration, and grant admin consent in this tenant.',
    passes: false,
  },
  700027: {
    says: 'The certificate behind the assertion is not one of the application.',
    nextStep: 'Upload the certificate in the app registration, or store the key that belongs to it.',
    passes: false,
  },
  700024: {
    says: 'The assertion is outside its time.',
    nextStep: 'Compare the clock of this machine with the real time.',
    passes: true,
  },
  7000112: {
    says: 'The application is disabled in this tenant.',
    nextStep: 'Enable the enterprise application, or ask the administrator why it was disabled.',
    passes: false,
  },
  90002: {
    says: 'There is no such tenant.',
    nextStep: 'Correct the tenant id in `auth.tokenUrl`.',
    passes: false,
  },
  1002012: {
    says: 'The scope of a client credentials request must end in /.default.',
    nextStep: 'Set `auth.scope` to https://graph.microsoft.com/.default.',
    passes: false,
  },
  53003: {
    says: 'A conditional access policy blocks the application.',
    nextStep: 'Ask the administrator to exclude this workload identity, or to allow the addresses it calls from.',
    passes: false,
  },
  90033: { says: 'The sign-in service has a temporary problem.', nextStep: 'Wait; it is tried again.', passes: true },
};

const otherwise: Words = {
  says: 'Microsoft Entra refused the credential.',
  nextStep: 'Look the code up under https://login.microsoftonline.com/error and repair the app registration.',
  passes: false,
};

/**
 * Reads a refusal of the token endpoint: by number where there is one that is known. The description of the answer is not passed
 * on: it names the application, the tenant and times.
 */
export function signInProblem(answer: Pick<HttpAnswer, 'bodyText'>): Refusal | null {
  const body = bodyOf(answer);
  if (!body || typeof body.error !== 'string') return null;
  const listed = Array.isArray(body.error_codes) ? body.error_codes[0] : undefined;
  const told = /^AADSTS([0-9]{5,8})\b/.exec(typeof body.error_description === 'string' ? body.error_description : '');
  const number = typeof listed === 'number' ? listed : told ? Number(told[1]) : null;
  const word = /^[a-z_]{1,40}$/.test(body.error) ? body.error : 'refused';
  const code = number === null ? word : `AADSTS${number}`;
  const { says, nextStep, passes } = (number === null ? undefined : byNumber[number]) ?? otherwise;
  return { code, detail: `${says} (${code}) ${nextStep}`, passes };
}
