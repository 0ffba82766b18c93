/** What the service itself says in a room, in plain words and never with an internal detail. */
export type Sentence =
  | { say: 'empty-answer' }
  /** `done`: what was done until then, in words; null for nothing. */
  | { say: 'timed-out'; minutes: number; done: string | null }
  | { say: 'stuck'; minutes: number; done: string | null }
  | { say: 'overloaded' }
  | { say: 'overloaded-later'; seconds: number }
  | { say: 'not-authorised' }
  | { say: 'api-failed' }
  | { say: 'too-many-steps' }
  | { say: 'gave-up' }
  | { say: 'out-of-memory' }
  | { say: 'no-room' }
  | { say: 'cannot-start' }
  | { say: 'memory-high'; percent: number; usedMb: number; limitMb: number }
  | { say: 'stopped' }
  /** `doing`: in words that go on after "I am"; null before the first step. */
  | { say: 'working'; doing: string | null }
  | { say: 'in-doubt'; name: string }
  | { say: 'withheld' }
  | { say: 'file-gone'; filename: string }
  | { say: 'was-away' }
  | { say: 'workspace-full'; limitMb: number }
  /** `freeInMs`: until the day's budget is a new one, at midnight of `timeZone`. */
  | { say: 'budget-used-up'; freeInMs: number; timeZone: string }
  /** For operators; `name` of the bot, null for all bots together. */
  | { say: 'budget-level'; name: string | null; percent: number; spentUsd: number; budgetUsd: number }
  | { say: 'failed' }
  /** Begins an answer whose memory is a fresh one with the last `exchanges` of the old. */
  | { say: 'started-over'; exchanges: number }
  /** `stopped`: what ran for whom and how long; null when nothing did. `withdrawn`: waiting messages. */
  | { say: 'stop'; stopped: Running | null; withdrawn: number }
  | { say: 'new'; stopped: Running | null }
  | { say: 'status'; running: Running | null; waiting: number; memory: Memory | null; today: SpentToday }
  | { say: 'help'; name: string; description: string; abilities: string | null }
  | {
      say: 'waiting';
      names: readonly string[];
      position: number;
      reason: WaitReason;
      busyWith: string | null;
    }
  | { say: 'too-fast' | 'bots' | 'full-here' | 'full'; limit: number };

/** A turn as people see it. `step` in words, null before the first. */
export interface Running {
  name: string;
  forMs: number;
  step: string | null;
}

export interface SpentToday {
  turns: number;
  usd: number;
  /** Null without a limit. */
  budgetUsd: number | null;
}

export interface Memory {
  turns: number;
  /** Null when it is not known. */
  beganMsAgo: number | null;
  usedMsAgo: number;
}

export type WaitReason = 'busy' | 'overloaded' | 'memory' | 'starting' | 'other';

export type Wording = { [S in Sentence as S['say']]: (sentence: S) => string };
