import type { Heard, Said } from './model-hearing.ts';

/** What the scripted model can know: what people told it in this conversation, in English or Chinese. */

/** Whether the text is written in Chinese, and so to be answered in it. */
export function isChinese(text: string): boolean {
  return /\p{Script=Han}/u.test(text);
}

/** What a message asks to be remembered; empty for a question, and for everything else. */
export function factsIn(text: string): string[] {
  if (isQuestion(text)) return [];
  const found = [
    /\bremember(?: that\b|\s*:)?\s+(.+)/i,
    /记住[：:，,\s]*(.+)/,
    /\b(my [\p{L}\d' -]{1,40}? is .+)/iu,
    /(我的[^\s，。,是叫]{1,10}[是叫].+)/,
    /(我叫.+)/,
  ].flatMap((pattern) => pattern.exec(text)?.[1] ?? []);
  // "Remember my colour is blue" fits twice, and is one fact.
  return found.slice(0, 1).map((fact) => fact.replace(/[\s.!。！]+$/, ''));
}

/** Answers "what do you remember?": who told what, oldest first. */
export function recollection({ earlier, text }: Heard): string {
  const told = earlier.flatMap((said) => factsIn(said.text).map((fact) => ({ author: said.author, fact })));
  if (isChinese(text)) {
    if (told.length === 0) return '我什么都不记得：在这个对话里还没有人让我记住任何事。';
    return `我记得：\n\n${told.map(({ author, fact }) => `- ${author}：${fact}`).join('\n')}`;
  }
  if (told.length === 0) {
    return 'I know of nothing yet: nobody has told me anything to remember in this conversation.';
  }
  return `I remember:\n\n${told.map(({ author, fact }) => `- ${author}: ${fact}`).join('\n')}`;
}

/** Answers "what is my colour?" from what this person said last about it. */
export function belonging({ earlier, author, text }: Heard): string {
  const chinese = isChinese(text);
  const thing = chinese
    ? (/我的([^\s？?]{1,10}?)(?:是|叫)什么/.exec(text)?.[1] ?? '名字')
    : (/\bmy ([\p{L}\d' -]+?)\s*[?.!]*$/iu.exec(text)?.[1] ?? 'name');
  const value = lastValue(earlier, author, thing);
  if (chinese) return value === null ? `我不知道你的${thing}。` : `你的${thing}是${value}。`;
  return value === null ? `I do not know your ${thing}: you have not told me.` : `Your ${thing} is ${value}.`;
}

function lastValue(earlier: readonly Said[], author: string, thing: string): string | null {
  const name = thing.replace(/[^\p{L}\d ]/gu, '.');
  const patterns = [
    new RegExp(`\\bmy ${name} is (.+)`, 'iu'),
    new RegExp(`我的${name}[是叫](.+)`, 'u'),
    ...(thing === '名字' ? [/我叫(.+)/] : []),
  ];
  for (const said of earlier.toReversed()) {
    if (said.author !== author) continue;
    for (const fact of factsIn(said.text)) {
      const value = patterns.map((pattern) => pattern.exec(fact)?.[1]).find((found) => found !== undefined);
      if (value !== undefined) return value;
    }
  }
  return null;
}

function isQuestion(text: string): boolean {
  return /\?\s*$|？\s*$|^(?:what|who|do you|can you tell)\b|什么/i.test(text.trim());
}
