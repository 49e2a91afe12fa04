import { isDeepStrictEqual } from 'node:util';

/**
 * Runs named checks one after the other, says of each whether it holds, and ends the process with 1 where one does not.
 * @param {string} client the client that is pointed at a simulator
 * @param {Record<string, () => Promise<unknown>>} checks each resolves to true, or to `[found, expected]`
 * @param {() => Promise<void>} close ends the simulator
 */
export async function check(client, checks, close) {
  let failed = 0;
  for (const [name, run] of Object.entries(checks)) {
    const result = await run().catch((error) => error);
    const ok = result === true || (Array.isArray(result) && isDeepStrictEqual(result[0], result[1]));
    if (!ok) failed += 1;
    console.log(`${ok ? 'ok    ' : 'not ok'} ${client}: ${name}${ok ? '' : ` ${told(result)}`}`);
  }
  await close();
  process.exitCode = failed === 0 ? 0 : 1;
}

function told(result) {
  if (result instanceof Error) return `${result.name}: ${result.message}`.slice(0, 400);
  return JSON.stringify(result).slice(0, 400);
}
