import * as z from 'zod/mini';
import type { SystemConfig } from '../config/schema.ts';
import type { RefreshSystem } from './refresh.ts';

/** What the refresh function is called with. */
export const refreshInputSchema = z.strictObject({
  system: z.string().check(z.minLength(1), z.maxLength(40)),
  seenVersion: z.int().check(z.minimum(0)),
});

/** Those of the configured systems that hold a refresh token, as refreshing needs to know them. */
export function refreshSystems(systems: { readonly [name: string]: SystemConfig }): Record<string, RefreshSystem> {
  const found: Record<string, RefreshSystem> = {};
  for (const [name, { auth, owner }] of Object.entries(systems)) {
    if (auth.grant !== 'refresh_token') continue;
    const { secret, tokenUrl, tokenLifetime, rotationGrace } = auth;
    const grace = rotationGrace === undefined ? {} : { rotationGraceMs: rotationGrace };
    found[name] = { owner, secret, tokenUrl, tokenLifetimeMs: tokenLifetime, ...grace };
  }
  return found;
}
