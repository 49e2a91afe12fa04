import { loseAnAnswer, type Shown, scenes } from './demo/scenes.ts';
import { openWorld, runId, type World } from './demo/world.ts';

/** `npm run demo`: tells the story against the running code and fails where a claim does. */
async function demo(world: World): Promise<boolean> {
  const results: Shown[] = [];
  const found = await loseAnAnswer(world);
  for (const [i, scene] of scenes.entries()) results.push(show(i + 1, scene.title, await scene.play(world)));
  results.push(show(scenes.length + 1, 'Killed after HubSpot committed', await found()));
  console.log(`\nThe run, as an operator sees it:\n\n${await world.operator(`/v1/runs/${runId}`, 'text/plain')}`);
  return results.every(({ ok }) => ok);
}

function show(n: number, title: string, shown: Shown): Shown {
  console.log(`${n}  ${title.padEnd(30)} ${shown.figures.padEnd(54)} ${shown.ok ? 'ok' : 'FAILED'}`);
  return shown;
}

let world: World | null = null;
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => void world?.close().finally(() => process.exit(130)));
try {
  console.log(
    'Plumbline on this machine, with a simulated HubSpot and real processes, queues and HTTP between them.\n',
  );
  world = await openWorld();
  const ok = await demo(world);
  if (!ok) process.exitCode = 1;
} finally {
  await world?.close();
}
