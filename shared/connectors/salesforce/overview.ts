import type { HttpAnswer, ReadOperation } from '../../model/operation.ts';
import { dataPath, getSpec, type SalesforceObject, salesforceObjects, systemFields } from './client.ts';
import { compositeAnswers, compositeRequest } from './composite.ts';
import { isRecord, judgeOne, type Page, pageOf, readError, readNamed, readOne, unreadable } from './reads.ts';
import { soql } from './soql.ts';

export type OverviewInput = {
  readonly id: string;
  /** Most records of each kind that belongs to the account. */
  readonly limit: number;
};

/** What belongs to an account, and what is worth showing first. */
const related = [
  { object: 'contact', list: 'contacts', where: [] },
  { object: 'opportunity', list: 'opportunities', where: [{ field: 'IsClosed', operator: '=', value: false }] },
  { object: 'case', list: 'cases', where: [{ field: 'IsClosed', operator: '=', value: false }] },
] as const satisfies readonly {
  readonly object: SalesforceObject;
  readonly list: string;
  readonly where: readonly object[];
}[];

/**
 * Reads one account with its contacts, open opportunities and open cases in one request: data is the account's record with
 * `contacts`, `opportunities` and `cases`, each `{ results, more }`, newest first. A part that cannot be read is an error of the
 * whole: nothing is left out silently.
 */
export function accountOverviewOperation(): ReadOperation<OverviewInput> {
  return {
    ...readNamed('account', 'overview'),
    request: (context, { id, limit }) => {
      const parts = related.map(({ object, where }) => {
        const { type, read } = salesforceObjects[object];
        const q = soql({
          ...{ object: type, fields: [...systemFields, ...read], limit: limit + 1 },
          where: [[{ field: 'AccountId', operator: '=', value: id }, ...where]],
          orderBy: [{ field: 'CreatedDate', direction: 'desc' }],
        });
        return { spec: getSpec(`${dataPath(context.apiVersion)}/query`, [['q', q]]) };
      });
      const account = { spec: readOne(context, 'account', { id, fields: salesforceObjects.account.read }) };
      return compositeRequest(context, { subrequests: [account, ...parts], allOrNone: false });
    },
    judge: (answer, { limit }) => {
      if (answer.status !== 200) return readError(answer);
      const [first, ...rest] = compositeAnswers(answer, related.length + 1);
      if (!first) return { kind: 'error', error: unreadable('one answer for each part') };
      const account = judgeOne('account', first, salesforceObjects.account.read);
      if (!isRecord(account)) return { kind: 'error', error: account };
      const lists: [string, { readonly results: Page['results']; readonly more: boolean }][] = [];
      for (const [at, { object, list }] of related.entries()) {
        const page = listOf(object, rest[at] ?? null);
        if (page.kind === 'error') return page;
        const { results } = page.data;
        lists.push([list, { results: results.slice(0, limit), more: results.length > limit }]);
      }
      return { kind: 'ok', data: { ...account, ...Object.fromEntries(lists) } };
    },
  };
}

function listOf(object: SalesforceObject, answer: HttpAnswer | null): ReturnType<typeof pageOf> {
  if (!answer) return { kind: 'error', error: unreadable('one answer for each part') };
  return pageOf(object, answer, salesforceObjects[object].read, true);
}
