import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LocalAnswer, LocalRequest } from './listener.ts';

const types: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
};

/**
 * Answers the operators' page and its settings; null for everything else. The page may load nothing but its own files and
 * talk to nothing but its own door and the issuer.
 * @param directory console/ @param settings what `/console.json` says
 */
export function consoleFiles(
  directory: string,
  settings: { readonly issuer: string; readonly client: string },
): (request: LocalRequest) => LocalAnswer | null {
  const policy = `default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self' ${settings.issuer}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;
  const headers = {
    'content-security-policy': policy,
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'cache-control': 'no-store',
  };
  return ({ method, target }) => {
    if (method !== 'GET' && method !== 'HEAD') return null;
    const path = target.split('?')[0] ?? '/';
    if (path === '/console.json') {
      return {
        status: 200,
        headers: { ...headers, 'content-type': 'application/json' },
        body: JSON.stringify(settings),
      };
    }
    const name = /^\/([a-z][a-z-]{0,40}\.(html|js|css))$/.exec(path === '/' ? '/index.html' : path);
    const file = name?.[1] === undefined ? null : join(directory, name[1]);
    if (file === null || !existsSync(file)) return null;
    const type = types[name?.[2] ?? ''] ?? 'application/octet-stream';
    return { status: 200, headers: { ...headers, 'content-type': type }, body: readFileSync(file) };
  };
}
