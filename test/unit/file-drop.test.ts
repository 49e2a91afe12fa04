import { afterEach, describe, expect, it } from 'vitest';
import type { PlumblineConfig } from '../../shared/config/schema.ts';
import { parseActionId } from '../../shared/model/ids.ts';
import { type FileWorld, fileWorld } from '../kit/portal-files.ts';

let files: FileWorld;
afterEach(() => files.close());

const key = 'files/purchase-orders/2026-11-20.csv';
const head = 'article,pieces,deliver_to,wanted_on,po_number,remark';
const row = (n: number, pieces = 1, article = '100007') => `${article},${pieces},,2026-12-01,PO-${n},`;
const csv = (...rows: readonly string[]) => `${[head, ...rows].join('\r\n')}\r\n`;
const many = (count: number, from = 0) => Array.from({ length: count }, (_, i) => row(from + i));

/** The shipped source without what names its rows. */
const withoutRowKey = (config: PlumblineConfig): PlumblineConfig => {
  const { rowKey: _none, ...source } = config.files['purchase-orders'] ?? ({} as never);
  return { ...config, files: { 'purchase-orders': source } };
};

describe('rows of a dropped file', () => {
  it('are carried out once each, in their order, as the agent of the source', async () => {
    files = await fileWorld();
    files.drops.drop(key, csv(...many(5)));
    await files.round();
    await files.round();
    expect(files.orders().map(({ properties }) => properties.quantity)).toEqual([1, 1, 1, 1, 1]);
    expect(files.cursor()).toMatchObject({ phase: 'done', rows: 5, bad: 0, line: 7 });
    for (const { key: reference } of files.orders()) {
      expect(await files.world.store.get(parseActionId(reference ?? '')?.key ?? '')).toMatchObject({
        ...{
          principal: 'agent:purchase-order-files',
          workflow: 'purchase-orders',
          state: 'SUCCEEDED',
          occasion: 'ever',
        },
        runId: `file:purchase-orders:${files.cursor()?.contentHash?.slice(0, 16)}`,
      });
    }
    expect(files.cases()).toEqual([]);
  });

  it('that come again in another file are known by what names them', async () => {
    files = await fileWorld();
    files.drops.drop(key, csv(row(1), row(2)));
    await files.round();
    files.clock.advance(40 * 86_400_000);
    files.drops.drop('files/purchase-orders/later.csv', csv(row(2), row(3)));
    await files.round();
    expect(files.orders()).toHaveLength(3);
  });

  it('that come again with other values are told, and nothing is changed', async () => {
    files = await fileWorld();
    files.drops.drop(key, csv(row(1, 2)));
    await files.round();
    files.drops.drop('files/purchase-orders/later.csv', csv(row(1, 3)));
    await files.round();
    expect(files.orders()).toHaveLength(1);
    expect(files.cases()[0]?.detail).toContain('line 2: it was done before with other values');
  });

  it('without a name of their own are their file and line: equal rows are two, a file that comes twice is one', async () => {
    files = await fileWorld(withoutRowKey);
    files.drops.drop(key, csv(row(1), row(1)));
    await files.round();
    expect(files.orders()).toHaveLength(2);
    files.drops.drop('files/purchase-orders/copy-of-it.csv', csv(row(1), row(1)));
    files.clock.advance(40 * 86_400_000);
    await files.round();
    expect(files.orders()).toHaveLength(2);
    files.drops.drop('files/purchase-orders/corrected.csv', csv(row(1), row(1), row(1)));
    await files.round();
    expect(files.orders()).toHaveLength(5);
  });

  it('that are bad go to one case with their lines, and hold up no other', async () => {
    files = await fileWorld();
    const bad = ['100007,x,,,PO-10,', '999999,1,,,PO-11,', 'short', '7,1,,,PO-12,', '100007,1,,,,'];
    files.drops.drop(key, csv(row(1), ...bad, row(2)));
    await files.round();
    expect(files.orders()).toHaveLength(2);
    expect(files.cases()).toHaveLength(1);
    const [opened] = files.cases();
    expect(opened).toMatchObject({ reason: 'file_bad_rows', owner: 'revops', facts: { rows: 7, bad: 5 } });
    const lines = [...(opened?.detail ?? '').matchAll(/^line (\d+): (.*)$/gm)].map(([, line, why]) => [
      Number(line),
      why,
    ]);
    expect(lines.map(([line]) => line)).toEqual([3, 4, 5, 6, 7]);
    expect(lines.map(([, why]) => String(why).split(/[:(]/)[0]?.trim())).toEqual([
      '"pieces" is no number',
      'system_rejected',
      'it has 1 cells, and the first line has 6',
      'invalid_input',
      'what names it is empty',
    ]);
    await files.round();
    expect(files.cases()).toHaveLength(1);
  });

  it('that are bad in great number are all kept, in objects that name each other', async () => {
    files = await fileWorld();
    files.drops.drop(key, csv(...Array.from({ length: 250 }, (_, i) => `100007,x,,,PO-${i},`)));
    await files.round();
    expect(files.cases()[0]?.detail).toContain('… and 200 more.');
    const found: number[] = [];
    for (let at = files.cursor()?.badObject ?? null; at !== null; ) {
      const held = await files.world.payloads.get(at);
      const { previous, bad } = JSON.parse(new TextDecoder().decode(held ?? undefined));
      found.unshift(...bad.map(({ line }: { line: number }) => line));
      at = previous;
    }
    expect(found).toEqual(Array.from({ length: 250 }, (_, i) => i + 2));
  });
});

describe('a file that cannot be read', () => {
  it.each([
    ['an unknown column', 'article,pieces,price\n1,2,3\n', 'column 3 has a name that is not known'],
    ['a missing column', 'article,remark\n1,2\n', 'the column "po_number" is missing'],
    ['another encoding', `\ufeff${head}`, 'UTF-16'],
  ])('because of %s goes to one case, and no row of it is carried out', async (what, text, why) => {
    files = await fileWorld();
    files.drops.drop(key, what === 'another encoding' ? Buffer.from(text, 'utf16le') : text);
    await files.round();
    await files.round();
    expect(files.cases()).toHaveLength(1);
    expect(files.cases()[0]).toMatchObject({ reason: 'file_stopped' });
    expect(files.cases()[0]?.detail).toContain(why);
    expect(files.orders()).toEqual([]);
  });

  it('from a quote that is not closed: what came before is done, the rest is told with its lines', async () => {
    files = await fileWorld();
    files.drops.drop(key, csv(row(1), '100007,"1,,,PO-2,', row(3), row(4)));
    await files.round();
    expect(files.orders()).toHaveLength(1);
    expect(files.cases()[0]?.detail).toContain('line 3: up to line 5, a quote is not closed');
  });

  it('from a row that is too long on is stopped there', async () => {
    files = await fileWorld();
    files.drops.drop(key, csv(row(1), `100007,"${'9\n'.repeat(60_000)}`));
    await files.round();
    expect([files.orders().length, files.cursor()?.phase]).toEqual([1, 'stopped']);
    expect(files.cases()[0]).toMatchObject({ reason: 'file_stopped', title: `${key} cannot be read from line 3 on` });
  });

  it('that is empty, or a folder, is nothing', async () => {
    files = await fileWorld();
    files.drops.drop(key, '');
    files.drops.drop('files/purchase-orders/', '');
    files.drops.drop('files/elsewhere/x.csv', csv(row(1)));
    await files.round();
    expect([files.orders(), files.cases()]).toEqual([[], []]);
  });

  it('with a byte order mark is read like any other', async () => {
    files = await fileWorld();
    files.drops.drop(key, `\ufeff${csv(row(1))}`);
    await files.round();
    expect(files.orders()).toHaveLength(1);
  });
});

it('a case never names a person, whatever the file is called', async () => {
  files = await fileWorld();
  files.drops.drop('files/purchase-orders/for maria@example.com.csv', csv('100007,x,,,PO-1,'));
  await files.round();
  expect(files.cases()).toHaveLength(1);
  expect(JSON.stringify(files.cases())).not.toContain('maria');
});
