/** What a message brings with it through the mailbox, as JSON; opaque there, read again when its turn begins. */
export interface MessageContent {
  author: string | null;
  roomName: string | null;
  html: string | null;
  plain: string;
  /** When it was written, epoch ms; only of a message that no webhook brought. */
  saidAt?: number;
}

export function writeContent(content: MessageContent): string {
  const { author, roomName, html, plain, saidAt } = content;
  return JSON.stringify({ author, roomName, html, plain, saidAt });
}

/** Only what `writeContent` wrote is ever stored, so it is trusted. */
export function readContent(content: string): MessageContent {
  return JSON.parse(content) as MessageContent;
}

/** A file that is posted as an attachment, as the outbox keeps it: its bytes wait among the kept files. */
export interface OutboxFile {
  /** Of the kept file. */
  id: string;
  filename: string;
  type: string;
}

export function writeFile({ id, filename, type }: OutboxFile): string {
  return JSON.stringify({ id, filename, type });
}

/** Only what `writeFile` wrote is ever stored, so it is trusted. */
export function readFile(body: string): OutboxFile {
  return JSON.parse(body) as OutboxFile;
}
