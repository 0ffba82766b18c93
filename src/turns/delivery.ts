import type { Failure } from '../campfire/answers.ts';
import type { CampfireClient, Posted } from '../campfire/client.ts';
import { plainNotice } from '../campfire/html/render.ts';
import type { Bot } from '../config/bot.ts';
import type { Downloads } from '../downloads/downloads.ts';
import type { Clock } from '../lib/clock.ts';
import { messageOf } from '../lib/errors.ts';
import type { Conversation, DeliveryResult, Mail, OutboxRow } from '../mail/mail.ts';
import type { Emit, SessionName } from '../telemetry/events.ts';
import { readContent, readFile } from './content.ts';
import { languageOf, markerOf } from './run-turn.ts';
import { type Sentence, wordsFor } from './sentences.ts';

/**
 * Sends what was decided. Holds no session, and what it has not sent is on disk.
 *
 * Invariants:
 * 1. A conversation's rows are sent one after the other, in the order in which they were decided.
 * 2. A post that may have arrived is never simply sent again: a Campfire that can be read is asked, and on
 *    one that cannot, the room gets one line instead of a second answer.
 */

/** Posts under way at once over all conversations; Campfire's own web server has a handful of threads. */
const parallelPosts = 16;
const firstRetryMs = 1000;
const longestRetryMs = 60_000;
/** Longer than any nightly update or night's sleep of the one who has to mend a key. */
const giveUpAfterMs = 48 * 3_600_000;
/** Campfire's clock may differ from ours by as much. */
const clockSkewMs = 600_000;

export interface DeliveryParts {
  mail: Mail;
  client: CampfireClient;
  /** Where the bytes of attachments wait. */
  files: Pick<Downloads, 'open' | 'release'>;
  findBot: (id: string) => Bot | 'gone' | 'unclear';
  clock: Clock;
  emit: Emit;
  /** 0 ≤ random < 1; spreads retries. */
  random: () => number;
}

export interface Delivery {
  /** Looks for rows now; call it whenever some may have been decided. */
  wake(): void;
  /** Starts nothing more and waits for posts under way, `graceMs` at most. What is left is sent after the next start. */
  stop(graceMs: number): Promise<void>;
}

export function createDelivery(parts: DeliveryParts): Delivery {
  const { mail, clock, emit } = parts;
  const senders = new Map<string, Promise<void>>();
  let stopped = false;
  let cancelNext = () => {};

  const look = async (): Promise<void> => {
    cancelNext();
    let nextAt = Number.POSITIVE_INFINITY;
    for (const { at, ...conversation } of await mail.conversationsWithOutbox()) {
      const name = nameOf(conversation);
      if (stopped || senders.has(name) || senders.size >= parallelPosts) continue;
      if (at > clock.now()) nextAt = Math.min(nextAt, at);
      else senders.set(name, send(conversation, name));
    }
    cancelNext();
    if (nextAt < Number.POSITIVE_INFINITY) cancelNext = clock.after(Math.max(0, nextAt - clock.now()), wake);
  };

  const wake = (): void => {
    if (stopped) return;
    look().catch((error: unknown) =>
      emit({ type: 'part.failed', part: 'delivery', problem: messageOf(error) }),
    );
  };

  const send = async (conversation: Conversation, name: SessionName): Promise<void> => {
    try {
      for (;;) {
        const row = stopped ? null : await mail.takeOutbox(conversation, clock.now());
        if (!row) break;
        const result = await deliver(row, parts);
        await mail.settleOutbox(row, result);
        if (row.kind === 'file' && isOver(result)) await parts.files.release(readFile(row.body).id);
        report(name, row, result, parts);
      }
    } catch (error) {
      emit({ type: 'part.failed', part: `delivery to ${name}`, problem: messageOf(error) });
    } finally {
      senders.delete(name);
      wake();
    }
  };

  return {
    wake,
    async stop(graceMs) {
      stopped = true;
      cancelNext();
      const patience = new AbortController();
      const sent = Promise.all(senders.values()).then(() => patience.abort());
      await Promise.race([sent, clock.sleep(graceMs, patience.signal)]);
      patience.abort();
    },
  };
}

async function deliver(row: OutboxRow, parts: DeliveryParts): Promise<DeliveryResult> {
  const bot = parts.findBot(row.botId);
  if (bot === 'gone') return { kind: 'undeliverable', problem: 'the bot no longer exists' };
  if (bot === 'unclear') return retry(row, 'its bot file cannot be read', parts);
  if (row.inDoubt && row.kind !== 'notice') return resolveDoubt(row, bot, parts);
  return judge(row, bot, await write(row, bot, parts), parts);
}

/** `gone`: there is no file any more that could be posted. */
async function write(
  row: OutboxRow,
  bot: Bot,
  { client, files }: DeliveryParts,
): Promise<Posted | Failure | Gone> {
  if (row.kind !== 'file') return client.post(bot.key, row.roomId, row.body);
  const { id, filename, type } = readFile(row.body);
  const opened = await files.open(id);
  if (!opened) return { kind: 'gone', filename };
  return client.attach(bot.key, row.roomId, { filename, type, content: opened.content });
}

