import type { Behaviour, Reply } from './behaviour.ts';
import { story } from './texts.ts';

const errorTypes: Readonly<Record<number, string>> = {
  401: 'authentication_error',
  429: 'rate_limit_error',
  500: 'api_error',
  529: 'overloaded_error',
};
const errorsInARow = /\berror (\d{3}) (once|twice|(\d+) times)/i;

function failure(status: number): Reply {
  return { fail: status, type: errorTypes[status] ?? 'api_error', message: `Scripted ${status}` };
}

/** What can go wrong between an agent and its model. */
export const troubles: readonly Behaviour[] = [
  {
    title: 'Two errors, then an answer',
    text: 'Answer with error 529 twice',
    shows: 'The agent asks again by itself; the room only notices that it takes a little longer.',
    group: 'Trouble',
    when: errorsInARow,
    reply({ text, askedBefore }) {
      const [, status = '529', words = '', times] = errorsInARow.exec(text) ?? [];
      const failures = Number(times ?? (words.toLowerCase() === 'once' ? 1 : 2));
      return askedBefore < failures
        ? failure(Number(status))
        : { say: `It worked at try number ${askedBefore + 1}.` };
    },
  },
  ...[
    { status: 529, what: 'an overloaded Claude' },
    { status: 429, what: 'a rate limit' },
    { status: 500, what: 'a server error' },
    { status: 401, what: 'a wrong API key' },
  ].map(
    ({ status, what }): Behaviour => ({
      title: `Error ${status}`,
      text: `Answer with error ${status}`,
      shows: `What the room hears of ${what} that lasts.`,
      group: 'Trouble',
      when: new RegExp(`\\berror ${status}\\b`, 'i'),
      reply: () => failure(status),
    }),
  ),
  {
    title: 'Prompt too long',
    text: 'Answer with prompt too long',
    shows: 'A history that does not fit any more.',
    group: 'Trouble',
    when: /prompt too long/i,
    reply: () => ({
      fail: 400,
      type: 'invalid_request_error',
      message: 'prompt is too long: 210000 tokens > 200000 maximum',
    }),
  },
  {
    title: 'A broken connection',
    text: 'Break off in the middle',
    shows: 'The connection to Claude’s API breaks while it answers; it is asked again.',
    group: 'Trouble',
    when: /break off/i,
    reply: () => ({ say: story(300) }),
    breaksOff: true,
  },
];
