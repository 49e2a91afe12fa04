// The process of one function instance: loads the built bundle once, then runs one invocation after the other.
// It lives as long as the channel to the deployment: when that process dies, however it dies, this one ends too.
import { pathToFileURL } from 'node:url';

process.on('disconnect', () => process.exit(0));
// Ctrl-C reaches the whole process group; the deployment decides when an instance stops.
process.on('SIGINT', () => undefined);

const entry = process.argv[2] ?? '';
const handlerName = process.argv[3] ?? 'handler';

function report(message) {
  if (process.connected) process.send?.(message);
}

function describe(error) {
  const known = error instanceof Error;
  if (known && error.stack) console.error(error.stack);
  return { errorType: known ? error.name : 'Error', errorMessage: known ? error.message : String(error) };
}

function contextOf(message) {
  const name = process.env.AWS_LAMBDA_FUNCTION_NAME;
  return {
    awsRequestId: message.requestId,
    functionName: name,
    functionVersion: '$LATEST',
    invokedFunctionArn: `arn:aws:lambda:${process.env.AWS_REGION}:000000000000:function:${name}`,
    memoryLimitInMB: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: `/aws/lambda/${name}`,
    logStreamName: 'local',
    callbackWaitsForEmptyEventLoop: true,
    getRemainingTimeInMillis: () => Math.max(0, message.deadlineMs - Date.now()),
  };
}

async function run(handler, message) {
  try {
    const result = await handler(message.event, contextOf(message));
    report({ kind: 'returned', requestId: message.requestId, payload: JSON.stringify(result ?? null) });
  } catch (error) {
    report({ kind: 'threw', requestId: message.requestId, ...describe(error) });
  }
}

try {
  const module = await import(pathToFileURL(entry).href);
  const handler = module[handlerName];
  if (typeof handler !== 'function') throw new TypeError(`${entry} does not export ${handlerName}`);
  process.on('message', (message) => void run(handler, message));
  report({ kind: 'ready' });
} catch (error) {
  report({ kind: 'init_failed', ...describe(error) });
  process.exitCode = 1;
  process.disconnect?.();
}
