/** What a message brings with it through the mailbox, as JSON; opaque there, read again when its turn begins. */
export interface MessageContent {
  author: string | null;
  roomName: string | null;
  html: string | null;
  plain: string;
}

export function writeContent(content: MessageContent): string {
  const { author, roomName, html, plain } = content;
  return JSON.stringify({ author, roomName, html, plain });
}

/** Only what `writeContent` wrote is ever stored, so it is trusted. */
export function readContent(content: string): MessageContent {
  return JSON.parse(content) as MessageContent;
}
