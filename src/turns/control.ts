/** A word by which people steer the bot instead of asking it something. */
export type Control = 'stop' | 'new' | 'status' | 'help';

const words: Readonly<Record<string, Control>> = {
  ...{ stop: 'stop', new: 'new', status: 'status', help: 'help' },
  ...{ 停止: 'stop', 新对话: 'new', 状态: 'status', 帮助: 'help' },
};

/** Of a word with the mention and the punctuation around it: anything longer is a question, however long. */
const wordMaxCharacters = 200;

/**
 * The control word that a message is, or null. `text` is what the person wrote, without structure added; the bot's
 * mention may still be in it. Case, width, and punctuation around the word do not matter; with anything else in the
 * message it is a question: "stop the ship from sinking" goes to the agent.
 */
export function recogniseControl(text: string, botName: string): Control | null {
  if (text.length > wordMaxCharacters + botName.length) return null;
  const bare = text
    .normalize('NFKC')
    .replaceAll(`@${botName.normalize('NFKC')}`, ' ')
    .replace(/^[\s\p{P}\p{Cf}]+|[\s\p{P}\p{Cf}]+$/gu, '')
    .toLowerCase();
  return Object.hasOwn(words, bare) ? (words[bare] ?? null) : null;
}
