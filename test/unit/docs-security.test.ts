import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { projectDir } from '../../infra/build.ts';
import { sourceText } from '../kit/sources.ts';

const page = sourceText('docs/security.md');
/** Every test that the page names, with the file it stands in: a file is said once for the titles behind it. */
const named = page.split('\n').flatMap((line) => {
  let file = '';
  return [...line.matchAll(/`(test\/[^`]+\.ts)`|(?<=[:;] )_(.+?)_(?=;| *\|)/g)].flatMap(([, path, title]) => {
    if (path !== undefined) file = path;
    return title === undefined ? [] : [{ file, title }];
  });
});

describe('docs/security.md', () => {
  it('names a test for every threat but one, which rests on the others', () => {
    const rows = page.split('\n').filter((line) => /^\| [A-Z]/.test(line));
    const withoutTest = rows.filter((row) => !row.includes('`test/')).map((row) => row.split('|')[1]?.trim());
    expect([rows.length > 50, withoutTest]).toEqual([true, ['A misled agent acts']]);
  });

  it('names tests that exist', () => {
    const missing = named.filter(({ file, title }) => {
      return !existsSync(`${projectDir}/${file}`) || !sourceText(file).includes(title);
    });
    expect([named.length > 80, missing]).toEqual([true, []]);
  });
});
