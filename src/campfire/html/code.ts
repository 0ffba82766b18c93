/** Code blocks as Campfire highlights them: text alone in a `pre` whose class names a registered language. */
import type { Element } from 'hast';
import { attribute, element, preformattedText, text } from './nodes.ts';
import { withoutEmptyEdges } from './text.ts';

/** The names that Campfire's highlight.js knows, and near relatives whose colours fit. */
const languages = new Map(
  Object.entries({
    bash: 'bash sh zsh shell shellscript console shell-session',
    css: 'css',
    diff: 'diff patch',
    go: 'go golang',
    java: 'java jsp',
    javascript: 'javascript js jsx mjs cjs typescript ts tsx mts cts',
    json: 'json jsonc json5 jsonl',
    python: 'python py python3 ipython gyp',
    ruby: 'ruby rb gemspec podspec thor irb',
    rust: 'rust rs',
    sql: 'sql mysql postgres postgresql sqlite psql',
    xml: 'xml html xhtml rss atom xsd xsl plist svg vue',
  }).flatMap(([name, aliases]) => aliases.split(' ').map((alias): [string, string] => [alias, name])),
);

/** Elements whose text is source code wherever they stand. */
const sourceTags = new Map([
  ['script', 'javascript'],
  ['style', 'css'],
]);

/** The code block that a `pre`, or another element whose line breaks count, stands for. */
export function codeOf(node: Element): { code: string; language: string | undefined } {
  const inner = node.children.find((child) => child.type === 'element' && child.tagName === 'code');
  const classes = [node, inner].map((at) => (at?.type === 'element' ? attribute(at, 'className') : ''));
  const named = /(?:^|\s)lang(?:uage)?-(\S+)/.exec(classes.join(' '))?.[1];
  return {
    code: preformattedText(node.children),
    language: languages.get(named?.toLowerCase() ?? '') ?? sourceTags.get(node.tagName),
  };
}

/**
 * `code` in a `pre`. White space is part of it, except for empty lines around it: each HTML parser between here and
 * the page removes one line break after `<pre>`. Without a language highlight.js would guess, and colour prose.
 */
export function codeElement(code: string, language: string | undefined): Element {
  const className = [language === undefined ? 'nohighlight' : `language-${language}`];
  return element('pre', [text(withoutEmptyEdges(code))], { className });
}
