import { createInterface } from 'node:readline';
import { OperatorError } from '../lib/errors.ts';
import type { Ask } from './new-bot.ts';

/** Questions on standard output, answers from standard input, typed or piped, one line each. */
export function askOnTerminal(): { ask: Ask; close(): void } {
  const lines = createInterface({ input: process.stdin, terminal: false });
  const answers = lines[Symbol.asyncIterator]();
  return {
    async ask(question, proposed) {
      process.stdout.write(`${question}${proposed === '' ? '' : ` [${proposed}]`}: `);
      const { value, done } = await answers.next();
      if (done)
        throw new OperatorError('no_answer', 'The input ended before the last question.', 'Answer them all.');
      return value.trim() === '' ? proposed : value.trim();
    },
    close: () => lines.close(),
  };
}
