import type { Campfire } from './campfire.ts';
import { escapeHtml, replaceMentions } from './mentions.ts';
import type { Message } from './records.ts';

/** What a person typed, before Campfire's composer made HTML of it. */
export interface TypedText {
  text: string;
  /** Ids of the users picked from the mention menu; a typed "@Name" alone mentions nobody. */
  mentions?: readonly number[] | undefined;
  /** The message that is being answered; it is quoted above the text. */
  replyTo?: Message | undefined;
}

/**
 * The HTML that Campfire's composer would send. A picked user's "@Name" in the text becomes the mention; a picked
 * user who is not in the text is mentioned in front of it.
 * @throws RangeError when a picked user does not exist.
 */
export function compose(campfire: Campfire, { text, mentions = [], replyTo }: TypedText): string {
  const attachments = new Map<string, string>();
  for (const id of mentions) {
    const user = campfire.user(id);
    if (!user) throw new RangeError(`There is no user ${id} to mention`);
    attachments.set(`@${escapeHtml(user.name)}`, campfire.mentions.html(user));
  }
  const escaped = escapeHtml(text).replaceAll('\n', '<br>');
  const unnamed = [...attachments].filter(([name]) => !escaped.includes(name)).map(([, html]) => `${html} `);
  const quote = replyTo ? quotation(campfire, replyTo) : '';
  return `<div>${quote}${unnamed.join('')}${withAttachments(escaped, attachments)}</div>`;
}

/** In one pass and longest names first, so that "@Bot" does not bite into "@Bot2" or into a finished mention. */
function withAttachments(text: string, attachments: ReadonlyMap<string, string>): string {
  if (attachments.size === 0) return text;
  const names = [...attachments.keys()]
    .sort((a, b) => b.length - a.length)
    .map((name) => RegExp.escape(name));
  return text.replace(new RegExp(names.join('|'), 'g'), (name) => attachments.get(name) ?? name);
}

/** A reply quotes with mentions turned into text, so that it does not notify the quoted author. */
function quotation(campfire: Campfire, { id, roomId, creatorId, html, plain }: Message): string {
  const quoted = replaceMentions(html ?? escapeHtml(plain), (userId) => {
    return `@${escapeHtml(campfire.user(userId ?? -1)?.name ?? '')}`;
  });
  const author = escapeHtml(campfire.user(creatorId)?.name ?? '');
  return `<blockquote>${quoted}</blockquote><cite>${author} <a href="/rooms/${roomId}/@${id}">#</a></cite><br>`;
}
