/** Names for the Markdown tokeniser's types, derived from what remark-parse registers, and its character codes. */

import type {} from 'remark-parse';
import type { Data } from 'unified';

/** A set of constructs, by the kind of content and the character code that they begin with. */
export type SyntaxExtension = NonNullable<Data['micromarkExtensions']>[number];
type ConstructRecord = NonNullable<SyntaxExtension['text']>;
export type Construct = Exclude<NonNullable<ConstructRecord[string]>, unknown[]>;
type Tokenizer = Construct['tokenize'];
export type Effects = Parameters<Tokenizer>[0];
export type State = Parameters<Tokenizer>[1];
/** A UTF-16 unit; negative for line ends and tabs; null at the end. */
export type Code = Parameters<State>[0];

export function isLineEnd(code: Code): code is number {
  return code !== null && code < -2;
}

export function isSpace(code: Code): code is number {
  return code === -2 || code === -1 || code === 32;
}

/** The character, `\n` for a line end, a space for any white space of Markdown, nothing at the end. */
export function characterOf(code: Code): string {
  if (code === null) return '';
  if (isLineEnd(code)) return '\n';
  return isSpace(code) ? ' ' : String.fromCharCode(code);
}

/** Takes one character as a token of its own: a line end, a space. */
export function takeAlone(effects: Effects, type: 'lineEnding' | 'whitespace', code: Code): void {
  effects.enter(type);
  effects.consume(code);
  effects.exit(type);
}
