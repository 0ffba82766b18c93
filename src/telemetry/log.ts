import { format } from 'node:util';
import { type DestinationStream, type Logger, pino } from 'pino';
import type { Emit, LifecycleEvent } from './events.ts';

/** How loud an event is, and the words people grep for. Events without a row are `info` under their own name. */
const wording: {
  [T in LifecycleEvent['type']]?: { level: 'debug' | 'info' | 'warn' | 'error'; words: string };
} = {
  'service.started': { level: 'info', words: 'Ready' },
  'service.degraded': { level: 'warn', words: 'Running with less than it could have' },
  'service.draining': { level: 'info', words: '[Shutdown] Draining' },
  'service.stopped': { level: 'info', words: '[Shutdown] Stopped' },
  'bots.loaded': { level: 'info', words: 'Bot files read' },
  'bots.problem': { level: 'error', words: 'A bot file has a problem' },
  'webhook.ignored': { level: 'info', words: 'Webhook ignored' },
  'webhook.refused': { level: 'warn', words: 'Webhook refused' },
  'message.accepted': { level: 'info', words: 'Message accepted' },
  'message.duplicate': { level: 'info', words: 'Message was here already' },
  'message.waiting': { level: 'info', words: 'Told the room that messages wait' },
  'message.refused': { level: 'warn', words: 'Too many messages, one was not taken' },
  'message.replayed': { level: 'info', words: 'Message given another turn by an operator' },
  'message.control': { level: 'info', words: 'Control word' },
  'turn.postponed': { level: 'warn', words: 'Claude is overloaded, trying again later' },
  'turn.recovered': { level: 'info', words: 'The answer was complete before the end' },
  'turn.files': { level: 'info', words: 'Posted files handed to the agent' },
  'turn.started': { level: 'info', words: 'Turn started' },
  'turn.step': { level: 'debug', words: 'Step' },
  'turn.decided': { level: 'info', words: 'Turn decided' },
  'turn.spent': { level: 'debug', words: 'Attempt at a turn paid' },
  'budget.level': { level: 'warn', words: 'A budget of the day is nearly or quite used up' },
  'turn.retried': { level: 'warn', words: 'Turn cut off, trying again' },
  'session.opening': { level: 'info', words: 'Starting a session' },
  'session.opened': { level: 'info', words: 'Session started' },
  'session.stale': { level: 'warn', words: 'No transcript to resume, starting a fresh session' },
  'transcript.behind': { level: 'warn', words: 'A transcript could not be copied for other machines' },
  'session.closed': { level: 'info', words: '[Cleanup] Closed agent client for session' },
  'session.close_failed': { level: 'error', words: '[Cleanup] Error closing agent' },
  'session.expired': { level: 'info', words: '[Cleanup] Removed expired session' },
  'session.died': { level: 'warn', words: 'Agent process died' },
  'turn.waiting': { level: 'info', words: 'Waiting for a session' },
  'turn.gave_up_waiting': { level: 'warn', words: 'Gave up waiting for a session' },
  'session.evicted': { level: 'info', words: 'Evicted an idle session' },
  'session.recycled': { level: 'info', words: 'Recycled a session' },
  'session.stopped_for_memory': { level: 'warn', words: 'Stopped a session that took too much memory' },
  'session.start_failed': { level: 'error', words: 'A session could not be started' },
  'spare.started': { level: 'info', words: 'Starting a spare' },
  'spare.parked': { level: 'info', words: 'Spare ready' },
  'spare.ended': { level: 'info', words: 'Spare ended' },
  'spare.refused': { level: 'warn', words: 'A spare was gone when it was needed, starting a session' },
  'memory.oom_kill': { level: 'warn', words: 'The kernel ended processes for memory' },
  'memory.level': { level: 'warn', words: 'Memory level changed' },
  'sessions.all_closed': { level: 'info', words: '[Shutdown] All sessions closed' },
  'processes.reaped': { level: 'warn', words: 'Ended processes that nobody owned' },
  'processes.stuck': { level: 'error', words: 'Processes that nobody owned did not end' },
  'delivery.sent': { level: 'info', words: 'Sent to Campfire' },
  'delivery.retrying': { level: 'warn', words: 'Campfire did not take a message, trying again' },
  'delivery.gave_up': { level: 'error', words: 'Could not deliver a message' },
  'delivery.refused': { level: 'error', words: 'Campfire refused a message that this service made' },
  'claude.called': { level: 'debug', words: 'Called Claude' },
  'claude.unreachable': { level: 'warn', words: 'Claude cannot be reached, the agent tries again' },
  'relay.refused': { level: 'debug', words: 'A call to Claude was not passed on' },
  'campfire.called': { level: 'debug', words: 'Called Campfire' },
  'campfire.unhealthy': { level: 'error', words: 'Campfire cannot be reached, posts wait' },
  'campfire.recovered': { level: 'info', words: 'Campfire answers again' },
  'bot.unhealthy': { level: 'error', words: 'Campfire refuses the key of a bot, its posts wait' },
  'bot.recovered': { level: 'info', words: 'Campfire takes the key of the bot again' },
  'catchup.skipped': { level: 'info', words: 'What was written while the service was away cannot be read' },
  'catchup.done': { level: 'info', words: 'Read what was written while the service was away' },
  'retention.done': { level: 'info', words: 'Deleted what was kept long enough' },
  'conversation.forgotten': { level: 'info', words: 'Deleted a conversation' },
  'storage.trouble': { level: 'error', words: 'NO MESSAGES ARE ACCEPTED: the database cannot keep them' },
  'storage.recovered': { level: 'info', words: 'The database keeps messages again, they are accepted' },
  'redis.away': { level: 'error', words: 'NO MESSAGES ARE ACCEPTED HERE: Redis cannot be reached' },
  'redis.back': { level: 'info', words: 'Redis can be reached again, messages are accepted' },
  'conversation.lost': { level: 'warn', words: 'Another machine has taken the conversation' },
  'delivery.in_doubt': { level: 'warn', words: 'A post was interrupted by a restart' },
  'download.shared': { level: 'info', words: 'File shared' },
  'download.served': { level: 'info', words: 'File opened' },
  'download.expired': { level: 'info', words: 'File no longer shared' },
  'download.refused': { level: 'info', words: 'File not shared' },
  'part.failed': { level: 'error', words: 'Unexpected error' },
};

