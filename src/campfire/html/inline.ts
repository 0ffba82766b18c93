/** Content within a line: what Campfire keeps of it, and the text of everything else. */
import type { Element, ElementContent } from 'hast';
import { fileNameIn, linkTarget } from './links.ts';
import { attribute, element, type Node, text, textOf } from './nodes.ts';
import { onOneLine, withoutTrailing } from './text.ts';

/** Words that the renderer has to add, in the bot's language. */
export interface Wording {
  image: string;
}

const keptTags = new Map([
  ['b', 'strong'],
  ['i', 'em'],
  ['s', 'del'],
  ['strike', 'del'],
  ...'strong em del ins sub sup small kbd samp var dfn cite abbr time code'
    .split(' ')
    .map((tag): [string, string] => [tag, tag]),
  ['tt', 'code'],
]);

const keptProperties = new Map([
  ['abbr', 'title'],
  ['time', 'dateTime'],
]);

const nestingMax = 50;

/** The nodes as Campfire keeps them. Line breaks become `<br>`; blocks among the nodes are taken as their content. */
export function inlineContent(nodes: readonly Node[], words: Wording): ElementContent[] {
  const content = nodes.flatMap((node) => converted(node, { words, inLink: false, depth: 0 }));
  return content.map((node, index) => (isBreak(content[index - 1]) ? withoutLeadingSpace(node) : node));
}

/** Without white space and breaks at both ends, which would show as empty lines. */
export function trimmed(content: readonly ElementContent[]): ElementContent[] {
  const nodes = [...content];
  while (isBlank(nodes[0])) nodes.shift();
  while (isBlank(nodes.at(-1))) nodes.pop();
  if (nodes[0] !== undefined) nodes[0] = withoutLeadingSpace(nodes[0]);
  const last = nodes.at(-1);
  if (last?.type === 'text')
    nodes[nodes.length - 1] = { ...last, value: withoutTrailing(last.value, ' \t\n') };
  return nodes;
}

interface Surroundings {
  words: Wording;
  inLink: boolean;
  depth: number;
}

function converted(node: Node, around: Surroundings): ElementContent[] {
  if (node.type === 'text') return [text(onOneLine(node.value))];
  if (node.type !== 'element') return [];
  if (around.depth > nestingMax) return [text(textOf([node]))];
  const inside = { ...around, depth: around.depth + 1 };
  const children = () => node.children.flatMap((child) => converted(child, inside));
  switch (node.tagName) {
    case 'br':
      return [element('br')];
    case 'a':
      return around.inLink ? children() : linkOf(node, { ...inside, inLink: true });
    case 'img':
    case 'video':
    case 'audio':
    case 'source':
    case 'iframe':
    case 'embed':
    case 'object':
      return [...mediaOf(node, around), ...children()];
    case 'input':
      return fieldOf(node);
    case 'q':
      return [text('“'), ...children(), text('”')];
    case 'code':
    case 'tt':
      return [element('code', [text(textOf([node]).replace(/\n/g, ' '))])];
    default:
      return markOf(node, children());
  }
}

function markOf(node: Element, children: ElementContent[]): ElementContent[] {
  const tag = keptTags.get(node.tagName);
  if (tag === undefined) return children;
  if (children.length === 0) return [];
  const property = keptProperties.get(tag);
  const value = property === undefined ? '' : attribute(node, property);
  return [element(tag, children, property === undefined || value === '' ? {} : { [property]: value })];
}

function linkOf(link: Element, inside: Surroundings): ElementContent[] {
  const content = link.children.flatMap((child) => converted(child, inside));
  const target = linkTarget(attribute(link, 'href'));
  const label = textOf(content).trim();
  switch (target.kind) {
    case 'none':
      return content;
    case 'note':
      return label === '' || label === target.address ? content : [...content, text(` (${target.address})`)];
    case 'link': {
      const title = attribute(link, 'title');
      if (label === '') return content;
      return [element('a', content, { href: target.href, ...(title === '' ? {} : { title }) })];
    }
  }
}

/** A link in the picture's place: an embedded one would make every reader's browser call a stranger's server. */
function mediaOf(media: Element, { words, inLink }: Surroundings): ElementContent[] {
  const address = attribute(media, 'src') || attribute(media, 'data');
  const name = attribute(media, 'alt') || attribute(media, 'title');
  const target = linkTarget(address);
  if (target.kind === 'none')
    return name === '' && media.tagName !== 'img' ? [] : [text(name || words.image)];
  if (target.kind === 'note') {
    return [text(name === '' || name === target.address ? target.address : `${name} (${target.address})`)];
  }
  const label = text(name || fileNameIn(target.href) || target.href);
  return inLink ? [label] : [element('a', [label], { href: target.href })];
}

function fieldOf(field: Element): ElementContent[] {
  const type = attribute(field, 'type').toLowerCase();
  if (type === 'checkbox') return [text(isSet(field, 'checked') ? '☑' : '☐')];
  if (type === 'radio') return [text(isSet(field, 'checked') ? '◉' : '○')];
  return type === 'hidden' ? [] : [text(attribute(field, 'value') || attribute(field, 'placeholder'))];
}

function isSet(field: Element, name: string): boolean {
  return field.properties[name] !== undefined && field.properties[name] !== false;
}

function isBlank(node: ElementContent | undefined): boolean {
  return node?.type === 'text' ? /^[ \t\n]*$/.test(node.value) : isBreak(node);
}

function isBreak(node: ElementContent | undefined): boolean {
  return node?.type === 'element' && node.tagName === 'br';
}

function withoutLeadingSpace(node: ElementContent): ElementContent {
  return node.type === 'text' ? text(node.value.replace(/^[ \t\n]+/, '')) : node;
}
