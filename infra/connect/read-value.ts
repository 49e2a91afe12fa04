import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import type { Question } from './secret-form.ts';

/** Where a person answers. `isTTY` false: everything that is piped in is one answer. */
export type Terminal = {
  readonly input: Readable & { readonly isTTY?: boolean };
  readonly output: Writable;
};

/** Longest value that is read, characters: Secrets Manager takes no longer one. */
const maxLength = 65_536;

/**
 * Asks for the parts of a secret. At a terminal each by itself, and nothing of a secret is echoed; else all of stdin is the
 * value, so that `npm run connect -- <system> < file` works. Nothing is ever taken from the command line.
 */
export async function readValue({ input, output }: Terminal, questions: readonly Question[]): Promise<string> {
  if (input.isTTY !== true) return readAll(input);
  const answers: Record<string, string> = {};
  for (const question of questions) {
    const said = await ask({ input, output }, question);
    answers[question.field] = question.kind === 'file' ? readFileSync(said, 'utf8') : said;
  }
  return questions.length === 1 ? (answers.value ?? '') : JSON.stringify(answers);
}

async function readAll(input: Readable): Promise<string> {
  let text = '';
  input.setEncoding('utf8');
  for await (const chunk of input) {
    text += chunk;
    if (text.length > maxLength) throw new Error('What is piped in is too long to be a credential.');
  }
  return text.trim();
}

/** One line. A secret is read with the echo off, which the terminal gets back whatever happens. */
function ask({ input, output }: Terminal, { asks, kind }: Question): Promise<string> {
  const isHidden = kind === 'secret';
  // readline echoes what is typed to its output: a secret's goes nowhere.
  const lines = createInterface({ input, terminal: isHidden, ...(isHidden ? {} : { output }) });
  return new Promise((resolve, reject) => {
    let said: string | null = null;
    lines.once('line', (line) => {
      said = line.trim();
      lines.close();
    });
    lines.once('SIGINT', () => lines.close());
    lines.once('close', () => {
      if (isHidden) output.write('\n');
      if (said === null) reject(new Error('Nothing was stored: the input ended.'));
      else resolve(said);
    });
    // Asked only once the echo is off.
    output.write(isHidden ? `${asks} (not shown): ` : `${asks}: `);
  });
}