/** Stands in the log where a secret would have stood. */
const redacted = '[redacted]';

/** A bot key wherever it appears, such as in a URL: `<user id>-<12 alphanumerics>` (Campfire's user/bot.rb). */
const botKeyPattern = /\b\d+-[A-Za-z0-9]{12}\b/g;

export interface LogOptions {
  level: string;
  /** Exact strings that must never be written, e.g. API keys and bot keys; asked anew per line. */
  secrets: () => Iterable<string>;
  /** Pretty lines for a terminal instead of JSON. The module is loaded only then. */
  destination?: DestinationStream;
}

/**
 * The log: one JSON object per line, with `time` in milliseconds and lifecycle events by their `event` name.
 * Secrets are removed from the finished line, so that no caller can forget to.
 */
export function createLog({ level, secrets, destination }: LogOptions): { log: Logger; emit: Emit } {
  const log = pino(
    {
      level,
      base: null,
      formatters: { level: (label) => ({ level: label }) },
      hooks: { streamWrite: (line) => redact(line, secrets()) },
    },
    destination ?? pino.destination({ dest: 1, sync: true }),
  );
  const emit: Emit = ({ type, ...fields }) => {
    const { level: eventLevel, words } = describeEvent(type);
    log[eventLevel]({ event: type, ...fields }, words);
  };
  return { log, emit };
}

/** What libraries tell the console becomes lines of the log: a stream that breaks off, in the HTTP adapter. */
export function hearConsole(log: Logger, emit: Emit): void {
  const noted = (...said: unknown[]) => log.debug({ problem: format(...said) }, 'A library says');
  const failed = (...said: unknown[]) =>
    emit({ type: 'part.failed', part: 'console', problem: format(...said) });
  Object.assign(console, { debug: noted, log: noted, info: noted, warn: failed, error: failed });
}

/** How loud an event is, and its name in words. */
export function describeEvent(type: LifecycleEvent['type']): {
  level: 'debug' | 'info' | 'warn' | 'error';
  words: string;
} {
  return wording[type] ?? { level: 'info', words: type };
}

/** `text` without any of the given secrets and without anything shaped like a bot key. */
export function redact(text: string, secrets: Iterable<string>): string {
  let clean = text;
  for (const secret of secrets) {
    if (secret.length > 0) clean = clean.replaceAll(secret, redacted);
  }
  return clean.replace(botKeyPattern, redacted);
}
