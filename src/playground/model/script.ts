import type { Behaviour, Heard, Reply } from './behaviour.ts';
import { slowCharactersPerSecond } from './behaviour.ts';
import { fileBehaviours } from './files.ts';
import { code, lists, longRead, soup, story, table } from './texts.ts';
import { troubles } from './troubles.ts';

/**
 * What the scripted model does, by words in the newest message. The list is what the chat page offers and explains,
 * what docs/playground.md tells, and what the tests prove.
 */

const secondsMax = 600;
const seconds = /\b(?:for )?(\d+) seconds?\b|(\d+)\s*秒/i;
const toolsForSeconds = /\btools?\b.*\b\d+ seconds?\b|工具.*秒/i;
const remembering = /^(?:please )?remember\b|记住/i;

/** The first behaviour that fits wins; a plain answer when none does. */
export function behaviourFor(heard: Pick<Heard, 'text'>): Behaviour {
  return behaviours.find(({ when }) => when.test(heard.text)) ?? plain;
}

const plain: Behaviour = {
  title: 'Say hello',
  text: 'Hello! What can you do?',
  shows: 'An answer from a real claude process that belongs to this room.',
  group: 'First',
  featured: 1,
  when: /(?!)/,
  reply: ({ author, room, text }) => ({
    say: `Hello ${author}! ${room === null ? 'Just the two of us here' : `Good to see you in ${room}`}. You wrote: “${text.slice(0, 200)}”.\n\nI am a scripted stand-in for Claude, so that you can try everything offline. Try one of the suggestions.`,
  }),
};

const first: readonly Behaviour[] = [
  {
    title: 'Repeat something',
    text: 'Repeat: **bold**, List<String> and 你好',
    shows: 'Whatever follows the colon is the answer, Markdown and all.',
    group: 'Looks',
    when: /^(?:please )?repeat:/i,
    reply: ({ text }) => ({ say: text.replace(/^(?:please )?repeat:\s*/i, '') || ' ' }),
  },
  plain,
  {
    title: 'Remember something',
    text: 'Remember the harbour code is heron',
    shows: 'Memory: ask for it afterwards, also after the session was closed for being idle.',
    group: 'First',
    featured: 2,
    when: remembering,
    reply: ({ text }) => ({
      say: /\p{Script=Han}/u.test(text) ? '好的，我记住了。' : 'Noted, I will remember that.',
    }),
  },
  {
    title: 'Ask what it remembers',
    text: 'What did I tell you?',
    shows: 'The session comes back with its memory, even after a restart of the service.',
    group: 'First',
    featured: 3,
    when: /what (?:did I tell you|do you remember)|你记得什么/i,
    reply({ earlier }) {
      const told = earlier.filter((text) => remembering.test(text));
      if (told.length === 0) return { say: 'You have not told me anything to remember yet.' };
      return { say: `You told me:\n\n${told.map((text) => `- ${text}`).join('\n')}` };
    },
  },
];

const long: readonly Behaviour[] = [
  {
    title: 'A crash in the middle',
    text: 'Write slowly for 5 seconds, whatever happens to you',
    shows:
      'The agent’s process is killed (kill -9) while it answers. The session is resumed; the answer arrives.',
    group: 'Long',
    featured: 10,
    when: /whatever happens/i,
    reply: slowly,
    pace: 'slow',
    meanwhile: { act: 'kill', afterSeconds: 2 },
  },
  {
    title: 'Stop it',
    text: 'Write slowly for 30 seconds, until I stop you',
    shows: 'Three seconds later “stop” is sent: the running turn ends, and nothing else does.',
    group: 'Long',
    featured: 9,
    when: /until I stop you/i,
    reply: slowly,
    pace: 'slow',
    meanwhile: { act: 'say', text: 'stop', afterSeconds: 3 },
  },
  {
    title: 'Work for a while',
    text: 'Use tools for 12 seconds',
    shows: 'One tool call a second (one long command if the bot may use Bash): a turn with many steps.',
    group: 'Long',
    when: toolsForSeconds,
    reply: work,
    pace: 'step',
  },
  {
    title: 'Watch it write',
    text: 'Tell me something for 8 seconds',
    shows: 'Words that arrive over as many seconds as you say; other conversations go on meanwhile.',
    group: 'First',
    featured: 4,
    when: /\bslowly\b|\bfor \d+ seconds?\b|慢慢|\d+\s*秒/i,
    reply: slowly,
    pace: 'slow',
  },
];

