/**
 * Any HTML tree into blocks that survive Campfire's sanitiser. Everything is built anew from a short list of elements,
 * none of the tree's classes, ids or styles is taken over: scripts of the page act on classes, and a model's text must
 * not look like a mention, a button or another message.
 */
import type { Element, ElementContent } from 'hast';
import { type Block, numberedList, stacked, textBlock } from './blocks.ts';
import { codeElement, codeOf } from './code.ts';
import { inlineContent, trimmed, type Wording } from './inline.ts';
import { linkTarget } from './links.ts';
import { attribute, element, type Node, text, textOf } from './nodes.ts';
import { tableBlocks } from './table.ts';

const flowTags = new Set(
  (
    'address article aside blockquote body caption center dd details dialog dir div dl dt fieldset figcaption figure ' +
    'footer form h1 h2 h3 h4 h5 h6 head header hgroup hr html legend li listing main menu nav ol optgroup option p ' +
    'plaintext pre script search section select style summary table tbody td textarea tfoot th thead title ' +
    'tr ul xmp'
  ).split(' '),
);

/** Deeper nesting is shown as text: more would overflow the stack here or in a reader's browser. */
const nestingMax = 60;

interface Context {
  words: Wording;
  /** Elements with a block somewhere inside. */
  flow: ReadonlySet<Node>;
  depth: number;
}

/** The blocks of a tree. No text of it is left out; formatting that Campfire cannot show is. */
export function composeBlocks(nodes: readonly Node[], words: Wording): Block[] {
  const flow = new Set<Node>();
  for (const node of nodes) markFlow(node, flow);
  return blocksOf(nodes, { words, flow, depth: 0 });
}

function markFlow(node: Node, flow: Set<Node>): boolean {
  if (node.type !== 'element') return false;
  let found = flowTags.has(node.tagName);
  for (const child of node.children) found = markFlow(child, flow) || found;
  if (found) flow.add(node);
  return found;
}

function blocksOf(nodes: readonly Node[], context: Context): Block[] {
  const blocks: Block[] = [];
  let line: Node[] = [];
  const endLine = () => {
    const content = trimmed(inlineContent(line, context.words));
    if (content.length > 0) blocks.push(textBlock(content));
    line = [];
  };
  for (const node of nodes) {
    if (node.type === 'element' && context.flow.has(node)) {
      endLine();
      blocks.push(...blocksOfElement(node, { ...context, depth: context.depth + 1 }));
    } else {
      line.push(node);
    }
  }
  endLine();
  return blocks;
}

function blocksOfElement(node: Element, context: Context): Block[] {
  if (context.depth > nestingMax) return [textBlock([text(textOf([node]))])];
  switch (node.tagName) {
    case 'h1':
    case 'h2':
      return headingBlocks(node, 'h3', context);
    case 'h3':
      return headingBlocks(node, 'h4', context);
    case 'h4':
    case 'h5':
    case 'h6':
    case 'summary':
    case 'caption':
    case 'legend':
    case 'dt':
      return headingBlocks(node, 'strong', context);
    case 'blockquote':
      return quoteBlocks(node, context);
    case 'ul':
    case 'menu':
    case 'dir':
    case 'ol':
      return listBlocks(node, context);
    case 'pre':
    case 'listing':
    case 'plaintext':
    case 'script':
    case 'style':
    case 'textarea':
    case 'xmp':
      return codeBlocks(node);
    case 'hr':
      return [{ kind: 'rule', element: element('hr') }];
    case 'table':
      return tableBlocks(node, context.words, (nodes) => blocksOf(nodes, context));
    default:
      return flowTags.has(node.tagName) ? blocksOf(node.children, context) : wrappedBlocks(node, context);
  }
}

function headingBlocks(node: Element, tag: string, context: Context): Block[] {
  return blocksOf(node.children, context).map((block) => {
    if (block.kind !== 'text') return block;
    const { children } = block.element;
    const heading = tag === 'strong' ? element('div', [element('strong', children)]) : element(tag, children);
    return { kind: 'heading', element: heading };
  });
}

function quoteBlocks(node: Element, context: Context): Block[] {
  const blocks = blocksOf(node.children, context);
  if (blocks.length === 0) return [];
  return [{ kind: 'quote', element: element('blockquote', contentOf(blocks)) }];
}

function listBlocks(list: Element, context: Context): Block[] {
  const items: Element[] = [];
  let loose: Node[] = [];
  const endLoose = () => {
    const blocks = blocksOf(loose, context);
    if (blocks.length > 0) items.push(element('li', contentOf(blocks)));
    loose = [];
  };
  for (const child of list.children) {
    if (child.type === 'element' && child.tagName === 'li') {
      endLoose();
      items.push(element('li', contentOf(blocksOf(child.children, context))));
    } else {
      loose.push(child);
    }
  }
  endLoose();
  if (items.length === 0) return [];
  const start = Number.parseInt(attribute(list, 'start') || '1', 10);
  const ordered = list.tagName === 'ol';
  return [{ kind: 'list', element: ordered ? numberedList(items, start) : element('ul', items) }];
}

/** One line of text, with lists below it, stands directly in its item or quote; anything else is stacked. */
function contentOf(blocks: Block[]): ElementContent[] {
  const [first, ...rest] = blocks;
  if (first?.kind === 'text' && rest.every(({ kind }) => kind === 'list')) {
    return [...first.element.children, ...rest.map((block) => block.element)];
  }
  return stacked(blocks);
}

function codeBlocks(node: Element): Block[] {
  const { code, language } = codeOf(node);
  return code.trim() === '' ? [] : [{ kind: 'code', element: codeElement(code, language) }];
}

/** A mark or a link around whole blocks is put around the lines inside them. */
function wrappedBlocks(node: Element, context: Context): Block[] {
  const blocks = blocksOf(node.children, context);
  const wrap = (content: ElementContent[]) => inlineContent([{ ...node, children: content }], context.words);
  const lines = blocks.filter(({ kind }) => kind === 'text');
  for (const { element: line } of lines) line.children = wrap(line.children);
  const target = linkTarget(attribute(node, 'href'));
  if (lines.length > 0 || node.tagName !== 'a' || target.kind !== 'link') return blocks;
  return [...blocks, textBlock(wrap([text(target.href)]))];
}
