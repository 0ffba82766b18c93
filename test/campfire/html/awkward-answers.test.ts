import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { awkwardAnswers } from './awkward-answers.ts';
import { shownReply } from './shown.ts';

describe('awkward answers', () => {
  for (const { name, markdown, shows, hides = [] } of awkwardAnswers) {
    it(`arrive readable: ${name}`, () => {
      const { text, lost } = shownReply(markdown);
      assert.deepEqual(lost, []);
      let position = 0;
      for (const piece of shows) {
        const found = text.indexOf(piece, position);
        assert.ok(
          found >= 0,
          `expected ${JSON.stringify(piece)} after ${position} in ${JSON.stringify(text)}`,
        );
        position = found + piece.length;
      }
      for (const piece of hides) assert.ok(!text.includes(piece), `${JSON.stringify(piece)} is in ${text}`);
    });
  }
});
