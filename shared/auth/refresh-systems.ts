import * as z from 'zod/mini';
import type { AuthConfig, SystemConfig } from '../config/schema.ts';
import type { GrantKind } from './grants.ts';
import type { RefreshSystem } from './refresh.ts';

/** What the refresh function is called with. */
export const refreshInputSchema = z.strictObject({
  system: z.string().check(z.minLength(1), z.maxLength(40)),
  seenVersion: z.int().check(z.minimum(0)),
});

type TokenAuth = Extract<AuthConfig, { refresh: string }>;

/** Those of the configured systems whose tokens a token endpoint issues, as refreshing needs to know them. */
export function refreshSystems(systems: { readonly [name: string]: SystemConfig }): Record<string, RefreshSystem> {
  const found: Record<string, RefreshSystem> = {};
  for (const [name, { auth, owner }] of Object.entries(systems)) {
    if (!('refresh' in auth)) continue;
    const { secret, tokenUrl, tokenLifetime } = auth;
    const graceMs = auth.grant === 'refresh_token' ? auth.rotationGrace : undefined;
    const grace = graceMs === undefined ? {} : { rotationGraceMs: graceMs };
    found[name] = { owner, secret, tokenUrl, tokenLifetimeMs: tokenLifetime, ...grace, ...kindOf(auth) };
  }
  return found;
}

function kindOf(auth: TokenAuth): GrantKind {
  switch (auth.grant) {
    case 'refresh_token':
      return { grant: auth.grant, ...(auth.rotates === undefined ? {} : { rotates: auth.rotates }) };
    case 'client_credentials': {
      const { grant, clientAuth, scope } = auth;
      return { grant, clientAuth, ...(scope === undefined ? {} : { scope }) };
    }
    case 'jwt_bearer':
      return { grant: auth.grant, audience: auth.audience };
  }
}
