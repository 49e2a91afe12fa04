import { expect, it } from 'vitest';
import { connectorPage } from '../../infra/connector-table.ts';

it('docs/connectors.md lists the operations as the code has them; `npx node infra/connector-table.ts` writes them anew', () => {
  const { standing, due } = connectorPage();
  expect(standing).toBe(due);
});
