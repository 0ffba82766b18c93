/**
 * The closed list of lifecycle facts. Each step of a message's way and of a session's life is reported once,
 * as one of these, and log, metrics and console are fed from it alone. An event never carries a key, a token
 * or what people wrote.
 */

/** `<room>:<bot id>`, the name of a conversation wherever people read it. */
export type SessionName = `${number}:${string}`;

/** How a turn came by its session; the field's words for latency. */
export type SessionPath = 'hot' | 'claimed' | 'resumed' | 'opened';

/** When processes that nobody owned were found: at the start, after a session's program had ended, or in between. */
export type ReapCause = 'boot' | 'close' | 'clock';

/** What the model read and wrote, as the API counts it; `input` is what neither came from a cache nor went into one. */
export interface TokenCounts {
  input: number;
  output: number;
  cacheRead: number;
  cacheWrite: number;
}

export type LifecycleEvent =
  | { type: 'service.started'; version: string; url: string; containment: string; detail: string }
  | { type: 'service.degraded'; code: string; problem: string; remedy: string }
  | { type: 'service.draining'; signal: string; graceMs: number }
  | { type: 'service.stopped'; exitCode: number }
  | { type: 'bots.loaded'; bots: string[]; added: string[]; changed: string[]; removed: string[] }
  | { type: 'bots.problem'; file: string; field: string | null; problem: string }
  | { type: 'webhook.refused'; status: number; reason: string; bot: string | null }
  | { type: 'webhook.ignored'; reason: string; bot: string }
  | { type: 'message.accepted'; session: SessionName; messageId: number | null; ackMs: number }
  | { type: 'message.duplicate'; session: SessionName; messageId: number | null }
  /** Too much was coming: the message was settled without a turn. */
  | {
      type: 'message.refused';
      session: SessionName;
      messageId: number | null;
      reason: string;
      count: number;
      limit: number;
    }
  /** An operator gave it another turn. */
  | { type: 'message.replayed'; session: SessionName; messageIds: (number | null)[]; was: string }
  | { type: 'message.control'; session: SessionName; messageId: number | null; word: string }
  /** The room was told that messages wait. */
  | { type: 'message.waiting'; session: SessionName; reason: string; count: number }
  | { type: 'conversation.forgotten'; session: SessionName }
  | { type: 'turn.waiting'; session: SessionName; reason: string; detail: string }
  | { type: 'turn.gave_up_waiting'; session: SessionName; reason: string; waitedMs: number }
  | {
      type: 'turn.started';
      session: SessionName;
      turn: string;
      messageIds: (number | null)[];
      attempt: number;
      path: SessionPath;
      waitedMs: number;
    }
  | { type: 'turn.files'; session: SessionName; turn: string; handed: number; refused: number }
  | { type: 'turn.step'; session: SessionName; turn: string; tool: string }
  | {
      type: 'turn.decided';
      session: SessionName;
      turn: string;
      outcome: string;
      path: SessionPath | null;
      durationMs: number;
      /** Null when the model was not asked, or nobody could tell. */
      costUsd: number | null;
      tokens: TokenCounts | null;
      cause: string | null;
    }
  /** What one attempt at a turn took; nothing tells it of an attempt that was killed. */
  | {
      type: 'turn.spent';
      session: SessionName;
      turn: string;
      bot: string;
      costUsd: number;
      tokens: TokenCounts;
    }
  /** A budget of the day; `bot` null for that of all bots together. */
  | {
      type: 'budget.level';
      level: 'near' | 'used-up';
      bot: string | null;
      spentUsd: number;
      budgetUsd: number;
      percent: number;
    }
  | { type: 'turn.retried'; session: SessionName; turn: string; cause: string }
  | { type: 'turn.postponed'; session: SessionName; turn: string; cause: string; delayMs: number }
  /** Its complete answer was in the transcript already. */
  | { type: 'turn.recovered'; session: SessionName; turn: string }
  /** Another machine has taken the conversation; what runs here ends and writes nothing more. */
  | { type: 'conversation.lost'; session: SessionName }
  | { type: 'session.opening'; session: SessionName; path: SessionPath; detail: string }
  | { type: 'session.opened'; session: SessionName; path: SessionPath; pid: number; openMs: number }
  | { type: 'session.stale'; session: SessionName; problem: string }
  /** The transcript's copy, which other machines go on from, lacks lines. */
  | { type: 'transcript.behind'; session: SessionName; problem: string }
  | { type: 'session.closed'; session: SessionName; reason: string; closeMs: number; forced: string | null }
  | { type: 'session.close_failed'; session: SessionName; problem: string }
  | { type: 'session.expired'; session: SessionName; idleSeconds: number }
  | { type: 'session.evicted'; session: SessionName; reason: string; detail: string }
  | { type: 'session.recycled'; session: SessionName; reason: string; detail: string }
  | { type: 'session.stopped_for_memory'; session: SessionName; detail: string }
  | { type: 'session.died'; session: SessionName; cause: string; death: string }
  | { type: 'session.start_failed'; bot: string; failures: number; restMs: number; cause: string }
  | { type: 'sessions.all_closed'; count: number }
  | { type: 'spare.started'; bot: string; detail: string }
  | { type: 'spare.parked'; bot: string; openMs: number }
  | { type: 'spare.ended'; bot: string; reason: string; detail: string }
  | { type: 'spare.refused'; session: SessionName; cause: string }
  /** The kernel has ended processes for memory: of our control group or, where there is none, of the machine. */
  | { type: 'memory.oom_kill'; count: number }
  | { type: 'memory.level'; level: string; percent: number; usedMb: number; limitMb: number; source: string }
  | { type: 'processes.reaped'; count: number; cause: ReapCause; pids: number[] }
  | { type: 'processes.stuck'; pids: number[] }
  | { type: 'delivery.sent'; session: SessionName; turn: string; ordinal: number; campfireId: number | null }
  | { type: 'delivery.retrying'; session: SessionName; turn: string; problem: string; retryMs: number }
  | { type: 'delivery.gave_up'; session: SessionName; turn: string; problem: string }
  | { type: 'delivery.in_doubt'; session: SessionName; turn: string; resolution: string }
  | {
      type: 'download.shared';
      session: SessionName;
      turn: string;
      id: string;
      as: 'link' | 'attachment';
      bytes: number;
    }
  | { type: 'download.served'; session: SessionName; id: string; bytes: number }
  | { type: 'download.expired'; session: SessionName; id: string; why: string }
  | { type: 'download.refused'; session: SessionName; turn: string; reason: string }
  | {
      type: 'delivery.refused';
      session: SessionName;
      turn: string;
      ordinal: number;
      messageId: number | null;
      status: number;
    }
  /** One call to Claude's API and its HTTP status; null without an answer. */
  | { type: 'claude.called'; status: number | null }
  | { type: 'claude.unreachable'; problem: string }
  /** An agent's call to Claude was not passed on: its token is not valid, or `claude` makes no such call. */
  | { type: 'relay.refused'; status: number }
  | { type: 'campfire.called'; call: string; statusClass: string }
  | { type: 'campfire.unhealthy'; problem: string; remedy: string }
  | { type: 'campfire.recovered'; unhealthyMs: number }
  | { type: 'bot.unhealthy'; bot: string; file: string | null; problem: string; remedy: string }
  | { type: 'bot.recovered'; bot: string; file: string | null; unhealthyMs: number }
  | { type: 'catchup.skipped'; reason: string }
  | { type: 'catchup.done'; rooms: number; accepted: number; unread: number }
  | { type: 'retention.done'; turns: number; conversations: number; folders: number; transcripts: number }
  | { type: 'conversation.forgotten'; session: SessionName }
  | { type: 'storage.trouble'; kind: 'full' | 'failing' | 'damaged'; problem: string; remedy: string }
  | { type: 'storage.recovered' }
  | { type: 'redis.away'; problem: string }
  | { type: 'redis.back' }
  | { type: 'part.failed'; part: string; problem: string };

/** Reports one fact. Never throws and never waits. */
export type Emit = (event: LifecycleEvent) => void;

/** One report to several listeners; a listener that throws does not keep the others from hearing it. */
export function fanOut(listeners: readonly Emit[]): Emit {
  return (event) => {
    for (const listen of listeners) {
      try {
        listen(event);
      } catch {
        // Telemetry must not change what the product does; the next event shows whether the listener lives.
      }
    }
  };
}
