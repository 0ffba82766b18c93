import type { LifecycleEvent } from '../../telemetry/events.ts';
import type { TurnRecord } from '../history/turns.ts';
import { age, duration } from './format.ts';

/** Why a turn was slow, cold, refused or failed: its facts in words, and its time by phases. Pure. */

export interface Phase {
  name: 'waiting' | 'opening' | 'working' | 'posting';
  ms: number;
}

/** How the time from the message to the outcome in the room was spent; the phases follow each other without a gap. */
export function phasesOf(turn: TurnRecord, now: number): Phase[] {
  const end = turn.sentAt ?? (turn.decidedAt === null || isPosting(turn) ? now : turn.decidedAt);
  const marks: [Phase['name'], number | null][] = [
    ['waiting', turn.startedAt],
    ['opening', turn.openedAt],
    ['working', turn.decidedAt],
    ['posting', turn.sentAt],
  ];
  const phases: Phase[] = [];
  let from = turn.arrivedAt;
  for (const [name, until] of marks) {
    if (until === null || until < from) continue;
    if (until > from) phases.push({ name, ms: until - from });
    from = until;
  }
  if (end > from) phases.push({ name: phaseNow(turn), ms: end - from });
  return phases;
}

/** From the oldest message to the outcome in the room, or until now. */
export function tookMs(turn: TurnRecord, now: number): number {
  return phasesOf(turn, now).reduce((sum, { ms }) => sum + ms, 0);
}

/** Decided, and the room has not got it: only what is being tried still counts as time. */
function isPosting({ sentAt, facts }: TurnRecord): boolean {
  return sentAt === null && facts.at(-1)?.event.type === 'delivery.retrying';
}

function phaseNow(turn: TurnRecord): Phase['name'] {
  if (turn.decidedAt !== null) return 'posting';
  if (turn.startedAt === null) return 'waiting';
  return turn.openedAt === null && turn.path !== 'hot' && turn.path !== 'claimed' ? 'opening' : 'working';
}

export interface Reason {
  at: number | null;
  words: string;
  detail: string | null;
  isTrouble: boolean;
}

const pathReasons = {
  hot: 'Hot: its session was alive and idle.',
  claimed: 'It took a spare: a session that had been started ahead.',
  resumed: 'Resumed: its session had been closed, and was started again with its memory.',
  opened: 'Cold: a new session was started, because this conversation had none before.',
} as const;

/** In the order in which it happened; what made the path first. */
export function reasonsOf(turn: TurnRecord): Reason[] {
  const reasons: Reason[] = [];
  if (turn.path !== null)
    reasons.push({ at: null, words: pathReasons[turn.path], detail: null, isTrouble: false });
  for (const { at, event } of turn.facts) {
    const said = wordsFor(event);
    if (said) reasons.push({ at, detail: null, isTrouble: false, ...said });
  }
  if (turn.attempt > 1)
    reasons.push({ at: null, words: `This is try ${turn.attempt} of 3.`, detail: null, isTrouble: true });
  if (turn.cause !== null)
    reasons.push({
      at: turn.decidedAt,
      words: 'This ended it:',
      detail: turn.cause,
      isTrouble: turn.outcome !== 'stopped',
    });
  return reasons;
}

type Said = Pick<Reason, 'words'> & Partial<Reason>;

const endReasons: Readonly<Record<string, string>> = {
  idle: 'it had been idle for long enough',
  evicted: 'to make room for another',
  recycled: 'to be replaced by a fresh process',
  operator: 'by an operator',
  died: 'its process had ended',
  shutdown: 'the service stopped',
  stopped: 'it did not stop when told to',
  'bot-changed': 'the bot’s file had changed',
};

const waitReasons: Readonly<Record<string, string>> = {
  memory: 'Waited for memory.',
  'max-sessions': 'Waited for one of MAX_SESSIONS.',
  starts: 'Waited for other sessions to come up: only so many are started at once.',
  queue: 'Waited behind others.',
  closing: 'Waited for a session to end.',
};

function wordsFor(event: LifecycleEvent): Said | null {
  return wordsForSession(event) ?? wordsForTurn(event) ?? wordsForPosts(event);
}

function wordsForSession(event: LifecycleEvent): Said | null {
  switch (event.type) {
    case 'session.expired':
      return { words: `Before that its session was closed: idle for ${age(event.idleSeconds * 1000)}.` };
    case 'session.closed':
      return { words: `Before that its session was closed: ${endReasons[event.reason] ?? event.reason}.` };
    case 'session.evicted':
      return { words: 'Before that its session was closed to make room for another.', detail: event.detail };
    case 'session.recycled':
      return { words: `Before that its session was recycled (${event.reason}).`, detail: event.detail };
    case 'session.opening':
      return { words: 'A session was started for it.', detail: event.detail };
    case 'session.died':
      return { words: `Its agent ended unasked (${event.death}).`, detail: event.cause, isTrouble: true };
    case 'session.stale':
      return { words: 'Its memory could not be resumed.', detail: event.problem, isTrouble: true };
    case 'session.stopped_for_memory':
      return { words: 'It was stopped for taking too much memory.', detail: event.detail, isTrouble: true };
    case 'spare.refused':
      return { words: 'The spare that it should have had was gone.', detail: event.cause, isTrouble: true };
    default:
      return null;
  }
}

function wordsForTurn(event: LifecycleEvent): Said | null {
  switch (event.type) {
    case 'turn.waiting':
      return { words: waitReasons[event.reason] ?? `Waited: ${event.reason}.`, detail: event.detail };
    case 'turn.gave_up_waiting':
      return {
        words: `Got no session within ${duration(event.waitedMs)} (${event.reason}).`,
        isTrouble: true,
      };
    case 'message.waiting':
      return {
        words: `The room was told that ${event.count === 1 ? 'a message waits' : `${event.count} messages wait`} (${event.reason}).`,
      };
    case 'message.refused':
      return {
        words: `Refused: ${event.count} messages where ${event.limit} are allowed (${event.reason}).`,
        isTrouble: true,
      };
    case 'turn.retried':
      return { words: 'Cut off, and begun again.', detail: event.cause, isTrouble: true };
    case 'turn.postponed':
      return {
        words: `Claude was overloaded: put off for ${duration(event.delayMs)}.`,
        detail: event.cause,
        isTrouble: true,
      };
    case 'turn.recovered':
      return { words: 'The answer was complete in the transcript; the model was not asked again.' };
    case 'turn.files':
      return { words: `Files from the room: ${event.handed} handed over, ${event.refused} not.` };
    case 'download.shared':
      return { words: `It shared a file as ${event.as === 'link' ? 'a link' : 'an attachment'}.` };
    case 'download.refused':
      return { words: `A file was not shared (${event.reason}).`, isTrouble: true };
    default:
      return null;
  }
}

function wordsForPosts(event: LifecycleEvent): Said | null {
  switch (event.type) {
    case 'delivery.retrying':
      return {
        words: `Campfire did not take it; tried again after ${duration(event.retryMs)}.`,
        detail: event.problem,
        isTrouble: true,
      };
    case 'delivery.gave_up':
      return { words: 'It could not be delivered.', detail: event.problem, isTrouble: true };
    case 'delivery.refused':
      return { words: `Campfire refused what was made of the answer (${event.status}).`, isTrouble: true };
    case 'delivery.in_doubt':
      return { words: 'A post was interrupted by a restart.', detail: event.resolution };
    default:
      return null;
  }
}
