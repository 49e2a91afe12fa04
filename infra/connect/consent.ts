import { createHash, timingSafeEqual } from 'node:crypto';
import type { Clock, Random } from '../../shared/model/clock.ts';
import { type LocalAnswer, listen } from '../local/listener.ts';

/** What a consent is asked with. */
export type ConsentInput = {
  /** The provider's page. */
  readonly authorizeUrl: string;
  readonly clientId: string;
  readonly scopes: readonly string[];
  /** Port of the redirect on this machine; 0 takes a free one. */
  readonly port: number;
  /** Shows the person where to go. */
  readonly show: (url: string, redirectUri: string) => void;
};

/** What became of it. The verifier belongs to the code: only both together are worth anything. */
export type Consent =
  | {
      readonly kind: 'agreed';
      readonly code: string;
      readonly codeVerifier: string;
      readonly redirectUri: string;
    }
  /** `reason` is the provider's own code where it looks like one. */
  | { readonly kind: 'refused'; readonly reason: string };

/** How long a person may take, milliseconds. */
export const patienceMs = 300_000;

/**
 * Sends a person to a provider's consent page and waits for the redirect to 127.0.0.1: with PKCE (S256), and with a state
 * that is taken once, within five minutes. A request with another Host, another path, another method or another state is
 * answered with an error and changes nothing.
 * @see https://www.rfc-editor.org/rfc/rfc8252#section-7.3 https://www.rfc-editor.org/rfc/rfc7636#section-4
 */
export async function askConsent(
  deps: { readonly random: Random; readonly clock: Pick<Clock, 'sleep'> },
  input: ConsentInput,
): Promise<Consent> {
  const secret = (bytes: number) => Buffer.from(deps.random(bytes)).toString('base64url');
  const [state, codeVerifier] = [secret(32), secret(48)];
  const outcome = Promise.withResolvers<Consent>();
  let redirectUri = '';
  let isOver = false;
  const settle = (consent: Consent) => {
    isOver = true;
    // After the page is written: closing the listener ends its connections.
    setImmediate(() => outcome.resolve(consent));
  };
  const listener = await listen({
    name: 'the redirect of npm run connect',
    port: input.port,
    origins: 'none',
    maxBodyBytes: 0,
    async handle({ method, target, headers }): Promise<LocalAnswer> {
      const url = new URL(target, redirectUri);
      const isOurs = method === 'GET' && headers.host === new URL(redirectUri).host && url.pathname === callbackPath;
      if (!isOurs) return page(404, 'There is nothing here.');
      if (isOver || !isSame(url.searchParams.get('state') ?? '', state)) {
        return page(400, 'This is not the answer that was waited for.');
      }
      const code = url.searchParams.get('code');
      if (code === null || code === '') {
        settle({ kind: 'refused', reason: codeLike(url.searchParams.get('error')) });
        return page(200, 'The provider did not agree. The terminal says why; this window can be closed.');
      }
      settle({ kind: 'agreed', code, codeVerifier, redirectUri });
      return page(200, 'Connected. This window can be closed; the terminal says how it goes on.');
    },
  });
  redirectUri = `${listener.url}${callbackPath}`;
  try {
    input.show(pageOf(input, { redirectUri, state, codeVerifier }), redirectUri);
    const late = deps.clock.sleep(patienceMs).then((): Consent => ({ kind: 'refused', reason: 'too_late' }));
    return await Promise.race([outcome.promise, late]);
  } finally {
    isOver = true;
    await listener.close();
  }
}

/** The address of the consent page, with everything that the person's answer is recognised by. */
function pageOf(
  input: ConsentInput,
  { redirectUri, state, codeVerifier }: { redirectUri: string; state: string; codeVerifier: string },
): string {
  const url = new URL(input.authorizeUrl);
  const challenge = createHash('sha256').update(codeVerifier).digest('base64url');
  const wanted = {
    ...{ response_type: 'code', client_id: input.clientId, redirect_uri: redirectUri, state },
    ...(input.scopes.length === 0 ? {} : { scope: input.scopes.join(' ') }),
    ...{ code_challenge: challenge, code_challenge_method: 'S256' },
  };
  for (const [name, value] of Object.entries(wanted)) url.searchParams.set(name, value);
  return url.href;
}

const callbackPath = '/callback';

function isSame(given: string, expected: string): boolean {
  const digest = (value: string) => createHash('sha256').update(value).digest();
  return timingSafeEqual(digest(given), digest(expected));
}

function codeLike(value: string | null): string {
  return value !== null && /^[a-z_]{1,40}$/.test(value) ? value : 'no_code';
}

/** The address of this page holds the code: nothing on it may lead or load anything elsewhere. */
function page(status: number, text: string): LocalAnswer {
  const headers = {
    'content-type': 'text/plain; charset=utf-8',
    'cache-control': 'no-store',
    'referrer-policy': 'no-referrer',
    'content-security-policy': "default-src 'none'",
    connection: 'close',
  };
  return { status, headers, body: `${text}\n` };
}
