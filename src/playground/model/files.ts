import type { Behaviour, Heard, Reply } from './behaviour.ts';
import { boats, csv, lighthouse, slidesAbout } from './texts.ts';

const saveFile = 'mcp__campfire__save_file';
const savePresentation = 'mcp__campfire__save_html_presentation';
const attachFile = 'mcp__campfire__attach_file';

const sharing = /share the file (.+?)(?: with (its|a made-up) link)?$/i;
const attaching = /attach the file (.+)$/i;

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
    text: 'Make a presentation about the harbour',
    shows: 'A page that the bot wrote, one click away, shown in a sandbox.',
    group: 'Files',
    when: /\bpresentation\b|演示/i,
    reply(heard) {
      const about = /\p{Script=Han}/u.test(heard.text) ? '港口 季度报告' : 'The harbour';
      const input = { html_content: slidesAbout(about), filename: `${about}.html`, title: about };
      return callOnce(heard, savePresentation, input, 'Here are the slides. Click to turn the page.');
    },
  },
  {
    title: 'A file by its name',
    text: 'Make a list of boats and share the file boats.csv',
    shows: 'Any file of the working folder; ask for it “with its link” or “with a made-up link”, too.',
    group: 'Files',
    when: sharing,
    reply(heard) {
      const [, name = '', link] = sharing.exec(heard.text) ?? [];
      return passOn(heard, { name, content: boats, tool: saveFile }, (answer) => {
        const url = /https?:\S+/.exec(answer)?.[0];
        if (url === undefined) return `It did not work: ${answer}`;
        if (link === 'its') return `You find it [here](${url}).`;
        if (link === 'a made-up') return `You find it [here](${url.slice(0, -3)}abc), or at ${url}.html`;
        return 'I made the list.';
      });
    },
  },
  {
    title: 'A picture',
    text: 'Draw a lighthouse and attach the file lighthouse.svg',
    shows: 'Any file of the working folder as an attachment.',
    group: 'Files',
    when: attaching,
    reply(heard) {
      const [, name = ''] = attaching.exec(heard.text) ?? [];
      return passOn(heard, { name, content: lighthouse, tool: attachFile }, (answer) =>
        /will be posted/.test(answer) ? 'Here it comes.' : `It did not work: ${answer}`,
      );
    },
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

/** Writes the file if the message says what is in it, then hands it on, then tells what came of it. */
function passOn(
  { text, toolResults }: Heard,
  file: { name: string; content: string; tool: string },
  say: (answer: string) => string,
): Reply {
  const step = toolResults.length - (/^(?:make|draw)\b/i.test(text) ? 1 : 0);
  if (step < 0) return { call: 'Write', with: { file_path: file.name, content: file.content } };
  if (step === 0) return { call: file.tool, with: { file_path: file.name } };
  return { say: say(toolResults.at(-1) ?? '') };
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
