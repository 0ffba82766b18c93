/** Changes to the Markdown tree before it becomes HTML: what HTML cannot say, and what it would drop. */
import type {
  Blockquote,
  Definition,
  FootnoteDefinition,
  Html,
  Link,
  Paragraph,
  PhrasingContent,
  Root,
  RootContent,
  Text,
} from 'mdast';
import { SKIP, visit } from 'unist-util-visit';
import { withOnlyRealTags } from './raw-html.ts';

/** Ends a bare URL that stands in Chinese or Japanese text without a space after it. */
const cjkPunctuation =
  /[\u3000-\u303f\uff00-\uff0f\uff1a-\uff20\uff3b-\uff3d\uff5b-\uff65\u2018-\u201f\u2026]/;

const addressInCjk = new RegExp(`(https?://(?:(?!${cjkPunctuation.source})[^\\s<>"])+)`);

/** The HTML parser holds back text inside an unclosed table until another token comes. */
const flush: Html = { type: 'html', value: '<!-- end -->' };

/** A remark plugin. `source` of the file is needed to tell a bare URL from a written link. */
export function prepareTree() {
  return (tree: Root, file: { value: unknown }) => {
    const source = String(file.value);
    keepUnusedDefinitions(tree);
    placeFootnotes(tree);
    tree.children.push({ ...flush });
    visit(tree, (node, index, parent) => {
      if (node.type === 'html') {
        node.value = withOnlyRealTags(node.value);
      } else if (node.type === 'code' && node.value === '') {
        // Prose after a fence that nobody meant: with code below it, it would name the language.
        node.value = [node.lang, node.meta].filter(Boolean).join(' ');
      } else if (node.type === 'blockquote') {
        nameAlert(node);
      } else if (parent !== undefined && index !== undefined) {
        const replacement = replacementOf(node, source);
        if (replacement === undefined) return undefined;
        (parent.children as RootContent[]).splice(index, 1, ...replacement);
        return [SKIP, index + replacement.length];
      }
      return undefined;
    });
  };
}

/** GitHub's alerts begin with `[!NOTE]` on a line of its own: a bold word, here. */
function nameAlert({ children: [first] }: Blockquote): void {
  const start = first?.type === 'paragraph' ? first.children[0] : undefined;
  if (first?.type !== 'paragraph' || start?.type !== 'text') return;
  const kind = /^\[!(NOTE|TIP|IMPORTANT|WARNING|CAUTION)\][ \t]*(?:\n|$)/i.exec(start.value);
  if (!kind?.[1]) return;
  const name = kind[1].charAt(0).toUpperCase() + kind[1].slice(1).toLowerCase();
  const rest: Text = { type: 'text', value: start.value.slice(kind[0].length) };
  first.children.splice(0, 1, { type: 'strong', children: [{ type: 'text', value: name }] });
  if (rest.value !== '') first.children.splice(1, 0, { type: 'break' }, rest);
}

function replacementOf(node: RootContent | Root, source: string): PhrasingContent[] | undefined {
  if (node.type === 'text' && node.value.includes('\n')) return linesOf(node);
  if (node.type === 'link' && node.children.length === 0) {
    return [{ ...node, children: [{ type: 'text', value: node.url }] }];
  }
  if (node.type === 'link' && isBareUrl(node, source)) return withoutTrailingProse(node);
  return undefined;
}

/** A line break that somebody writes in a chat is meant, although Markdown takes it for a space. */
function linesOf(text: Text): PhrasingContent[] {
  return text.value
    .split('\n')
    .flatMap((line, index): PhrasingContent[] => [
      ...(index === 0 ? [] : [{ type: 'break' as const }]),
      { type: 'text', value: line },
    ]);
}

function isBareUrl(link: Link, source: string): boolean {
  const start = link.position?.start.offset;
  return start === undefined ? link.children.length === 1 : !/[<[]/.test(source[start] ?? '');
}

function withoutTrailingProse(link: Link): PhrasingContent[] | undefined {
  const label = link.children[0];
  if (label?.type !== 'text') return undefined;
  const end = label.value.search(cjkPunctuation);
  if (end <= 0) return undefined;
  const prose = label.value.slice(end);
  const target = link.url.slice(0, link.url.search(cjkPunctuation));
  return [
    { ...link, url: target, children: [{ type: 'text', value: label.value.slice(0, end) }] },
    ...withLinks(prose),
  ];
}

/** What the first of several addresses in such a sentence had swallowed holds the others. */
function withLinks(prose: string): PhrasingContent[] {
  return prose.split(addressInCjk).map((part, index): PhrasingContent => {
    const text: Text = { type: 'text', value: part };
    return index % 2 === 0 ? text : { type: 'link', url: part, children: [text] };
  });
}

/** HTML has no place for a definition that no link uses: it becomes a line of text with its address. */
function keepUnusedDefinitions(tree: Root): void {
  const used = new Set<string>();
  visit(tree, (node) => {
    if (node.type === 'linkReference' || node.type === 'imageReference') used.add(node.identifier);
  });
  visit(tree, 'definition', (node, index, parent) => {
    if (parent === undefined || index === undefined || used.delete(node.identifier)) return undefined;
    parent.children[index] = lineOf(node);
    return [SKIP, index + 1];
  });
}

function lineOf(definition: Definition): Paragraph {
  const { url, title } = definition;
  return {
    type: 'paragraph',
    children: [
      { type: 'text', value: `[${definition.label ?? definition.identifier}]: ` },
      { type: 'link', url, children: [{ type: 'text', value: url }] },
      { type: 'text', value: title ? ` ${title}` : '' },
    ],
  };
}

/**
 * Footnotes are numbered by first use and stand at the end, after a rule. Campfire drops the ids that would lead
 * from one to the other, so both are plain `[1]`.
 */
function placeFootnotes(tree: Root): void {
  const numbers = new Map<string, number>();
  visit(tree, 'footnoteReference', (node, index, parent) => {
    if (parent === undefined || index === undefined) return undefined;
    const number = numbers.get(node.identifier) ?? numbers.size + 1;
    numbers.set(node.identifier, number);
    parent.children[index] = { type: 'text', value: `[${number}]` };
    return [SKIP, index + 1];
  });
  const notes: FootnoteDefinition[] = [];
  visit(tree, 'footnoteDefinition', (node, index, parent) => {
    if (parent === undefined || index === undefined) return undefined;
    parent.children.splice(index, 1);
    notes.push(node);
    return [SKIP, index];
  });
  if (notes.length === 0) return;
  const numberOf = ({ identifier }: FootnoteDefinition) => numbers.get(identifier) ?? Number.MAX_SAFE_INTEGER;
  notes.sort((a, b) => numberOf(a) - numberOf(b));
  tree.children.push({ type: 'thematicBreak' }, ...notes.flatMap((note) => noteLines(note, numbers)));
}

function noteLines(note: FootnoteDefinition, numbers: Map<string, number>): RootContent[] {
  const mark: Text = {
    type: 'text',
    value: `[${numbers.get(note.identifier) ?? note.label ?? note.identifier}] `,
  };
  const [first, ...rest] = note.children;
  if (first?.type === 'paragraph') return [{ ...first, children: [mark, ...first.children] }, ...rest];
  return [{ type: 'paragraph', children: [mark] }, ...note.children];
}
