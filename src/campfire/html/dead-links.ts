/** Takes links out of a tree that must not stand in a message; the words around them stay. */
import type { Root, Text } from 'hast';
import { visit } from 'unist-util-visit';
import { attribute } from './nodes.ts';

/** Tells which addresses lead nowhere, as whole ones and within text. */
export interface DeadLinks {
  isDead(address: string): boolean;
  findIn(text: string): ReadonlyArray<{ start: number; end: number }>;
}

/** `word` stands where nothing but the address itself stood. */
export function takeOutDeadLinks(tree: Root, dead: DeadLinks, word: string): void {
  visit(tree, (node) => {
    if (node.type === 'text') node.value = textWithoutDeadLinks(node.value, dead, word);
    if (node.type !== 'element') return;
    for (const name of ['href', 'src', 'data', 'title', 'alt']) {
      const value = attribute(node, name);
      if (value === '') continue;
      if (dead.isDead(value)) delete node.properties[name];
      else if (name === 'title' || name === 'alt')
        node.properties[name] = textWithoutDeadLinks(value, dead, word);
    }
  });
}

export function textWithoutDeadLinks(text: Text['value'], dead: DeadLinks, word: string): string {
  let clean = '';
  let from = 0;
  for (const { start, end } of dead.findIn(text)) {
    clean += text.slice(from, start) + word;
    from = end;
  }
  return clean + text.slice(from);
}
