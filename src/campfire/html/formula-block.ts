/**
 * Formulas of several lines, opened by `$$` or `\[` alone on a line, as code blocks. Inside, a line that begins with
 * `+` or `=` is neither a list nor the underline of a heading. The tokens are those of Markdown's fenced code.
 */
import {
  type Code,
  type Construct,
  characterOf,
  type Effects,
  isLineEnd,
  isSpace,
  type State,
  type SyntaxExtension,
  takeAlone,
} from './micromark.ts';

const closers = new Map([
  ['$$', '$$'],
  ['\\[', '\\]'],
]);

const formulaBlock: Construct = {
  name: 'formulaBlock',
  concrete: true,
  tokenize(effects, ok, nok) {
    const interrupting = this.interrupt === true;
    return openingLine(effects, interrupting ? () => ok : (closer) => formulaLines(effects, closer, ok), nok);
  },
};

/** To be given to remark-parse. */
export const formulaBlocks: SyntaxExtension = {
  flow: { ['$'.charCodeAt(0)]: formulaBlock, ['\\'.charCodeAt(0)]: formulaBlock },
};

function openingLine(effects: Effects, next: (closer: string) => State, nok: State): State {
  let opener = '';
  return start;

  function start(code: Code): State | undefined {
    effects.enter('codeFenced');
    effects.enter('codeFencedFence');
    effects.enter('codeFencedFenceSequence');
    return sequence(code);
  }

  function sequence(code: Code): State | undefined {
    if (closers.has(opener)) {
      effects.exit('codeFencedFenceSequence');
      return afterSequence(code);
    }
    opener += characterOf(code);
    if (code === null || !['$', '\\', '$$', '\\['].includes(opener)) return nok(code);
    effects.consume(code);
    return sequence;
  }

  function afterSequence(code: Code): State | undefined {
    if (isSpace(code)) {
      takeAlone(effects, 'whitespace', code);
      return afterSequence;
    }
    if (!isLineEnd(code)) return nok(code);
    effects.exit('codeFencedFence');
    return next(closers.get(opener) ?? '')(code);
  }
}

function formulaLines(effects: Effects, closer: string, ok: State): State {
  return lineEnd;

  function lineEnd(code: Code): State | undefined {
    return effects.check(continuingLine, beforeLine, end)(code);
  }

  function beforeLine(code: Code): State | undefined {
    return effects.attempt(closingLine(closer), end, nextLine)(code);
  }

  function nextLine(code: Code): State {
    takeAlone(effects, 'lineEnding', code);
    return lineStart;
  }

  function lineStart(code: Code): State | undefined {
    effects.enter('codeFlowValue');
    return line(code);
  }

  function line(code: Code): State | undefined {
    if (code === null || isLineEnd(code)) {
      effects.exit('codeFlowValue');
      return lineEnd(code);
    }
    effects.consume(code);
    return line;
  }

  function end(code: Code): State | undefined {
    effects.exit('codeFenced');
    return ok(code);
  }
}

/** A formula ends at a blank line (TeX forbids them inside), so that an opener nobody closes takes no more than that. */
const continuingLine: Construct = {
  partial: true,
  tokenize(effects, ok, nok) {
    const isLazy = () => this.parser.lazy[this.now().line];
    return start;

    function start(code: Code): State | undefined {
      if (code === null) return nok(code);
      takeAlone(effects, 'lineEnding', code);
      return lineStart;
    }

    function lineStart(code: Code): State | undefined {
      if (isLazy() || code === null || isLineEnd(code)) return nok(code);
      if (!isSpace(code)) return ok(code);
      takeAlone(effects, 'whitespace', code);
      return lineStart;
    }
  },
};

function closingLine(closer: string): Construct {
  return { partial: true, tokenize: (effects, ok, nok) => readClosingLine(effects, closer, ok, nok) };
}

function readClosingLine(effects: Effects, closer: string, ok: State, nok: State): State {
  let seen = '';
  return start;

  function start(code: Code): State {
    takeAlone(effects, 'lineEnding', code);
    effects.enter('codeFencedFence');
    return lineStart;
  }

  function lineStart(code: Code): State | undefined {
    if (isSpace(code)) {
      takeAlone(effects, 'whitespace', code);
      return lineStart;
    }
    if (characterOf(code) !== closer[0]) return nok(code);
    effects.enter('codeFencedFenceSequence');
    return sequence(code);
  }

  function sequence(code: Code): State | undefined {
    if (seen === closer) {
      effects.exit('codeFencedFenceSequence');
      return afterSequence(code);
    }
    seen += characterOf(code);
    if (code === null || !closer.startsWith(seen)) return nok(code);
    effects.consume(code);
    return sequence;
  }

  function afterSequence(code: Code): State | undefined {
    if (isSpace(code)) {
      takeAlone(effects, 'whitespace', code);
      return afterSequence;
    }
    if (code !== null && !isLineEnd(code)) return nok(code);
    effects.exit('codeFencedFence');
    return ok(code);
  }
}
