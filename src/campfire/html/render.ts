/**
 * A model's answer as the messages that a room shows. Invariants:
 * 1. No text disappears in Campfire's sanitiser, and no text of the answer is left out before.
 * 2. Every body is one `div` that carries the caller's marker as a class.
 * 3. Nothing of the answer becomes a mention, a class, a sound or an embedded picture.
 * 4. Rendering never throws, and takes a bounded time.
 */

import type { ElementContent } from 'hast';
import rehypeStringify from 'rehype-stringify';
import { unified } from 'unified';
import { type Block, stacked, textBlock } from './blocks.ts';
import { codeElement } from './code.ts';
import { composeBlocks } from './compose.ts';
import { type DeadLinks, takeOutDeadLinks, textWithoutDeadLinks } from './dead-links.ts';
import { fileBlocks, type MessageFiles } from './files.ts';
import { parseMarkdown } from './markdown.ts';
import { element, sizeInHtml, text, textOf } from './nodes.ts';
import { outlineOf } from './outline.ts';
import { mentionType } from './read.ts';
import { splitBlocks } from './split.ts';
import { escapeHtml, repairText, withoutEmptyEdges } from './text.ts';

export type RenderedReply =
  /** `readAs` is `text` when the answer could not be parsed as Markdown and is shown as it was written. */
  | { kind: 'messages'; bodies: string[]; readAs: 'markdown' | 'text' }
  /** Too long for a room: `bodies` announce it, the caller attaches `markdown` as a file. */
  | { kind: 'file'; bodies: string[]; markdown: string }
  /** Nothing visible: the caller says so in a sentence. */
  | { kind: 'empty'; bodies: [] };

export interface RenderOptions {
  /** The class of the outermost element of part 0, 1, …: letters, digits, `-` and `_`. */
  marker: (part: number) => string;
  /** Of the few words that the renderer adds. */
  language: 'en' | 'zh-CN';
  /** A genuine signed id (see mentions.ts) of somebody to be notified of the first message; null for nobody. */
  mention?: string | null;
  /** Put below the answer, unless it links to them itself. */
  files?: MessageFiles;
  /** Are taken out of the answer. */
  deadLinks?: DeadLinks;
}

/** Of text, in one message. */
const messageMaxCharacters = 8_000;
/** Of Markdown; beyond it the answer is a file. */
const roomMaxCharacters = 30_000;
/** Of HTML, in all messages; beyond it the answer is a file. */
const htmlMaxCharacters = 512_000;

/**
 * A line break inside this tag is what keeps code whole. Campfire's auto-linker looks for an unclosed tag at the end
 * of any line before an address, and then takes the address for a part of that tag. Without the break it would put
 * links into code, which costs the highlighting, and would garble an address that is followed by `>`. The answer's own
 * links are explicit, and nothing invisible gets into what people copy. The class is there for operators' CSS.
 */
const houseClass = 'ai-reply\n';

const wording = {
  en: {
    image: 'image',
    deadLink: '(invalid link)',
    inFile: (characters: number) =>
      `This answer is long (${characters.toLocaleString('en')} characters), so it is in the attached file.`,
    moreSections: (count: number) => `… and ${count} more sections.`,
  },
  'zh-CN': {
    image: '图片',
    deadLink: '（无效链接）',
    inFile: (characters: number) => `这个回答很长（${characters.toLocaleString('en')} 个字符），全文见附件。`,
    moreSections: (count: number) => `……另有 ${count} 节。`,
  },
};

const stringifier = unified()
  .use(rehypeStringify, { characterReferences: { useNamedReferences: true } })
  .freeze();

/**
 * The answer as bodies to be posted in order. Facts that shape it: campfire.md §4. Links keep their targets, pictures
 * become links, tables become columns or rows of text, long answers become numbered messages.
 */
export function renderReply(markdown: string, options: RenderOptions): RenderedReply {
  const answer = withoutEmptyEdges(repairText(markdown));
  if (answer.length > roomMaxCharacters) return fileOf(answer, options);
  const { blocks, readAs } = blocksOf(answer, options);
  if (!fitsRoom(blocks)) return fileOf(answer, options);
  if (!blocks.some(isVisible)) blocks.length = 0;
  if (blocks.length === 0 && !hasFiles(options.files)) return { kind: 'empty', bodies: [] };
  return { kind: 'messages', bodies: bodiesOf(blocks, options), readAs };
}

function fileOf(answer: string, options: RenderOptions): RenderedReply {
  const words = wording[options.language];
  const markdown = withoutDeadLinks(answer, options);
  const outline = blocksOf(outlineOf(markdown, words), options).blocks;
  const blocks = fitsRoom(outline) ? outline : [textBlock([text(words.inFile(markdown.length))])];
  return { kind: 'file', bodies: bodiesOf(blocks, options), markdown };
}

