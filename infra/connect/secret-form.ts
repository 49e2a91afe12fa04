import { createPrivateKey } from 'node:crypto';
import { parseGrant } from '../../shared/auth/grants.ts';
import { staticCredential } from '../../shared/auth/static-credential.ts';
import type { AuthConfig } from '../../shared/config/schema.ts';

/** One thing a person is asked for. `file`: the name of a file that holds it. */
export type Question = { readonly field: string; readonly asks: string; readonly kind: 'open' | 'secret' | 'file' };

const client: readonly Question[] = [
  { field: 'client_id', asks: 'Client id', kind: 'open' },
  { field: 'client_secret', asks: 'Client secret', kind: 'secret' },
];

/** What the secret of a grant is made of; a grant of one field is stored as it is, others as JSON. */
export function questionsOf(auth: AuthConfig, consent: boolean): readonly Question[] {
  switch (auth.grant) {
    case 'bearer':
      return [{ field: 'value', asks: 'Token', kind: 'secret' }];
    case 'api_key':
      return [{ field: 'value', asks: auth.prefix === undefined ? 'Key' : 'Key, or key:secret', kind: 'secret' }];
    case 'basic':
      return [{ field: 'value', asks: 'user:password', kind: 'secret' }];
    case 'hmac':
      return [{ field: 'value', asks: auth.keyIdHeader === undefined ? 'Signing key' : 'id:key', kind: 'secret' }];
    case 'client_credentials':
      return client;
    case 'jwt_bearer':
      return [
        { field: 'client_id', asks: 'Client id', kind: 'open' },
        { field: 'subject', asks: 'User that the token acts as', kind: 'open' },
        { field: 'private_key', asks: 'File with the private key (PEM)', kind: 'file' },
      ];
    case 'refresh_token':
      return consent ? client : [...client, { field: 'refresh_token', asks: 'Refresh token', kind: 'secret' }];
  }
}

/** A secret's value with the shape that its grant needs, or what is wrong with it; never with any part of it. */
export type Shaped = { readonly kind: 'ok'; readonly value: string } | { readonly kind: 'wrong'; readonly why: string };

/** Checks a value before it is stored. */
export function shapedSecret(auth: AuthConfig, value: string): Shaped {
  const trimmed = value.trim();
  if (trimmed === '') return { kind: 'wrong', why: 'Nothing was given.' };
  if ('refresh' in auth) {
    if (parseGrant(auth.grant, trimmed) !== null) return { kind: 'ok', value: trimmed };
    const fields = questionsOf(auth, false).map(({ field }) => field);
    const key = auth.grant === 'jwt_bearer' ? ' `private_key` must be an RSA key in PEM.' : '';
    return { kind: 'wrong', why: `This needs a JSON object with ${fields.join(', ')}.${key}` };
  }
  const usable = staticCredential(auth, trimmed, { now: () => 0 }) !== null;
  if (usable && !isPem(trimmed)) return { kind: 'ok', value: trimmed };
  const forms = {
    bearer: 'one word without spaces: the token alone, without `Bearer`',
    api_key: 'one word without spaces: the key alone, without its prefix',
    basic: '`user:password`',
    hmac: 'the signing key, or `id:key` where keyIdHeader is configured',
  } as const;
  return { kind: 'wrong', why: `This needs ${forms[auth.grant]}.` };
}

function isPem(value: string): boolean {
  try {
    return createPrivateKey(value).type === 'private';
  } catch {
    return false;
  }
}
