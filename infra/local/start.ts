const [major = 0] = process.versions.node.split('.').map(Number);
if (major < 24) {
  console.error(
    `Plumbline runs on Node 24 or newer; this is ${process.version}. "npm start" uses the Node that "npm ci" installed; ` +
      'where it installed none for this machine, install Node 24 and try again.',
  );
  process.exit(1);
}

// Imported after the check, so that an older Node gets the sentence above and not a syntax error.
const { run } = await import('./run.ts');
await run(process.argv.slice(2));

export {};
