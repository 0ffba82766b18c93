/** Files at the end of a message: a button each, and a line that says what it is. */
import type { ElementContent } from 'hast';
import { type Block, textBlock } from './blocks.ts';
import { attribute, element, text } from './nodes.ts';

export interface FileLink {
  title: string;
  /** Name, size, how long: one line of text. */
  details: string;
  /** Where the button leads. */
  href: string;
  /** A second link behind the details. */
  other: { label: string; href: string } | null;
}

export interface MessageFiles {
  links: readonly FileLink[];
  /** A line below them. */
  remark: string | null;
}

/** Blocks for the files that `blocks` do not link to already. `btn` is a class of Campfire's own page. */
export function fileBlocks({ links, remark }: MessageFiles, blocks: readonly Block[]): Block[] {
  const linked = new Set(blocks.flatMap(({ element: { children } }) => addressesIn(children)));
  const missing = links.filter(({ href, other }) => !linked.has(href) && !linked.has(other?.href ?? href));
  return [
    ...missing.map(blockOf),
    ...(remark === null ? [] : [textBlock([element('small', [text(remark)])])]),
  ];
}

function blockOf({ title, details, href, other }: FileLink): Block {
  const more = other ? [text(' · '), element('a', [text(other.label)], { href: other.href })] : [];
  return textBlock([
    element('div', [element('a', [text(title)], { className: ['btn'], href })]),
    element('div', [element('small', [text(details), ...more])]),
  ]);
}

function addressesIn(nodes: readonly ElementContent[]): string[] {
  return nodes.flatMap((node) => {
    if (node.type !== 'element') return [];
    const href = node.tagName === 'a' ? attribute(node, 'href') : '';
    return [...(href === '' ? [] : [href]), ...addressesIn(node.children)];
  });
}
