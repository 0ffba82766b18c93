import { fileBehaviours } from './model-files.ts';

/**
 * What the scripted model does, by words in the newest message. The list is what the chat page offers and explains,
 * and what the tests prove.
 */

/** What a behaviour knows of the conversation. */
export interface Heard {
  /** Who speaks, from the line that the service puts before each message. */
  author: string;
  /** Null in a direct conversation. */
  room: string | null;
  /** When, as that line says it. */
  when: string;
  /** The newest message alone. */
  text: string;
  /** Every earlier message of people in this conversation, oldest first. */
  earlier: readonly string[];
  /** The bot's prompt, as far as the operator wrote it. */
  prompt: string;
  /** Names of the tools that the model may call. */
  tools: readonly string[];
  /** Results of the tool calls made for the newest message, oldest first. */
  toolResults: readonly string[];
}

export type Reply =
  | { say: string }
  | { call: string; with: Record<string, unknown> }
  | { fail: number; type: string; message: string };

export interface Behaviour {
  /** Short, for a button. */
  title: string;
  /** A message that shows it; works as it stands. */
  text: string;
  /** What one can see by it. */
  shows: string;
  when: RegExp;
  reply(heard: Heard): Reply;
  /** Seconds over which the answer is streamed; at once when absent. */
  paceSeconds?(heard: Heard): number;
  /** The connection breaks after some of the answer. */
  breaksOff?: true;
}

/** The first behaviour that fits wins; a plain answer when none does. */
export function behaviourFor(heard: Heard): Behaviour {
  return behaviours.find(({ when }) => when.test(heard.text)) ?? plain;
}

const story = `Harbours are built twice. First on paper, where every wave behaves, and then in the water, where none does.

The people who built this one began with the wall. It took four summers, two storms and one argument about granite.

Then came the light, and with the light came the boats.`;

const table = `| 港口 | 船只 | 长度 (米) | 备注 |
|---|---:|---:|---|
| 上海 | 128 | 399.9 | 最大 |
| 青岛 | 47 | 366 | 常年不冻 |
| 大连 | 31 | 294.13 | 冬季有冰 |`;

const code = `Both do the same:

\`\`\`python
def greet(names: list[str]) -> str:
    return ", ".join(f"Hello {name}" for name in names)
\`\`\`

\`\`\`ruby
puts %w[Ann Ben].map { |name| "Hello #{name}" }.join(", ")
\`\`\`

and \`List<String>\` survives, too.`;

const plain: Behaviour = {
  title: 'Say hello',
  text: 'Hello! What can you do?',
  shows: 'An answer from a real claude process that belongs to this room.',
  when: /(?!)/,
  reply: ({ author, room, text }) => ({
    say: `Hello ${author}! ${room === null ? 'Just the two of us here' : `Good to see you in ${room}`}. You wrote: “${text.slice(0, 200)}”.\n\nI am a scripted stand-in for Claude, so that you can try everything offline. Try one of the suggestions.`,
  }),
};

const long = (characters: number) => {
  let answer = '# A long answer\n\n';
  for (let part = 1; answer.length < characters; part++) answer += `## Part ${part}\n\n${story}\n\n`;
  return answer;
};

