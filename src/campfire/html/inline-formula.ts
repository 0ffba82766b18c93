/**
 * Formulas within a line, which Campfire cannot typeset, as inline code without their delimiters: `$a_1$`, `$$…$$`,
 * `\(…\)`, `\[…\]`. Left alone, Markdown would take `_` and `*` in them for emphasis and `\(` for an escaped bracket.
 * Dollars are money until the text looks like a formula. The tokens have the names of Markdown's own code, so that
 * remark needs no further teaching.
 */
import {
  type Code,
  type Construct,
  characterOf,
  type Effects,
  isLineEnd,
  type State,
  type SyntaxExtension,
  takeAlone,
} from './micromark.ts';

/** Bounds the search for a closing delimiter, which would otherwise be quadratic in a text full of openers. */
const formulaMaxCharacters = 1_000;

const closers = new Map([
  ['$', '$'],
  ['$$', '$$'],
  ['\\(', '\\)'],
  ['\\[', '\\]'],
]);

const inlineFormula: Construct = {
  name: 'inlineFormula',
  tokenize(effects, ok, nok) {
    const before = characterOf(this.previous);
    let opener = '';
    const body = (code: Code) => {
      const judge = (formula: string): State => {
        return (after) => (isFormula(opener, formula, before, characterOf(after)) ? ok(after) : nok(after));
      };
      return readFormula(effects, opener, judge, nok)(code);
    };
    return start;

    function start(code: Code): State | undefined {
      effects.enter('codeText');
      effects.enter('codeTextSequence');
      return opening(code);
    }

    function opening(code: Code): State | undefined {
      const longer = opener + characterOf(code);
      if (code !== null && (closers.has(longer) || longer === '\\')) {
        opener = longer;
        effects.consume(code);
        return opening;
      }
      effects.exit('codeTextSequence');
      return closers.has(opener) ? body(code) : nok(code);
    }
  },
};

/** To be given to remark-parse. */
export const inlineFormulas: SyntaxExtension = {
  text: { ['$'.charCodeAt(0)]: inlineFormula, ['\\'.charCodeAt(0)]: inlineFormula },
};

function readFormula(effects: Effects, opener: string, judge: (formula: string) => State, nok: State): State {
  const closer = closers.get(opener) ?? '';
  let formula = '';
  let closed = '';
  return between;

  function between(code: Code): State | undefined {
    if (code === null || formula.length > formulaMaxCharacters) return nok(code);
    if (isLineEnd(code)) {
      if (opener === '$') return nok(code);
      formula += '\n';
      takeAlone(effects, 'lineEnding', code);
      return between;
    }
    if (characterOf(code) === closer[0]) {
      effects.enter('codeTextSequence');
      closed = '';
      return closing(code);
    }
    effects.enter('codeTextData');
    return data(code);
  }

  function data(code: Code): State | undefined {
    if (code === null || isLineEnd(code) || characterOf(code) === closer[0]) {
      effects.exit('codeTextData');
      return between(code);
    }
    formula += characterOf(code);
    effects.consume(code);
    return data;
  }

  function closing(code: Code): State | undefined {
    if (code !== null && closed !== closer && closer.startsWith(closed + characterOf(code))) {
      closed += characterOf(code);
      effects.consume(code);
      return closing;
    }
    const sequence = effects.exit('codeTextSequence');
    if (closed === closer) {
      effects.exit('codeText');
      return judge(formula)(code);
    }
    sequence.type = 'codeTextData';
    formula += closed;
    return closed === '\\' ? escaped(code) : between(code);
  }

  /** What follows a backslash belongs to it: the bracket of `\\)` does not close. Formulas do not nest. */
  function escaped(code: Code): State | undefined {
    if (characterOf(code) === opener[1]) return nok(code);
    if (code === null || isLineEnd(code)) return between(code);
    effects.enter('codeTextData');
    formula += characterOf(code);
    effects.consume(code);
    return data;
  }
}

function isFormula(opener: string, formula: string, before: string, after: string): boolean {
  if (formula.trim() === '') return false;
  if (opener === '$') {
    if (formula !== formula.trim() || /[\p{L}\p{N}$\\]/u.test(before) || /[\w{($]/.test(after)) return false;
    return !formula.startsWith('{') && /[\\^_={}]|^[A-Za-z]$|^[A-Za-z]\(.*\)$/.test(formula);
  }
  if (opener === '\\(' && /^\s*[A-Za-z0-9]\s*$/.test(formula)) return true;
  return opener === '$$' || /[\\^_={}<>+*|]|^\w+\(.*\)$/s.test(formula);
}
