import type { Campfire } from './campfire.ts';
import { mentionMarkup, replaceMentions } from './mentions.ts';
import type { Boost, Message, User } from './records.ts';

/** The bot API's JSON, with URLs on `origin`. Only what Campfire tells: no edit times, no files, no boosts of a message. */
export function messageJson(campfire: Campfire, origin: string, message: Message) {
  const { id, roomId, creatorId, createdAt, plain } = message;
  return {
    id,
    created_at: new Date(createdAt).toISOString(),
    body: { plain_text: plain, html: renderedHtml(campfire, message) },
    creator: userJson(campfire.user(creatorId), origin),
    room: { id: roomId },
    url: messageUrl(origin, message),
  };
}

export function boostJson(campfire: Campfire, origin: string, message: Message, boost: Boost) {
  return {
    id: boost.id,
    content: boost.content,
    created_at: new Date(boost.createdAt).toISOString(),
    booster: userJson(campfire.user(boost.boosterId), origin),
    message: { id: message.id, url: messageUrl(origin, message) },
  };
}

function userJson(user: User | undefined, origin: string) {
  if (!user) return null;
  return { id: user.id, name: user.name, role: user.role, avatar_url: `${origin}/users/${user.id}/avatar` };
}

function messageUrl(origin: string, { id, roomId }: Message): string {
  return `${origin}/rooms/${roomId}/@${id}`;
}

/** Action Text's rendering: not the stored HTML of the webhook, but that inside a frame, with mentions filled in. */
function renderedHtml(campfire: Campfire, { html }: Message): string {
  if (!html) return '';
  const filled = replaceMentions(html, (userId, openingTag) => {
    const user = campfire.user(userId ?? -1);
    return `${openingTag}${user ? mentionMarkup(user) : '☒'}</action-text-attachment>`;
  });
  return `<div class="trix-content">\n  ${filled}\n</div>\n`;
}