export const behaviours: readonly Behaviour[] = [
  {
    title: 'Remember something',
    text: 'Remember the harbour code is heron',
    shows: 'Memory: ask afterwards, also after the session was closed for being idle.',
    when: /^(?:please )?remember\b|记住/i,
    reply: ({ text }) => ({
      say: /\p{Script=Han}/u.test(text) ? '好的，我记住了。' : 'Noted, I will remember that.',
    }),
  },
  {
    title: 'Ask what it remembers',
    text: 'What did I tell you?',
    shows: 'The session comes back with its memory, even after a restart of the service.',
    when: /what (?:did I tell you|do you remember)|你记得什么/i,
    reply({ earlier }) {
      const told = earlier.filter((text) => /^(?:please )?remember\b|记住/i.test(text));
      if (told.length === 0) return { say: 'You have not told me anything to remember yet.' };
      return { say: `You told me:\n\n${told.map((text) => `- ${text}`).join('\n')}` };
    },
  },
  {
    title: 'Watch it write',
    text: 'Tell me something slowly',
    shows: 'A turn that takes a while: the room’s other conversations go on meanwhile.',
    when: /\bslowly\b|\bfor (\d+) seconds\b|慢慢/i,
    reply: () => ({ say: story }),
    paceSeconds: ({ text }) => Number(/\bfor (\d+) seconds\b/i.exec(text)?.[1] ?? 6),
  },
  {
    title: 'Use a tool',
    text: 'Write a note into a file and read it back',
    shows: 'Tool calls in the conversation’s own working folder, step by step.',
    when: /write .*(?:file|note)|several steps|写.*文件/i,
    reply({ toolResults }) {
      if (toolResults.length === 0)
        return { call: 'Write', with: { file_path: 'note.txt', content: 'The wall is 412 m long.\n' } };
      if (toolResults.length === 1) return { call: 'Read', with: { file_path: 'note.txt' } };
      return {
        say: `I wrote **note.txt** and read it back:\n\n> ${toolResults[1]?.split('\n')[0]?.replace(/^\s*\d+\s*/, '') ?? ''}`,
      };
    },
  },
  {
    title: 'A table in Chinese',
    text: '请给我一个中文表格',
    shows: 'Tables do not exist in Campfire: aligned columns arrive instead.',
    when: /表格|\btable\b/i,
    reply: () => ({ say: `以下是统计：\n\n${table}` }),
  },
  {
    title: 'Some code',
    text: 'Show me some code',
    shows: 'Code that Campfire highlights, and angle brackets that survive.',
    when: /\bcode\b|代码/i,
    reply: () => ({ say: code }),
  },
  {
    title: 'Lists and quotes',
    text: 'Show me a list and a quote',
    shows: 'Nested lists, tasks and quotes the way Campfire writes them.',
    when: /\blist\b.*\bquote\b|列表/i,
    reply: () => ({
      say: '1. Survey the wall\n   - north side\n   - south side\n2. Order granite\n\n- [x] permit\n- [ ] crane\n\n> Measure twice.\n\n~~Tomorrow~~ today.',
    }),
  },
  {
    title: 'Markup soup',
    text: 'Show me raw HTML soup',
    shows: 'Tags that Campfire would swallow with their content arrive as text.',
    when: /\bhtml\b/i,
    reply: () => ({
      say: '<table><tr><td>cell</td></tr></table> <u>under</u> <script>alert(1)</script> List<String> & more <b>bold',
    }),
  },
  {
    title: 'A very long answer',
    text: 'Give me a huge answer',
    shows: 'More than a room should hold: an outline in the room, the whole as a file.',
    when: /\bhuge\b|很长/i,
    reply: () => ({ say: long(40_000) }),
  },
  {
    title: 'An empty answer',
    text: 'Say nothing at all',
    shows: 'Silence becomes a sentence.',
    when: /say nothing/i,
    reply: () => ({ say: ' ' }),
  },
  {
    title: 'Who are you?',
    text: 'Who are you?',
    shows: 'The first line of the bot’s prompt; edit the bot’s file and ask again.',
    when: /who are you|你是谁/i,
    reply: ({ prompt }) => ({ say: `My prompt begins: “${prompt.split('\n')[0]}”` }),
  },
  {
    title: 'What day is it?',
    text: 'What is the date?',
    shows: 'Date and time travel with each message, so they never go stale.',
    when: /what (?:is the date|day is it)|几号/i,
    reply: ({ when }) => ({ say: `It is ${when}.` }),
  },
  {
    title: 'Something it may not do',
    text: 'Use bash, please',
    shows: 'A tool that the bot’s file does not name is refused at once.',
    when: /\bbash\b/i,
    reply({ toolResults }) {
      if (toolResults.length === 0) return { call: 'Bash', with: { command: 'id', description: 'Who am I' } };
      return {
        say: `The answer to my attempt was: ${toolResults[0]?.replace(/<[^>]*>/g, '').slice(0, 200)}`,
      };
    },
  },
  ...[
    { status: 529, type: 'overloaded_error', what: 'Claude is overloaded' },
    { status: 429, type: 'rate_limit_error', what: 'a rate limit' },
    { status: 500, type: 'api_error', what: 'a server error' },
    { status: 401, type: 'authentication_error', what: 'a wrong API key' },
  ].map(
    ({ status, type, what }): Behaviour => ({
      title: `Error ${status}`,
      text: `Answer with error ${status}`,
      shows: `What the room hears when Claude’s API answers with ${what}.`,
      when: new RegExp(`\\berror ${status}\\b`, 'i'),
      reply: () => ({ fail: status, type, message: `Scripted ${status}` }),
    }),
  ),
  {
    title: 'Prompt too long',
    text: 'Answer with prompt too long',
    shows: 'A history that does not fit any more.',
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
    when: /break off/i,
    reply: () => ({ say: story }),
    breaksOff: true,
  },
  ...fileBehaviours,
  plain,
];
