import type { Failure } from '../campfire/answers.ts';
import type { CampfireClient, Posted } from '../campfire/client.ts';
import type { FaceBook } from '../campfire/face.ts';
import { plainNotice } from '../campfire/html/render.ts';
import type { Bot, FindBot } from '../config/bot.ts';
import type { Downloads } from '../downloads/downloads.ts';
import type { Clock } from '../lib/clock.ts';
import { type DeliveryResult, type OutboxRow, retryMaxMs } from '../mail/mail.ts';
import type { Emit } from '../telemetry/events.ts';
import { readContent, readFile } from './content.ts';
import type { HealthBook } from './health-book.ts';
import { languageFor } from './language.ts';
import { markerOf } from './posts.ts';
import type { Right } from './right.ts';
import type { Sentence } from './sentence.ts';
import { wordsFor } from './sentences.ts';
import { nameOf } from './serve.ts';

/**
 * One outbox row on its way to Campfire: written, looked for where it may have arrived, and judged by the answer.
 *
 * Invariant: a post that may have arrived is never simply sent again. A Campfire that can be read is asked, and on
 * one that cannot, the room gets one line instead of a second answer.
 */

const firstRetryMs = 1000;
const longestRetryMs = 60_000;
/** Longer than any nightly update or night's sleep of the one who has to mend a key. */
const giveUpAfterMs = 48 * 3_600_000;
/** Campfire's clock may differ from ours by as much. */
const clockSkewMs = 600_000;

export interface DeliverParts {
  client: CampfireClient;
  /** Where the bytes of attachments wait. */
  files: Pick<Downloads, 'open' | 'release'>;
  faces: FaceBook;
  health: Pick<HealthBook, 'campfire' | 'bot' | 'noUsableFile'>;
  findBot: FindBot;
  /** This machine's right to the conversation. */
  right: Pick<Right, 'mayWrite' | 'mayBeSent'>;
  clock: Clock;
  emit: Emit;
  /** 0 ≤ random < 1; spreads retries. */
  random: () => number;
}

/** Carries one row out, as far as that is possible now. */
export async function deliver(row: OutboxRow, parts: DeliverParts): Promise<DeliveryResult> {
  const bot = parts.findBot(row.botId);
  // Its file may have been taken away by mistake, or be half written: what it said is kept for as long as any row.
  if (bot === 'elsewhere')
    return { kind: 'retry', at: nextTry(row, parts), problem: 'its file is not on this machine' };
  if (bot === 'gone' || bot === 'unclear') {
    const problem = bot === 'gone' ? 'its file is gone' : 'its file is missing or cannot be read';
    parts.health.noUsableFile(row.botId, problem);
    return retry(row, problem, parts);
  }
  if (row.kind === 'notice') return judge(row, bot, await write(row, bot, parts), parts);
  if (row.inDoubt) return resolveDoubt(row, bot, parts);
  if (row.tries > 0) return tryAgain(row, bot, parts);
  return judge(row, bot, await write(row, bot, parts), parts);
}

/**
 * A try that failed with a status is mostly a proxy's while Campfire restarts, but Campfire may also have stored the
 * message before it failed. Where the room can be read, it is; where not, the post is repeated.
 */
async function tryAgain(row: OutboxRow, bot: Bot, parts: DeliverParts): Promise<DeliveryResult> {
  const found = await findOwn(row, bot, parts);
  if (found.kind === 'known' && found.id !== null) return { kind: 'sent', campfireId: found.id };
  if (found.kind === 'known' || found.kind === 'unsupported')
    return judge(row, bot, await write(row, bot, parts), parts);
  // Reading has no effect that could be in doubt.
  return judge(row, bot, found.kind === 'unavailable' ? { ...found, uncertain: false } : found, parts);
}

/** There is no file any more that could be posted. */
interface Gone {
  kind: 'gone';
  filename: string;
}