const looks: readonly Behaviour[] = [
  {
    title: 'A table in Chinese',
    text: '请给我一个中文表格',
    shows: 'Tables do not exist in Campfire: aligned columns arrive instead.',
    group: 'Looks',
    featured: 7,
    when: /表格|\btable\b/i,
    reply: () => ({ say: `以下是统计：\n\n${table}` }),
  },
  {
    title: 'Some code',
    text: 'Show me some code',
    shows: 'Code that Campfire highlights, and angle brackets that survive.',
    group: 'Looks',
    featured: 8,
    when: /\bcode\b|代码/i,
    reply: () => ({ say: code }),
  },
  {
    title: 'Lists and quotes',
    text: 'Show me a list and a quote',
    shows: 'Nested lists, tasks and quotes the way Campfire writes them.',
    group: 'Looks',
    when: /\blist\b.*\bquote\b|列表/i,
    reply: () => ({ say: lists }),
  },
  {
    title: 'Markup soup',
    text: 'Show me raw HTML soup',
    shows: 'Tags that Campfire would swallow with their content arrive as text.',
    group: 'Looks',
    when: /\bhtml\b/i,
    reply: () => ({ say: soup }),
  },
  {
    title: 'A very long answer',
    text: 'Give me a huge answer',
    shows: 'More than a room should hold: an outline in the room, the whole as a file.',
    group: 'Looks',
    when: /\bhuge\b|很长/i,
    reply: () => ({ say: longRead(40_000) }),
    pace: 'rush',
  },
  {
    title: 'An empty answer',
    text: 'Say nothing at all',
    shows: 'Silence becomes a sentence.',
    group: 'Looks',
    when: /say nothing/i,
    reply: () => ({ say: ' ' }),
  },
];

const questions: readonly Behaviour[] = [
  {
    title: 'Who are you?',
    text: 'Who are you?',
    shows: 'The first line of the bot’s prompt; edit the bot’s file and ask again.',
    group: 'First',
    when: /who are you|你是谁/i,
    reply: ({ prompt }) => ({ say: `My prompt begins: “${prompt.split('\n')[0]}”` }),
  },
  {
    title: 'What day is it?',
    text: 'What is the date?',
    shows: 'Date and time travel with each message, so they never go stale.',
    group: 'First',
    when: /what (?:is the date|day is it)|几号/i,
    reply: ({ when }) => ({ say: `It is ${when}.` }),
  },
];

/** The order decides: what stands first is asked first. */
export const behaviours: readonly Behaviour[] = [
  ...first,
  ...troubles,
  ...long,
  ...fileBehaviours,
  ...looks,
  ...questions,
];

function slowly({ text }: Heard): Reply {
  return { say: story(secondsIn(text, 8) * slowCharactersPerSecond) };
}

/** As many tool calls as seconds, the last second being the answer's; a single long one where there is a shell. */
function work({ text, tools, toolResults }: Heard): Reply {
  const duration = secondsIn(text, 12);
  const done = toolResults.length;
  if (tools.includes('Bash')) {
    if (done > 0) return { say: `I waited for ${duration} seconds in a shell.` };
    // Not `sleep` alone: the CLI takes that for a wait which it refuses.
    const command = `timeout ${duration} tail -f /dev/null; echo waited`;
    return { call: 'Bash', with: { command, description: 'Wait', timeout: (duration + 30) * 1000 } };
  }
  if (done + 1 < duration) {
    if (done === 0) return { call: 'Write', with: { file_path: 'log.txt', content: 'One step a second.\n' } };
    return {
      call: done % 2 ? 'Read' : 'Glob',
      with: done % 2 ? { file_path: 'log.txt' } : { pattern: '*.txt' },
    };
  }
  return { say: `I worked for ${duration} seconds and took ${done} step${done === 1 ? '' : 's'}.` };
}

function secondsIn(text: string, otherwise: number): number {
  const found = seconds.exec(text);
  return Math.min(secondsMax, Math.max(1, Number(found?.[1] ?? found?.[2] ?? otherwise)));
}
