/**
 * Emphasis beside Chinese, Japanese and Korean text. CommonMark takes `**` after a punctuation mark for a closer only
 * when a space or another mark follows, so that `**注意：**请先保存` would show its asterisks: these scripts have no
 * spaces between words. Here a neighbour of such a script counts like a space.
 */
import { type Code, type Construct, characterOf, type SyntaxExtension } from './micromark.ts';

const asterisk = 42;
const underscore = 95;
const cjk = /[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\ufe30-\ufe4f\uff00-\uffef]/;

const cjkAttention: Construct = {
  name: 'cjkAttention',
  tokenize(effects, ok) {
    const previous = this.previous;
    return start;

    function start(code: Code) {
      effects.enter('attentionSequence');
      return inside(code);
    }

    function inside(code: Code): ReturnType<typeof ok> {
      if (code === asterisk) {
        effects.consume(code);
        return inside;
      }
      const sequence = effects.exit('attentionSequence');
      sequence._open = canOpen(previous, code);
      sequence._close = canOpen(code, previous);
      return ok(code);
    }
  },
  resolveAll(events, context) {
    const constructs = [context.parser.constructs.text[asterisk] ?? []].flat();
    const standard = constructs.find((construct) => construct.name === 'attention');
    return standard?.resolveAll?.(events, context) ?? events;
  },
};

/** To be given to remark-parse: replaces the rule for `*`, leaves `_` alone. */
export const cjkEmphasis: SyntaxExtension = { text: { [asterisk]: cjkAttention } };

/** Closing is opening seen from the other side, so one rule serves both. */
function canOpen(outside: Code, inside: Code): boolean {
  const kind = kindOf(inside);
  if (kind === 'other' || inside === underscore) return true;
  return kind === 'punctuation' && (kindOf(outside) !== 'other' || cjk.test(characterOf(outside)));
}

function kindOf(code: Code): 'space' | 'punctuation' | 'other' {
  const character = characterOf(code);
  if (character === '' || /\s/.test(character)) return 'space';
  return /[\p{P}\p{S}]/u.test(character) ? 'punctuation' : 'other';
}
