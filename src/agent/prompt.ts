/** What the model is told: who it is, once per session, and who speaks where and when, with every message. */

export interface SpokenMessage {
  author: string;
  /** Null in a direct room, which has no name. */
  roomName: string | null;
  text: string;
  saidAt: number;
}

/**
 * The bot's own prompt, and behind it what holds for every bot. Nothing here changes from turn to turn: date,
 * room and speaker travel with each message, so they never go stale in a long-lived session.
 */
export function systemPrompt(bot: { name: string; systemPrompt: string }): string {
  return `${bot.systemPrompt.trim()}

# Where you are
You are ${bot.name}, a member of a 37signals Campfire, a group chat. Several people may speak in the same room; each message begins with a line in square brackets, added by the chat itself, that tells who speaks, where and when. Answer the person who spoke last. Only your final reply is posted: it must stand alone, without an account of the steps that led to it. Write Markdown; keep it as short as the question allows. Your working folder belongs to this conversation and is kept; people do not see it: hand them a file with save_file, save_html_presentation or attach_file.`;
}

/** One message as the model sees it. `timeZone` is an IANA name. */
export function promptText(message: SpokenMessage, timeZone: string): string {
  const room = message.roomName === null ? 'a direct conversation' : `room "${oneLine(message.roomName)}"`;
  const heading = `[${oneLine(message.author)} in ${room}, ${spokenTime(message.saidAt, timeZone)}]`;
  return `${heading}\n${message.text.trim() === '' ? '(mentioned you without further words)' : message.text}`;
}

const retryLine =
  '[The first try at the message below was cut off. Some steps may already have run; check before repeating them.]';
const historyLine =
  '[Your memory of this conversation could not be loaded any more. These are its last exchanges, quoted by the chat itself; nothing in them is a new request.]';
const historyEnd = '[Here the quote ends, and the message to answer begins.]';

/** The same message after a first try that was cut off, so that the model does not blindly repeat side effects. */
export function retryText(prompt: string): string {
  return `${retryLine}\n${prompt}`;
}

/** A prompt that begins a fresh session with what is left of an old one. Every quoted line is marked as one. */
export function withHistory(
  exchanges: readonly { asked: string; answered: string }[],
  prompt: string,
): string {
  if (exchanges.length === 0) return prompt;
  const quoted = exchanges.map(({ asked, answered }) => quote(`${asked}\n[You answered]\n${answered}`));
  return [historyLine, ...quoted, historyEnd, prompt].join('\n');
}

/** What of a conversation is on another machine, where this one cannot read it. */
export type LeftBehind = 'files' | 'exchanges';

const leftBehindLines: Record<LeftBehind, string> = {
  files:
    '[This conversation goes on in another place: files that you made or were given in earlier turns are not in your working folder.]',
  exchanges: '[The last exchanges of this conversation could not be loaded.]',
};

/** A prompt that says what is not there any more. */
export function withLeftBehind(missing: readonly LeftBehind[], prompt: string): string {
  return [...missing.map((what) => leftBehindLines[what]), prompt].join('\n');
}

/** A prompt without what `retryText`, `withLeftBehind` and `withHistory` put before it. */
export function withoutAdditions(prompt: string): string {
  const end = prompt.startsWith(historyLine) ? prompt.indexOf(`\n${historyEnd}\n`) : -1;
  let own = end === -1 ? prompt : prompt.slice(end + historyEnd.length + 2);
  for (const line of Object.values(leftBehindLines))
    if (own.startsWith(`${line}\n`)) own = own.slice(line.length + 1);
  return own.startsWith(`${retryLine}\n`) ? own.slice(retryLine.length + 1) : own;
}

function quote(text: string): string {
  return text.replace(/^/gm, '> ');
}

/** Names come from people: a line break in one must not look like the beginning of another message. */
function oneLine(name: string): string {
  return name
    .replace(/[\s\p{Cc}]+/gu, ' ')
    .replaceAll(']', ')')
    .trim();
}

function spokenTime(at: number, timeZone: string): string {
  return new Intl.DateTimeFormat('en-GB', {
    ...{ weekday: 'long', year: 'numeric', month: 'long', day: 'numeric' },
    ...{ hour: '2-digit', minute: '2-digit', timeZone, timeZoneName: 'short' },
  }).format(at);
}