interface Gone {
  kind: 'gone';
  filename: string;
}

/** Whether the row, as it was, is not needed any more. */
function isOver({ kind }: DeliveryResult): boolean {
  return kind === 'sent' || kind === 'undeliverable' || kind === 'replaced';
}

function judge(
  row: OutboxRow,
  bot: Bot,
  answer: Posted | Failure | Gone,
  parts: DeliveryParts,
): DeliveryResult | Promise<DeliveryResult> {
  switch (answer.kind) {
    case 'posted':
      return { kind: 'sent', campfireId: answer.id };
    case 'gone': {
      const draft = notice(row, bot, { say: 'file-gone', filename: answer.filename });
      return { kind: 'replaced', draft, problem: 'the file is no longer kept' };
    }
    case 'notMember':
      return { kind: 'undeliverable', problem: 'the bot is not in this room any more' };
    case 'rejected':
      return row.kind === 'notice'
        ? { kind: 'undeliverable', problem: `Campfire refuses it (${answer.status})` }
        : {
            kind: 'replaced',
            draft: notice(row, bot, { say: 'failed' }),
            problem: `Campfire refused it (${answer.status})`,
          };
    case 'unavailable':
      // With a status somebody answered for Campfire, mostly a proxy while Campfire restarts; without one the
      // connection broke after the request was on its way. A stored file whose preview failed is a 500, too.
      return answer.uncertain && row.kind !== 'notice' && (answer.status === null || row.kind === 'file')
        ? resolveDoubt(row, bot, parts)
        : retry(row, `Campfire is not available (${answer.cause})`, parts);
    case 'tooMany':
      return {
        kind: 'retry',
        at: parts.clock.now() + (answer.retryAfterMs ?? longestRetryMs),
        problem: 'Campfire asks to wait',
      };
    default:
      return retry(row, `${answer.kind}${'remedy' in answer ? `: ${answer.remedy}` : ''}`, parts);
  }
}

/** A post was sent and no answer was recorded: find out whether it arrived, or say so when that cannot be known. */
async function resolveDoubt(row: OutboxRow, bot: Bot, parts: DeliveryParts): Promise<DeliveryResult> {
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
  { client }: DeliveryParts,
): Promise<{ kind: 'known'; id: number | null } | Failure> {
  const marker = markerOf({ id: row.turnId, messages: row.messages })(row.ordinal);
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
    if (!oldest || !page.more || Date.parse(oldest.createdAt) < row.decidedAt - clockSkewMs)
      return { kind: 'known', id: null };
    before = oldest.id;
  }
}

/** Still in doubt: the row stays marked as being sent. */
function askAgain(row: OutboxRow, cause: string, parts: DeliveryParts): DeliveryResult {
  if (parts.clock.now() - row.decidedAt > giveUpAfterMs) return { kind: 'undeliverable', problem: cause };
  return { kind: 'ask-again', at: nextTry(row, parts), problem: `Campfire cannot be asked (${cause})` };
}

function notice(row: OutboxRow, bot: Bot, sentence: Sentence) {
  const marker = markerOf({ id: row.turnId, messages: row.messages })(row.ordinal);
  return {
    kind: 'notice' as const,
    body: plainNotice(wordsFor(sentence, languageOf(bot)), `${marker}-notice`),
  };
}

function retry(row: OutboxRow, problem: string, parts: DeliveryParts): DeliveryResult {
  if (parts.clock.now() - row.decidedAt > giveUpAfterMs) return { kind: 'undeliverable', problem };
  return { kind: 'retry', at: nextTry(row, parts), problem };
}

function nextTry(row: OutboxRow, { clock, random }: DeliveryParts): number {
  const delayMs = Math.min(longestRetryMs, firstRetryMs * 2 ** Math.min(row.tries, 16));
  return clock.now() + delayMs * (0.5 + random() / 2);
}

function report(
  session: SessionName,
  row: OutboxRow,
  result: DeliveryResult,
  { emit, clock }: DeliveryParts,
): void {
  const turn = String(row.turnId);
  if (result.kind === 'sent') {
    emit({ type: 'delivery.sent', session, turn, ordinal: row.ordinal, campfireId: result.campfireId });
  } else if (result.kind === 'undeliverable') {
    emit({ type: 'delivery.gave_up', session, turn, problem: result.problem });
  } else {
    const retryMs = result.kind === 'replaced' ? 0 : Math.max(0, Math.round(result.at - clock.now()));
    emit({ type: 'delivery.retrying', session, turn, problem: result.problem, retryMs });
  }
}

function hasClass(html: string, marker: string): boolean {
  return new RegExp(`class="[^"]*\\b${marker}(?![\\w-])[^"]*"`).test(html);
}

function nameOf({ roomId, botId }: Conversation): SessionName {
  return `${roomId}:${botId}`;
}
