import { readFileSync } from 'node:fs';
import { PlumblineError } from '../../model/errors.ts';
import type { OperatorApiDeps } from './deps.ts';
import { file, json, type Reply } from './http.ts';

const types: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
};

/** The files of the console, as they lie beside the bundle. */
export const consoleFiles = ['index.html', 'app.js', 'style.css'] as const;

/**
 * Reads the console's files from `console/` beside the bundle, or beside the function's source.
 * Throws `config_invalid` where they are missing: a door without its page is a broken build.
 * @param importMetaUrl `import.meta.url` of the function
 */
export function readConsole(importMetaUrl: string): ReadonlyMap<string, string> {
  for (const place of ['./console/', '../console/']) {
    try {
      return new Map(
        consoleFiles.map((name) => [name, readFileSync(new URL(`${place}${name}`, importMetaUrl), 'utf8')]),
      );
    } catch {
      // The next place is tried; that none has them is the fault.
    }
  }
  throw new PlumblineError('The console is missing beside the bundle.', {
    code: 'config_invalid',
    retry: 'never',
    hint: 'Run the build again: it copies console/ beside the operator door.',
  });
}

/**
 * The console's page, script and style, and what the page needs to sign in; null for every other path.
 * They hold no data: every value comes from the API with the person's own token. The policy allows this origin and the
 * issuer and nothing else, so a value that slipped into the page as markup could neither run nor call out.
 */
export function consoleFile(console: OperatorApiDeps['console'], path: string): Reply | null {
  if (path === '/console.json') return json({ issuer: console.issuer, client: console.client });
  const name = path === '/' ? 'index.html' : path.slice(1);
  const body = console.files.get(name);
  if (body === undefined) return null;
  const issuer = new URL(console.issuer).origin;
  const policy = [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    `connect-src 'self' ${issuer}`,
    "form-action 'none'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
  ].join('; ');
  return file(body, types[name.split('.').at(-1) ?? ''] ?? 'text/plain; charset=utf-8', {
    'content-security-policy': policy,
    'x-frame-options': 'DENY',
    'cross-origin-opener-policy': 'same-origin',
  });
}
