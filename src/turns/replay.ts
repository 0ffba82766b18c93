import { OperatorError } from '../lib/errors.ts';
import type { Conversation, Mailbox, Outcome, Replay, ReplayOf } from '../mail/mail.ts';
import type { Emit } from '../telemetry/events.ts';
import { readContent } from './content.ts';
import { nameOf } from './serve.ts';

/** Another turn for a message that ended badly, as an operator asks for it. */

export interface ReplayRequest {
  /** By Campfire's number of a message, for one bot or whichever had it; or by our number of a turn. */
  of: { messageId: number; botId: string | null } | { turnId: number };
  /** Also when it had ended well. */
  force: boolean;
}

/** What will be answered again, as the API shows it. */
export interface Replayed {
  session: string;
  /** Campfire's numbers of the messages; null for senders that have none. */
  messages: Array<number | null>;
  author: string | null;
  /** How its last turn had ended, and for operators why. */
  was: Outcome['kind'];
  cause: string | null;
  /** How many messages wait in front of it. */
  ahead: number;
}

export interface ReplayParts {
  mail: Pick<Mailbox, 'replay'>;
  /** Whose messages may be meant when no bot is named. */
  botIds: () => readonly string[];
  emit: Emit;
  /** Something waits there again. */
  onReplayed: (conversation: Conversation) => void;
}

/**
 * Replays, and tells what will happen. A message that went to several bots is replayed for those for whom it ended badly.
 * @throws OperatorError when there is nothing to replay: `replay_unknown`, `replay_unfinished`, `replay_finished`, or
 *   `replay_ambiguous` when it ended well for several bots and none was named.
 */
export async function replayFor({ of, force }: ReplayRequest, parts: ReplayParts): Promise<Replayed[]> {
  const each = variantsOf(of, parts.botIds());
  const gentle = await Promise.all(
    each.map(async (variant) => ({ variant, result: await parts.mail.replay(variant, false) })),
  );
  const done = gentle.flatMap(({ result }) => (result.kind === 'replayed' ? [result] : []));
  if (done.length === 0 && force) {
    const finished = gentle.filter(({ result }) => result.kind === 'finished').map(({ variant }) => variant);
    if (finished.length > 1) throw ambiguous(finished);
    const [only] = finished;
    const forced = only && (await parts.mail.replay(only, true));
    if (forced?.kind === 'replayed') done.push(forced);
  }
  if (done.length === 0) throw refusalOf(gentle.map(({ result }) => result));
  return done.map((replayed) => tell(replayed, parts));
}

function variantsOf(of: ReplayRequest['of'], botIds: readonly string[]): ReplayOf[] {
  if ('turnId' in of) return [of];
  const { messageId, botId } = of;
  return (botId === null ? botIds : [botId]).map((id) => ({ messageId, botId: id }));
}

function ambiguous(variants: readonly ReplayOf[]): OperatorError {
  const bots = variants.map((of) => ('botId' in of ? of.botId : '')).join(', ');
  return new OperatorError(
    'replay_ambiguous',
    `That message was answered by several bots: ${bots}.`,
    'Name the one that shall answer again.',
  );
}

function refusalOf(results: readonly Replay[]): OperatorError {
  const finished = results.find((result) => result.kind === 'finished');
  if (finished) {
    return new OperatorError(
      'replay_finished',
      `Its turn has ended well: ${finished.was.kind}.`,
      'Insist (--force) to have it answered again.',
    );
  }
  if (results.some(({ kind }) => kind === 'unfinished')) {
    return new OperatorError(
      'replay_unfinished',
      'It waits, is being answered or is being delivered.',
      'Wait for its outcome.',
    );
  }
  return new OperatorError(
    'replay_unknown',
    'No question is on record under that number.',
    'Take it from the log (messageIds, turn); what is older than RETENTION_DAYS is gone, and a replay has another turn.',
  );
}

function tell(
  { conversation, messages, was, ahead }: Extract<Replay, { kind: 'replayed' }>,
  { emit, onReplayed }: Pick<ReplayParts, 'emit' | 'onReplayed'>,
): Replayed {
  const session = nameOf(conversation);
  const ids = messages.map(({ messageId }) => messageId);
  onReplayed(conversation);
  emit({ type: 'message.replayed', session, messageIds: ids, was: was.kind });
  return {
    ...{ session, messages: ids, author: readContent(messages[0].content).author, was: was.kind, ahead },
    cause: 'cause' in was ? was.cause : null,
  };
}
