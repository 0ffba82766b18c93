/** An answer's way to the reader: rendered, stored by Campfire, shown by its page. */
import { type RenderedReply, renderReply } from '../../../src/campfire/html/render.ts';
import { type LostElement, type ShownBody, showBody } from '../../../src/playground/sanitiser.ts';

export interface ShownReply {
  reply: RenderedReply;
  bodies: string[];
  pages: ShownBody[];
  /** Of all messages, one below the other. */
  text: string;
  lost: LostElement[];
}

export function shownReply(markdown: string, language: 'en' | 'zh-CN' = 'en'): ShownReply {
  const reply = renderReply(markdown, { marker: (part) => `m12-${part}`, language });
  const pages = reply.bodies.map((body) => showBody(body, { resolveMention: () => undefined }));
  return {
    reply,
    bodies: reply.bodies,
    pages,
    text: pages.map(({ text }) => text).join('\n'),
    lost: pages.flatMap(({ lost }) => lost),
  };
}

/** The HTML of the only message, without the wrapper that every body has. */
export function innerHtml(markdown: string): string {
  const { bodies } = shownReply(markdown);
  const wrapper = /^<div class="m12-0 ai-reply\n">(.*)<\/div>$/s.exec(bodies.join(''));
  return wrapper?.[1] ?? `not one wrapped body: ${bodies.join('')}`;
}