async function write(row: OutboxRow, bot: Bot, parts: DeliverParts): Promise<Posted | Failure | Gone> {
  const { client, right } = parts;
  if (!(await right.mayWrite())) return { kind: 'withheld' };
  const placed = row.noticeId === null ? null : await replaceNotice(row, row.noticeId, bot, parts);
  if (placed) return placed;
  const file = row.kind === 'file' ? readFile(row.body) : null;
  const opened = file && (await parts.files.open(file.id));
  // What came before may have taken a while.
  if (!(await right.mayWrite())) return { kind: 'withheld' };
  if (!file) return client.post(bot.key, row.roomId, row.body, right.mayBeSent);
  const { filename, type } = file;
  if (!opened) return { kind: 'gone', filename };
  return client.attach(bot.key, row.roomId, { filename, type, content: opened.content }, right.mayBeSent);
}

/**
 * The notice makes way for what it announced. Where it shows the beginning of the answer already and nobody wrote since,
 * the answer takes its place; else it is deleted and the answer posted, because only a post is told to people's
 * devices. Null when the row is still to be posted.
 */
async function replaceNotice(
  row: OutboxRow,
  noticeId: number,
  bot: Bot,
  { client, faces, right }: DeliverParts,
): Promise<Posted | Failure | null> {
  if ((await faces.find(bot.key, row.roomId)) !== 'full') return null;
  if (row.kind === 'in-place') {
    const since = await client.index(bot.key, row.roomId, { after: noticeId });
    if (since.kind === 'messages' && since.messages.length === 0) {
      // Asking took a while.
      if (!(await right.mayWrite())) return { kind: 'withheld' };
      const edited = await client.edit(bot.key, row.roomId, noticeId, row.body, right.mayBeSent);
      if (edited.kind === 'done') return { kind: 'posted', id: noticeId };
      if (edited.kind === 'unavailable' || edited.kind === 'withheld') return edited;
    }
  }
  if (!(await right.mayWrite())) return { kind: 'withheld' };
  const deleted = await client.delete(bot.key, row.roomId, noticeId, right.mayBeSent);
  // Deleting it again does no harm, so nothing is in doubt.
  if (deleted.kind === 'unavailable') return { ...deleted, uncertain: false };
  return deleted.kind === 'withheld' ? deleted : null;
}

function judge(
  row: OutboxRow,
  bot: Bot,
  answer: Posted | Failure | Gone,
  parts: DeliverParts,
): DeliveryResult | Promise<DeliveryResult> {
  switch (answer.kind) {
    case 'posted':
      return { kind: 'sent', campfireId: answer.id };
    case 'gone': {
      const draft = notice(row, bot, { say: 'file-gone', filename: answer.filename });
      return { kind: 'replaced', draft, problem: 'the file is no longer kept' };
    }
    case 'withheld':
      return retry(row, 'this machine’s right to the conversation is not certain', parts);
    case 'notMember':
      return { kind: 'undeliverable', problem: 'the bot is not in this room any more' };
    case 'rejected':
      return refused(row, bot, answer.status, parts);
    case 'unavailable':
      // With a status somebody answered for Campfire, mostly a proxy while Campfire restarts; without one the
      // connection broke after the request was on its way. A stored file whose preview failed is a 500, too.
      return answer.uncertain && row.kind !== 'notice' && (answer.status === null || row.kind === 'file')
        ? resolveDoubt(row, bot, parts)
        : retry(row, `Campfire is not available (${answer.cause})`, parts);
    case 'tooMany':
      return {
        kind: 'retry',
        at: parts.clock.now() + Math.min(retryMaxMs, answer.retryAfterMs ?? longestRetryMs),
        problem: 'Campfire asks to wait',
      };
    default:
      return retry(row, `${answer.kind}${'remedy' in answer ? `: ${answer.remedy}` : ''}`, parts);
  }
}

/** Campfire would refuse it again: a defect of ours. The room hears something, and the log has what to look for. */
function refused(row: OutboxRow, bot: Bot, status: number, { emit }: DeliverParts): DeliveryResult {
  const messageId = row.messages.at(-1)?.messageId ?? null;
  emit({
    ...{ type: 'delivery.refused', session: nameOf(row), turn: String(row.turnId), ordinal: row.ordinal },
    ...{ messageId, status },
  });
  const problem = `Campfire refused it (${status})`;
  if (row.kind === 'notice' || row.kind === 'waiting') return { kind: 'undeliverable', problem };
  return { kind: 'replaced', draft: notice(row, bot, { say: 'failed' }), problem };
}

