import { path } from '../../http/path.ts';
import { PlumblineError } from '../../model/errors.ts';
import type { Json } from '../../model/json.ts';
import type { HttpAnswer, RequestContext, RequestSpec } from '../../model/operation.ts';

/** Whose webhooks: those of a repository, `acme/widgets`, or of an organization, `acme`. */
export type HookHolder = { readonly repository: string } | { readonly organization: string };

/** How long one request to GitHub may take, milliseconds. */
export const requestTimeoutMs = 15_000;

const nameForm = /^(?!\.{1,2}$)[A-Za-z0-9_.-]{1,100}$/;
const idForm = /^[1-9][0-9]{0,19}$/;
const pageForm = /^[A-Za-z0-9_.:=+/-]{1,200}$/;

function refuse(what: string, hint: string): never {
  throw new PlumblineError(`A request was refused before it was built: ${what}.`, {
    code: 'invalid_input',
    retry: 'never',
    hint,
  });
}

/** Whether `params` of a channel name whose webhook it is, and whose; null where they name nobody. Throws `invalid_input`. */
export function holderOf(params: Readonly<Record<string, string>>): HookHolder | null {
  const { repository, organization } = params;
  if (repository !== undefined) return { repository };
  return organization === undefined ? null : { organization };
}

/** The path of what belongs to a holder. Throws `invalid_input` for a name or an id that is none of GitHub's. */
export function hooksPath(holder: HookHolder, hook?: string, delivery?: string): string {
  const ids = [hook, delivery].filter((id) => id !== undefined);
  if (!ids.every((id) => idForm.test(id))) refuse('no id of GitHub', 'Whole numbers, as the reads answer them.');
  const below = hook === undefined ? '' : path`/${hook}/deliveries`;
  const last = delivery === undefined ? '' : path`/${delivery}/attempts`;
  return `${holderPath(holder)}/hooks${below}${last}`;
}

function holderPath(holder: HookHolder): string {
  if ('organization' in holder) {
    if (!nameForm.test(holder.organization)) refuse('no organization of GitHub', 'A name such as acme.');
    return path`/orgs/${holder.organization}`;
  }
  const [owner = '', name = '', ...rest] = holder.repository.split('/');
  if (rest.length > 0 || !nameForm.test(owner) || !nameForm.test(name)) {
    refuse('no repository of GitHub', 'Owner and name, such as acme/widgets.');
  }
  return path`/repos/${owner}/${name}`;
}

/** What every request says; GitHub refuses one that does not say who it is. @see https://docs.github.com/en/rest/using-the-rest-api/getting-started-with-the-rest-api */
export function specOf(
  { apiVersion }: Pick<RequestContext, 'apiVersion'>,
  method: 'GET' | 'POST',
  at: string,
  query: readonly (readonly [string, string])[] = [],
): RequestSpec {
  const headers = {
    accept: 'application/vnd.github+json',
    'user-agent': 'plumbline',
    'x-github-api-version': apiVersion,
  };
  return { method, path: at, headers, ...(query.length > 0 ? { query } : {}), timeoutMs: requestTimeoutMs };
}

/** The query of a page of at most 100. Throws `invalid_input` where `after` is none that a page named. */
export function pageQuery(by: PageParam, after: string | undefined): readonly (readonly [string, string])[] {
  if (after !== undefined && !pageForm.test(after)) {
    refuse('a next page is not one of this list', 'Give the `after` of the page before, unchanged.');
  }
  return [['per_page', '100'], ...(after === undefined ? [] : [[by, after] as const])];
}

/** The parameter by which a list goes on. */
export type PageParam = 'cursor' | 'page';

/**
 * What the `Link` header names as the next page: the value of its parameter, and never an address. Null: there is none.
 * `refused`: it leads anywhere but to the list that was asked for, at GitHub itself; the local target's simulator names its
 * loopback address.
 * @see https://docs.github.com/en/rest/using-the-rest-api/using-pagination-in-the-rest-api
 */
export function nextPage(answer: HttpAnswer, at: string, by: PageParam): { readonly after: string | null } | 'refused' {
  const links = (answer.headers.link ?? '').split(/,(?=\s*<)/).filter((link) => /;\s*rel="?next"?/i.test(link));
  if (links.length === 0) return { after: null };
  const target = /^\s*<([^<>\s]+)>/.exec(links[0] ?? '')?.[1] ?? '';
  if (links.length > 1 || target.length > 2000 || !URL.canParse(target)) return 'refused';
  const url = new URL(target);
  const isGithub = url.protocol === 'https:' && url.host === 'api.github.com';
  const isLocal = ['127.0.0.1', 'localhost', '[::1]'].includes(url.hostname);
  const values = url.searchParams.getAll(by);
  const [after = ''] = values;
  if (!(isGithub || isLocal) || url.username !== '' || url.password !== '') return 'refused';
  // GitHub writes the address of a repository by its number there.
  const isList =
    url.pathname === at || /^\/(repositories|organizations)\/[0-9]+\/hooks(\/[0-9]+\/deliveries)?$/.test(url.pathname);
  return isList && values.length === 1 && pageForm.test(after) ? { after } : 'refused';
}

/** The JSON of an answer, ids of any length as text; undefined where it is none. */
export function bodyOf(answer: HttpAnswer): Json | undefined {
  // Ids of deliveries are 64 bits long; a double would name another one.
  const exact = answer.bodyText.replace(/("id"\s*:\s*)([0-9]{1,20})(?=\s*[,}])/g, '$1"$2"');
  try {
    return JSON.parse(exact) as Json;
  } catch {
    return undefined;
  }
}
