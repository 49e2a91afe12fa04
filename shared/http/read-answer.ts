import type { IncomingMessage } from 'node:http';
import type { HttpAnswer } from '../model/operation.ts';
import type { HttpFault } from './result.ts';

/**
 * Reads a whole answer as text, once. Longer than `maxBytes`, cut off, compressed or not UTF-8: a fault, never a part.
 * @param then called exactly once
 */
export function readAnswer(
  response: IncomingMessage,
  maxBytes: number,
  then: (read: HttpAnswer | HttpFault) => void,
): void {
  const chunks: Buffer[] = [];
  let bytes = 0;
  let done = false;
  const finish = (read: HttpAnswer | HttpFault): void => {
    if (done) return;
    done = true;
    then(read);
  };
  const tooLarge: HttpFault = { code: 'response_too_large', message: `The answer is longer than ${maxBytes} bytes.` };
  if (Number(response.headers['content-length'] ?? 0) > maxBytes) {
    finish(tooLarge);
    return;
  }
  response.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > maxBytes) finish(tooLarge);
    else chunks.push(chunk);
  });
  // A cut-off answer ends with an error and a close, never with `end`.
  response.on('error', () => finish({ code: 'connection_lost', message: 'The answer was cut off.' }));
  response.on('close', () => finish({ code: 'connection_lost', message: 'The answer was cut off.' }));
  response.on('end', () => {
    const encoding = response.headers['content-encoding'] ?? 'identity';
    const bodyText = encoding === 'identity' ? textOf(Buffer.concat(chunks)) : null;
    if (bodyText === null) return finish({ code: 'unreadable_answer', message: 'The answer is not plain UTF-8 text.' });
    finish({ status: response.statusCode ?? 0, headers: headersOf(response), bodyText });
  });
}

function textOf(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
}

/** Lower-case names; a repeated header is joined. Cookies are dropped: nothing here keeps a session. */
function headersOf(response: IncomingMessage): Record<string, string> {
  const out: Record<string, string> = {};
  for (const [name, value] of Object.entries(response.headers)) {
    if (value === undefined || name === 'set-cookie') continue;
    out[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  return out;
}
