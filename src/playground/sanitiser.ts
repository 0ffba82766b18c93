/**
 * What Campfire's page shows of a message body: the pipeline of its message helper, step by step. It shares no
 * code with the reply renderer on purpose: a renderer checked by its own rules would prove nothing.
 *
 * Not modelled: the two content filters that tidy link previews, and widths of fonts.
 */
import type { Element, ElementContent, Root } from 'hast';
import { toString as textOf } from 'hast-util-to-string';
import { type AttachmentContext, showAttachment } from './sanitiser/attachments.ts';
import { autoLink } from './sanitiser/auto-link.ts';
import { parseFragment, parseWithRawClasses, serialise } from './sanitiser/fragment.ts';
import { plainTextOf } from './sanitiser/plain-text.ts';
import { visibleTextOf } from './sanitiser/visible-text.ts';

/** An element that Campfire removed together with everything inside it. */
export interface LostElement {
  tag: string;
  text: string;
}

/** One `pre` of the page and what highlight.js will make of it. */
export interface CodeBlock {
  text: string;
  /** A registered language, `guess` when it has no class, or `none` when it stays uncoloured. */
  highlighting: string;
}

export interface ShownBody {
  /** The HTML inside the message bubble, links of the auto-linker included. */
  html: string;
  /** What a reader sees of it: white space collapsed outside `pre`, one line per block and `<br>`. */
  text: string;
  /** What the page does not show although it was in the body. */
  lost: LostElement[];
  /** Shown at 2.4 times the size. */
  emojiOnly: boolean;
  /** The body is `/play <sound>`: a sound player is shown instead of the text. */
  sound?: string;
  code: CodeBlock[];
}

const shownTags = new Set(
  (
    'a abbr acronym address b big blockquote br cite code dd del dfn div dl dt em h1 h2 h3 h4 h5 h6 hr i ins kbd ' +
    'li ol p pre samp small span strong sub sup time tt ul var action-text-attachment figure figcaption'
  ).split(' '),
);

/** Unwrapped by the second pass, whose list has `img` but none of the rich text elements. */
const unwrappedTags = new Set(['figure', 'figcaption', 'action-text-attachment']);

/** Names as hast writes them: `className` is the attribute `class`. */
const shownProperties = new Set(
  'href title className lang dateTime cite abbr name alt src width height'.split(' '),
);

const attachmentProperties = new Set(
  'sgid content-type content url href filename filesize width height previewable presentation caption'.split(
    ' ',
  ),
);

const linkingProperties = new Set(['href', 'src', 'cite']);
const safeSchemes = new Set(['http', 'https', 'mailto', 'tel']);

const emoji = /^(?:[\p{Emoji_Presentation}\p{Extended_Pictographic}]|\uFE0F)+$/u;
const playCommand = /^\/play (?<sound>[A-Za-z0-9_]+)$/;

/** highlight.js languages that Campfire registers, with their aliases. */
const registeredLanguages = new Set(
  (
    'bash sh zsh css diff patch go golang java jsp javascript js jsx mjs cjs json jsonc python py gyp ipython ' +
    'ruby rb gemspec podspec thor irb rust rs sql xml html xhtml rss atom xjb xsd xsl plist wsf svg'
  ).split(' '),
);

/**
 * The page's view of a stored body. Never throws on broken HTML, which is parsed as a browser would.
 * Facts: campfire.md §4.
 */
export function showBody(storedHtml: string, context: AttachmentContext): ShownBody {
  const tree = parseWithRawClasses(storedHtml);
  const lost: LostElement[] = [];
  removeForbidden(tree, lost);
  scrubAttributes(tree);
  renderAttachments(tree, context);
  unwrapForSecondPass(tree);
  const html = autoLink(serialise(tree));
  const shown = parseFragment(html);
  const plain = plainTextOf(storedHtml, context);
  const sound = playCommand.exec(plain)?.groups?.sound;
  return {
    html,
    text: visibleTextOf(shown),
    lost,
    emojiOnly: emoji.test(plain),
    ...(sound === undefined ? {} : { sound }),
    code: codeBlocksOf(shown),
  };
}

function removeForbidden(parent: Root | Element, lost: LostElement[]): void {
  const kept: ElementContent[] = [];
  for (const child of parent.children) {
    if (child.type === 'text') kept.push(child);
    if (child.type !== 'element') continue;
    if (shownTags.has(child.tagName)) {
      removeForbidden(child, lost);
      kept.push(child);
    } else {
      const hidden = child.content === undefined ? '' : textOf(child.content);
      lost.push({ tag: child.tagName, text: textOf(child) + hidden });
    }
  }
  parent.children = kept;
}

function scrubAttributes(parent: Root | Element): void {
  for (const child of parent.children) {
    if (child.type !== 'element') continue;
    const isAttachment = child.tagName === 'action-text-attachment';
    for (const [name, value] of Object.entries(child.properties)) {
      const allowed = shownProperties.has(name) || (isAttachment && attachmentProperties.has(name));
      if (!allowed || (linkingProperties.has(name) && !hasSafeScheme(String(value)))) {
        delete child.properties[name];
      }
    }
    scrubAttributes(child);
  }
}

function hasSafeScheme(url: string): boolean {
  const bare = Array.from(url)
    .filter((character) => !isIgnoredInScheme(character))
    .join('')
    .toLowerCase();
  const scheme = /^([a-z0-9][-+.a-z0-9]*)(?::|%3a|&#0*58|&#x0*3a)/.exec(bare)?.[1];
  return scheme === undefined || safeSchemes.has(scheme);
}

function isIgnoredInScheme(character: string): boolean {
  const code = character.codePointAt(0) ?? 0;
  return code <= 0x20 || (code >= 0x7f && code <= 0x101) || character === '`';
}

function renderAttachments(parent: Root | Element, context: AttachmentContext): void {
  parent.children = parent.children.map((child) => {
    if (child.type !== 'element') return child;
    if (child.tagName === 'action-text-attachment') return showAttachment(child, context);
    renderAttachments(child, context);
    return child;
  });
}

function unwrapForSecondPass(parent: Root | Element): void {
  const children: ElementContent[] = [];
  for (const child of parent.children) {
    if (child.type === 'element') {
      unwrapForSecondPass(child);
      if (unwrappedTags.has(child.tagName)) {
        children.push(...child.children);
        continue;
      }
      dropAttachmentProperties(child);
    }
    if (child.type !== 'doctype') children.push(child);
  }
  parent.children = children;
}

function dropAttachmentProperties(element: Element): void {
  for (const name of Object.keys(element.properties)) {
    if (!shownProperties.has(name)) delete element.properties[name];
  }
}

function codeBlocksOf(parent: Root | Element): CodeBlock[] {
  return parent.children.flatMap((child) => {
    if (child.type !== 'element') return [];
    if (child.tagName !== 'pre') return codeBlocksOf(child);
    return [{ text: textOf(child), highlighting: highlightingOf(child) }, ...codeBlocksOf(child)];
  });
}

function highlightingOf(pre: Element): string {
  if (!pre.children.every((child) => child.type === 'text')) return 'none';
  const classes = pre.properties.className ?? [];
  const language = classes.map((name) => /^lang(?:uage)?-([\w-]+)$/.exec(name)?.[1]).find(Boolean);
  if (language !== undefined) return registeredLanguages.has(language) ? language : 'none';
  return classes.some((name) => /^no-?highlight$/i.test(name)) ? 'none' : 'guess';
}
