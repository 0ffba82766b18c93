import { readMentions } from './html/read.ts';

/**
 * Whether a message's HTML mentions a bot, stored or rendered: both keep the mention's signed id. Facts: an sgid is
 * base64 (Rails' URL-safe or plain form), then two dashes and a signature that only Campfire can check; it holds
 * JSON with a global id `gid://campfire/User/<id>`, in older versions once more in base64.
 */
export function mentionsBot(html: string, bot: { readonly userId: number; readonly name: string }): boolean {
  return readMentions(html).some(({ sgid, name }) => {
    const userId = userIdIn(sgid);
    // A form that is not known leaves what people see.
    return userId === null ? name.replace(/^@/, '') === bot.name : userId === bot.userId;
  });
}

/** The user that an sgid names; null when it names none in a known form. */
export function userIdIn(sgid: string): number | null {
  const text = decoded(sgid.split('--')[0] ?? '');
  const id = globalUserId(text) ?? globalUserId(decoded(/"message":"([^"]+)"/.exec(text)?.[1] ?? ''));
  return id === null ? null : Number(id);
}

function globalUserId(text: string): string | null {
  return /gid:\/\/[\w-]+\/User\/(\d{1,15})(?!\d)/.exec(text)?.[1] ?? null;
}

function decoded(base64: string): string {
  return Buffer.from(base64, 'base64').toString('latin1');
}
