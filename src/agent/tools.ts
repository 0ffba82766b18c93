import { z } from 'zod';
import type { Refusal } from '../downloads/kept.ts';

/**
 * The tools that every bot has: to hand people a file. Here is what the model reads of them and what it hears back;
 * the SDK's wrapping is in sdk.ts, what a call does belongs to the turn that runs (see `TurnHooks`).
 */

/** Their MCP server's name; the model sees the tools as `mcp__campfire__save_file` and so on. */
export const toolServer = 'campfire';

export type ToolCall =
  | { tool: 'save_file'; path: string; filename: string | null; title: string | null }
  | { tool: 'save_html_presentation'; html: string; filename: string; title: string }
  | { tool: 'attach_file'; path: string; filename: string | null };

/** What the model is told of its call. */
export interface ToolAnswer {
  text: string;
  isError: boolean;
}

export interface BotTool {
  name: ToolCall['tool'];
  description: string;
  shape: z.ZodRawShape;
  /** @throws ZodError when the arguments do not fit `shape`. */
  read(args: unknown): ToolCall;
}

const filePath = z
  .string()
  .describe('A regular file in your working folder, relative to it or with its whole path.');
const filename = z.string().describe('What people see as its name, with the extension.');
const title = z.string().describe('What the button says: a few words, in the language of the conversation.');

const saveFile = z.object({
  file_path: filePath,
  filename: filename.optional(),
  title: title.optional(),
});
const savePresentation = z.object({
  html_content: z
    .string()
    .describe(
      'A complete HTML document with <meta charset="utf-8">, its styles and scripts inline and its pictures as data: addresses.',
    ),
  filename,
  title,
});
const attachFile = z.object({ file_path: filePath, filename: filename.optional() });

export const botTools: readonly BotTool[] = [
  {
    name: 'save_file',
    description:
      'Shares a file of your working folder with the people in the room: a button that opens or downloads it is put below your answer. Use it for whatever you made that people want to have; they cannot see your folder. The file is copied now: share it when it is finished.',
    shape: saveFile.shape,
    read(args) {
      const given = saveFile.parse(args);
      return {
        tool: 'save_file',
        path: given.file_path,
        filename: given.filename ?? null,
        title: given.title ?? null,
      };
    },
  },
  {
    name: 'save_html_presentation',
    description:
      'Shares a page that you write here (a report, a chart, slides): a button that opens it in the browser is put below your answer. The page is shown on its own: it loads nothing from other addresses, sends nothing and cannot be part of another page, so put everything into it. To be able to edit it later, write it into a file of your working folder instead and share that with save_file.',
    shape: savePresentation.shape,
    read(args) {
      const given = savePresentation.parse(args);
      return {
        tool: 'save_html_presentation',
        html: given.html_content,
        filename: given.filename,
        title: given.title,
      };
    },
  },
  {
    name: 'attach_file',
    description:
      'Posts a file of your working folder into the room as an attachment, behind your answer: best for pictures, which are shown at once, and for files that should stay in the room. The file is copied now: attach it when it is finished.',
    shape: attachFile.shape,
    read(args) {
      const given = attachFile.parse(args);
      return { tool: 'attach_file', path: given.file_path, filename: given.filename ?? null };
    },
  },
];

/** What came of a call. */
export type ToolOutcome =
  | {
      kind: 'linked';
      name: string;
      url: string;
      /** When the link ends, in words: `until 16:40`. */
      until: string;
      /** Names of earlier files of this room whose links ended to make room. */
      ended: readonly string[];
      /** Addresses that the page refers to and that its readers' browsers will not load. */
      notLoaded: readonly string[];
    }
  /** `no-links`: the service has no address for links, so that the file is attached instead. */
  | { kind: 'attached'; name: string; because: 'asked' | 'no-links' }
  | { kind: 'refused'; refusal: Refusal }
  | { kind: 'no-turn' };

/** The outcome in words that the model can act on and pass on. */
export function answerFor(outcome: ToolOutcome): ToolAnswer {
  switch (outcome.kind) {
    case 'linked':
      return told(
        `Shared as ${outcome.name}, ${outcome.until}. The button goes below your answer by itself, so do not write the link unless you need it inside a sentence; then copy it exactly: ${outcome.url}`,
        outcome.ended.length > 0 &&
          `To make room, the links to these earlier files of this conversation have ended: ${outcome.ended.join(', ')}. The room is told.`,
        outcome.notLoaded.length > 0 &&
          `The page refers to ${outcome.notLoaded.join(', ')}, which browsers will not load here. If it needs that, put it into the page and share it again under the same name.`,
      );
    case 'attached':
      return told(
        `${outcome.name} will be posted as an attachment behind your answer.`,
        outcome.because === 'no-links' &&
          'There is no link to it, because the administrator has not set PUBLIC_URL.',
      );
    case 'refused':
      return { text: refusalWords(outcome.refusal), isError: true };
    case 'no-turn':
      return { text: 'No message is being answered, so there is nobody to give a file to.', isError: true };
  }
}

function told(...sentences: Array<string | false>): ToolAnswer {
  return { text: sentences.filter((sentence) => sentence !== false).join(' '), isError: false };
}

function refusalWords(refusal: Refusal): string {
  switch (refusal.kind) {
    case 'missing':
      return 'There is no such file in your working folder.';
    case 'outside':
      return 'Only files inside your own working folder can be shared. Copy it there first, if you may read it.';
    case 'folder':
      return 'That is a folder. Share a single file; pack several into an archive.';
    case 'special':
      return 'That is not a regular file, so it cannot be shared.';
    case 'hard-linked':
      return 'That file also has another name somewhere (a hard link), so it cannot be shared. Copy it to a new file and share the copy.';
    case 'unreadable':
      return 'That file cannot be read.';
    case 'too-large':
      return `That file is larger than ${refusal.maxMegabytes} MB, the most that may be shared. Make it smaller or split it.`;
    case 'secret':
      return 'That file contains a key or password of this service, so it must not be shared. Remove it first.';
    case 'failed':
      return 'The file could not be stored, for a reason on the side of this service. Tell people so.';
    case 'full':
      return 'There is no room for another file at the moment. Tell people to ask again later, or the administrator.';
  }
}
