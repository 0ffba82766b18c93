import type { Behaviour, Heard, Reply } from './behaviour.ts';
import { csv, slides } from './texts.ts';

const saveFile = 'mcp__campfire__save_file';
const savePresentation = 'mcp__campfire__save_html_presentation';
const attachFile = 'mcp__campfire__attach_file';

/** Files: written, read, and handed to the room by the bot tools, where the service offers them. */
export const fileBehaviours: readonly Behaviour[] = [
  {
    title: 'A file with its button',
    text: 'Make me a report to download',
    shows: 'The bot writes a file and shares it: the answer ends in a button that downloads it.',
    group: 'Files',
    featured: 6,
    when: /\breport\b|\bdownload\b|报表|下载/i,
    reply: (heard) =>
      handOver(heard, saveFile, { file_path: 'harbours.csv', title: 'Harbours' }, 'The report is ready.'),
  },
  {
    title: 'A presentation',
    text: 'Make me a presentation',
    shows: 'A page that opens in the browser, sandboxed.',
    group: 'Files',
    when: /\bpresentation\b|演示/i,
    reply: (heard) =>
      callOnce(
        heard,
        savePresentation,
        { html_content: slides, filename: 'harbour.html', title: 'The harbour' },
        'The presentation is ready.',
      ),
  },
  {
    title: 'An attachment',
    text: 'Attach the list of harbours',
    shows: 'A native attachment of Campfire, posted behind the answer.',
    group: 'Files',
    when: /\battach\b|附件/i,
    reply: (heard) => handOver(heard, attachFile, { file_path: 'harbours.csv' }, 'Here it is.'),
  },
  {
    title: 'Use a tool',
    text: 'Write a note into a file and read it back',
    shows: 'Tool calls in the conversation’s own working folder, step by step.',
    group: 'Files',
    featured: 5,
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
    title: 'Something it may not do',
    text: 'Use bash, please',
    shows: 'A tool that the bot’s file does not name is refused at once.',
    group: 'Files',
    when: /\bbash\b/i,
    reply({ toolResults }) {
      if (toolResults.length === 0) return { call: 'Bash', with: { command: 'id', description: 'Who am I' } };
      return { say: `The answer to my attempt was: ${withoutTags(toolResults[0] ?? '')}` };
    },
  },
];

/** Writes harbours.csv, then gives it to `tool`. */
function handOver(heard: Heard, tool: string, input: Record<string, unknown>, success: string): Reply {
  if (heard.toolResults.length === 0) {
    return { call: 'Write', with: { file_path: 'harbours.csv', content: csv } };
  }
  return callOnce({ ...heard, toolResults: heard.toolResults.slice(1) }, tool, input, success);
}

/** Calls `tool`, or says that it is not offered; then reports success, or what the tool said against it. */
function callOnce(heard: Heard, tool: string, input: Record<string, unknown>, success: string): Reply {
  const name = tool.replace(/^mcp__\w+?__/, '');
  if (!heard.tools.includes(tool)) {
    return { say: `I would hand it over with \`${name}\`, but this service does not offer me that tool.` };
  }
  const [result] = heard.toolResults;
  if (result === undefined) return { call: tool, with: input };
  if (/error|refus|cannot|not allowed|too large/i.test(result)) {
    return { say: `\`${name}\` answered: ${withoutTags(result)}` };
  }
  return { say: success };
}

function withoutTags(text: string): string {
  return text.replace(/<[^>]*>/g, '').slice(0, 200);
}
