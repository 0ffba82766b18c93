import { readFile } from 'node:fs/promises';
import type { PromptImage, Slot } from '../agent/agent.ts';
import { filesUnreadableText, noFilesText, postedFilesText, type ToldFile } from '../agent/posted-files.ts';
import type { CampfireStorage, FilesNear, PostedFile } from '../campfire/storage.ts';
import type { Bot } from '../config/bot.ts';
import type { Clock } from '../lib/clock.ts';
import type { Turn } from '../mail/mail.ts';
import { takeIn } from '../sessions/incoming.ts';
import type { Migration, Store } from '../store/sqlite.ts';
import type { Emit, SessionName } from '../telemetry/events.ts';
import { readContent } from './content.ts';
import { decideLook, isAboutFile, quotedIds } from './file-talk.ts';

/**
 * Files that people posted near a question, handed to the agent that answers it.
 *
 * Invariants:
 * 1. A file is handed to a conversation once: later questions find it in the working folder. A turn that was cut off
 *    and begun again gets the same files again.
 * 2. A file that cannot be handed over never costs the answer; the model is told.
 */
export interface PostedFiles {
  /** Finds the files of a turn and puts them into its slot. Waits for late uploads, but not beyond `stopping`. */
  bring(turn: Turn, bot: Bot, slot: Slot, stopping: AbortSignal): Promise<Brought>;
}

export interface Brought {
  /** For the model, before the message; null when there is nothing to say. */
  note: string | null;
  images: PromptImage[];
}

export const postedFilesMigrations: readonly Migration[] = [
  {
    version: 12,
    sql: `
      CREATE TABLE handed_files (
        bot_id TEXT NOT NULL,
        room_id INTEGER NOT NULL,
        message_id INTEGER NOT NULL,
        turn_id INTEGER NOT NULL,
        path TEXT,
        handed_at INTEGER NOT NULL,
        PRIMARY KEY (bot_id, room_id, message_id)
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX handed_files_by_age ON handed_files (handed_at);
    `,
  },
];

const fileMaxBytes = 50 * 1024 * 1024;
const turnMaxBytes = 100 * 1024 * 1024;
/** After it a file that is quoted again is handed over again: it may be gone from the working folder. */
const rememberMs = 24 * 3_600_000;

/** What the API takes as one image, with room for the growth of base64, and beyond which it refuses the whole prompt. */
const imageMaxBytes = 3.5 * 1024 * 1024;
const imageMaxPixels = 8_000;
const imagesMax = 5;

export interface PostedFilesParts {
  /** Null: people's files are out of reach. */
  storage: CampfireStorage | null;
  store: Store;
  clock: Clock;
  emit: Emit;
}

export function createPostedFiles(parts: PostedFilesParts): PostedFiles {
  return {
    async bring(turn, bot, slot, stopping) {
      const contents = turn.messages.map(({ content }) => readContent(content));
      const aboutFile = contents.some(isAboutFile);
      if (parts.storage === null) return { note: aboutFile ? noFilesText : null, images: [] };
      const found = await look(turn, bot, aboutFile, { ...parts, storage: parts.storage, stopping });
      if (found.kind === 'unreadable') {
        parts.emit({ type: 'part.failed', part: 'CAMPFIRE_STORAGE', problem: found.problem });
        return { note: aboutFile ? filesUnreadableText : null, images: [] };
      }
      return found.kind === 'found' ? handOver(turn, found, slot, parts) : { note: null, images: [] };
    },
  };
}

async function look(
  turn: Turn,
  bot: Bot,
  aboutFile: boolean,
  parts: PostedFilesParts & { storage: CampfireStorage; stopping: AbortSignal },
): Promise<FilesNear> {
  const { storage, clock, stopping } = parts;
  const ids = turn.messages.map(({ messageId }) => messageId);
  const { authorId, receivedAt } = turn.messages.at(-1) ?? turn.messages[0];
  const question = {
    ...{ roomId: turn.roomId, authorId, botUserId: bot.userId, messageIds: ids.filter((id) => id !== null) },
    quotedIds: turn.messages.flatMap(({ content }) => quotedIds(readContent(content).html, turn.roomId)),
  };
  if (question.messageIds.length !== ids.length)
    return { kind: 'not-allowed', reason: 'a message has no id' };
  for (;;) {
    const found = storage.filesNear(question);
    if (found.kind !== 'found' || stopping.aborted) return found;
    const newest = found.files.at(-1);
    const look = decideLook({
      aboutFile,
      youngestMs: newest ? found.askedAtMs - newest.postedAtMs : null,
      sinceMs: clock.now() - receivedAt,
    });
    if (look.kind === 'enough') return found;
    await clock.sleep(look.afterMs, stopping);
  }
}