function fitsRoom(blocks: readonly Block[]): boolean {
  return sizeInHtml(blocks.map((block) => block.element)) <= htmlMaxCharacters;
}

/** One sentence of the service itself as a message; its line breaks are kept, everything else is text. */
export function plainNotice(
  sentence: string,
  marker: string,
  { mention = null, files }: { mention?: string | null; files?: MessageFiles | undefined } = {},
): string {
  const lines = repairText(sentence).split('\n');
  const content = lines.flatMap((line, index) => (index === 0 ? [text(line)] : [element('br'), text(line)]));
  return bodyOf([textBlock(content), ...(files ? fileBlocks(files, []) : [])], marker, mention);
}

function blocksOf(answer: string, options: RenderOptions): { blocks: Block[]; readAs: 'markdown' | 'text' } {
  const { language, deadLinks } = options;
  try {
    const tree = parseMarkdown(answer);
    if (tree !== undefined) {
      if (deadLinks) takeOutDeadLinks(tree, deadLinks, wording[language].deadLink);
      return { blocks: composeBlocks(tree.children, wording[language]), readAs: 'markdown' };
    }
  } catch {
    // A parser that stumbles, mostly over nesting, must not cost the answer.
  }
  const clean = withoutDeadLinks(answer, options);
  return { blocks: [{ kind: 'code', element: codeElement(clean, undefined) }], readAs: 'text' };
}

function withoutDeadLinks(answer: string, { deadLinks, language }: RenderOptions): string {
  return deadLinks ? textWithoutDeadLinks(answer, deadLinks, wording[language].deadLink) : answer;
}

function hasFiles(files: MessageFiles | undefined): boolean {
  return files !== undefined && files.links.length > 0;
}

function isVisible({ element: block, kind }: Block): boolean {
  return kind === 'rule' || /[^\s\p{Cf}]/u.test(textOf([block]));
}

function bodiesOf(blocks: Block[], { marker, mention, files }: RenderOptions): string[] {
  const messages = splitBlocks(blocks, messageMaxCharacters);
  if (messages.length === 0) messages.push([]);
  if (files) messages.at(-1)?.push(...fileBlocks(files, blocks));
  return messages.map((message, part) => {
    const numbered = messages.length > 1 ? [numberBlock(part + 1, messages.length), ...message] : message;
    return bodyOf(numbered, marker(part), part === 0 ? mention : null);
  });
}

function numberBlock(number: number, total: number): Block {
  return { ...textBlock([element('small', [text(`(${number}/${total})`)])]), kind: 'heading' };
}

function bodyOf(blocks: Block[], marker: string, mention: string | null = null): string {
  const content = stacked(blocks);
  if (wouldBecomeEffect(textOf(content))) addInvisibleText(content);
  if (mention !== null) address(content, blocks[0], mentionOf(mention));
  const html = stringifier.stringify({ type: 'root', children: content });
  return `<div class="${escapeHtml(marker)} ${houseClass}">${html}</div>`;
}

function mentionOf(sgid: string): ElementContent {
  return element('action-text-attachment', [], { sgid, 'content-type': mentionType });
}

/** The way people do it: in front of the first words, on a line of its own above anything but plain lines. */
function address(content: ElementContent[], first: Block | undefined, mention: ElementContent): void {
  const line = first?.element.children ?? [];
  const tagOf = (node: ElementContent | undefined) => (node?.type === 'element' ? node.tagName : '');
  const isNumber = tagOf(line[0]) === 'small';
  const isHeaded = tagOf(line[0]) === 'strong' && line.some((node) => tagOf(node) === 'br');
  if ((first?.kind === 'text' && !isHeaded) || isNumber) line.unshift(mention, text(' '));
  else content.unshift(element('div', [mention]));
}

/** Campfire plays a body of `/play <sound>`, and shows one of nothing but emoji at more than twice the size. */
function wouldBecomeEffect(content: string): boolean {
  return (
    /^\s*\/play \w+\s*$/.test(content) ||
    // Most emoji are of both kinds: as alternatives they would be tried in 2^n ways.
    /^(?:[\p{Emoji_Presentation}\p{Extended_Pictographic}\s]|\ufe0f)+$/u.test(content)
  );
}

/** A no-break space after the last line, outside of code: enough to be no effect, harmless when copied. */
function addInvisibleText(content: ElementContent[]): void {
  const last = content.at(-1);
  const inside =
    last?.type === 'element' && ['div', 'blockquote'].includes(last.tagName) ? last.children : undefined;
  if (inside === undefined) content.push(text('\u00a0'));
  else addInvisibleText(inside);
}