/** A post was sent and no answer was recorded: find out whether it arrived, or say so when that cannot be known. */
async function resolveDoubt(row: OutboxRow, bot: Bot, parts: DeliverParts): Promise<DeliveryResult> {
  const session = nameOf(row);
  const turn = String(row.turnId);
  const found = await findOwn(row, bot, parts);
  if (found.kind === 'known') {
    const resolution = found.id === null ? 'it had not arrived' : 'it had arrived';
    parts.emit({ type: 'delivery.in_doubt', session, turn, resolution });
    if (found.id !== null) return { kind: 'sent', campfireId: found.id };
    const answer = await write(row, bot, parts);
    // Once more in doubt: the next look asks again instead of going round here.
    if (answer.kind === 'unavailable' && answer.uncertain) return askAgain(row, answer.cause, parts);
    return judge(row, bot, answer, parts);
  }
  // A line ahead of an answer is not worth a word more.
  if (found.kind === 'unsupported' && row.kind === 'waiting') return { kind: 'sent', campfireId: null };
  if (found.kind === 'unsupported') {
    parts.emit({ type: 'delivery.in_doubt', session, turn, resolution: 'cannot be known, the room is told' });
    const name = readContent(row.messages[0].content).author ?? '…';
    return {
      kind: 'replaced',
      draft: notice(row, bot, { say: 'in-doubt', name }),
      problem: 'interrupted post',
    };
  }
  return askAgain(row, found.kind, parts);
}

/** Looks through the room's messages since the row was decided for the one that it would have become. */
async function findOwn(
  row: OutboxRow,
  bot: Bot,
  { client }: DeliverParts,
): Promise<{ kind: 'known'; id: number | null } | Failure> {
  const marker = markerOf(row)(row.ordinal);
  const filename = row.kind === 'file' ? readFile(row.body).filename : null;
  // An earlier answer may have brought a file of the same name.
  const after = row.sentBefore ?? 0;
  let before: number | undefined;
  for (;;) {
    const page = await client.index(bot.key, row.roomId, before === undefined ? {} : { before });
    if (page.kind !== 'messages') return page;
    const own = page.messages.find(
      ({ id, html, plain, creator }) =>
        creator.id === bot.userId &&
        (filename === null ? hasClass(html, marker) : id > after && plain === filename),
    );
    const oldest = page.messages[0];
    if (own) return { kind: 'known', id: own.id };
    // In the place of its notice it is as old as that.
    const isBefore = oldest && oldest.id <= (row.noticeId ?? oldest.id);
    if (!oldest || !page.more || (isBefore && Date.parse(oldest.createdAt) < row.decidedAt - clockSkewMs))
      return { kind: 'known', id: null };
    before = oldest.id;
  }
}

/** Still in doubt: the row stays marked as being sent. */
function askAgain(row: OutboxRow, cause: string, parts: DeliverParts): DeliveryResult {
  if (parts.clock.now() - row.decidedAt > giveUpAfterMs) return { kind: 'undeliverable', problem: cause };
  return { kind: 'ask-again', at: nextTry(row, parts), problem: `Campfire cannot be asked (${cause})` };
}

function notice(row: OutboxRow, bot: Bot, sentence: Sentence) {
  const marker = markerOf(row)(row.ordinal);
  return {
    kind: 'notice' as const,
    body: plainNotice(wordsFor(sentence, languageFor(bot, row.messages)), `${marker}-notice`),
  };
}

function retry(row: OutboxRow, problem: string, parts: DeliverParts): DeliveryResult {
  if (parts.clock.now() - row.decidedAt > giveUpAfterMs) return { kind: 'undeliverable', problem };
  return { kind: 'retry', at: nextTry(row, parts), problem };
}

/** Due at once where a key or Campfire is at fault: then that one's health sets the pace, for all its rows together. */
function nextTry(row: OutboxRow, { clock, random, health }: DeliverParts): number {
  if (health.campfire().state === 'unhealthy' || health.bot(row.botId).state === 'unhealthy')
    return clock.now();
  const delayMs = Math.min(longestRetryMs, firstRetryMs * 2 ** Math.min(row.tries, 16));
  return clock.now() + delayMs * (0.5 + random() / 2);
}

function hasClass(html: string, marker: string): boolean {
  return new RegExp(`class="[^"]*\\b${marker}(?![\\w-])[^"]*"`).test(html);
}