async function handOver(
  turn: Turn,
  found: Extract<FilesNear, { kind: 'found' }>,
  slot: Slot,
  parts: PostedFilesParts,
): Promise<Brought> {
  const told: ToldFile[] = [];
  const images: PromptImage[] = [];
  let bytes = 0;
  for (const file of found.files) {
    const before = handedBefore(turn, file, parts);
    if (before !== undefined && before.turnId !== turn.id) continue;
    const fits = file.bytes <= fileMaxBytes && bytes + file.bytes <= turnMaxBytes;
    const taken = fits
      ? await take(file, before?.path ?? null, slot)
      : { path: null, problem: 'it is too large' };
    if (taken.path !== null) bytes += file.bytes;
    record(turn, file, taken.path, parts);
    const { filename, author, mediaType } = file;
    told.push({ filename, author, mediaType, bytes: file.bytes, ...taken });
    if (taken.path !== null && images.length < imagesMax) images.push(...(await imageOf(file)));
  }
  if (told.length === 0) return { note: null, images: [] };
  const session: SessionName = `${turn.roomId}:${turn.botId}`;
  const handed = told.filter(({ path }) => path !== null).length;
  parts.emit({
    ...{ type: 'turn.files', session, turn: String(turn.id), handed, refused: told.length - handed },
  });
  return { note: postedFilesText(told, found.left), images };
}

async function take(
  file: PostedFile,
  path: string | null,
  slot: Slot,
): Promise<{ path: string | null; problem: string | null }> {
  if (path !== null) return { path, problem: null };
  if (file.path === '') return { path: null, problem: 'it is kept elsewhere' };
  try {
    return { path: await takeIn(slot, file.filename, file.path, fileMaxBytes), problem: null };
  } catch {
    return { path: null, problem: 'it could not be read' };
  }
}

function handedBefore(
  { botId, roomId }: Turn,
  { messageId }: PostedFile,
  { store, clock }: PostedFilesParts,
) {
  store.run('DELETE FROM handed_files WHERE handed_at < ?', clock.now() - rememberMs);
  return store.get<{ turnId: number; path: string | null }>(
    'SELECT turn_id AS turnId, path FROM handed_files WHERE bot_id = ? AND room_id = ? AND message_id = ?',
    ...[botId, roomId, messageId],
  );
}

function record(turn: Turn, file: PostedFile, path: string | null, { store, clock }: PostedFilesParts): void {
  store.run(
    `INSERT INTO handed_files (bot_id, room_id, message_id, turn_id, path, handed_at) VALUES (?, ?, ?, ?, ?, ?)
     ON CONFLICT (bot_id, room_id, message_id) DO UPDATE SET turn_id = excluded.turn_id, path = excluded.path`,
    ...[turn.botId, turn.roomId, file.messageId, turn.id, path, clock.now()],
  );
}

/** By its first bytes: the API refuses a prompt whose picture is not what it is said to be. */
const signatures: ReadonlyArray<[PromptImage['mediaType'], RegExp]> = [
  ['image/png', /^89504e470d0a1a0a/],
  ['image/jpeg', /^ffd8ff/],
  ['image/gif', /^474946383[79]61/],
  ['image/webp', /^52494646.{8}57454250/],
];

/** The picture for the model to see at once; none when it is no picture or one that the API would refuse. */
async function imageOf({ path, bytes, pixels }: PostedFile): Promise<PromptImage[]> {
  if (pixels === null || bytes > imageMaxBytes) return [];
  if (Math.max(pixels.width, pixels.height) > imageMaxPixels) return [];
  try {
    const content = await readFile(path);
    const start = content.toString('hex', 0, 16);
    const mediaType = signatures.find(([, pattern]) => pattern.test(start))?.[0];
    return mediaType === undefined ? [] : [{ mediaType, base64: content.toString('base64') }];
  } catch {
    // It was copied a moment ago; the copy serves.
    return [];
  }
}
