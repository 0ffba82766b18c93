import type { Agent, AgentMemory, AgentProfile, OpenAgent, Slot } from '../agent/agent.ts';
import type { Clock } from '../lib/clock.ts';
import type { MemoryReading } from '../processes/memory.ts';
import type { MeasureTrees, TreeMemory } from '../processes/trees.ts';
import type { Emit, SessionName } from '../telemetry/events.ts';
import type { Peaks } from './peaks.ts';
import type { Conversations } from './resume.ts';
import type { Slots } from './slots.ts';
import type { SweepLimits } from './sweep.ts';

/** What sessions, spares and the pool are made of and share. */

/** What a session reads once at its start; another revision needs another process. */
export interface SessionBot {
  id: string;
  revision: string;
  profile: AgentProfile;
}

export interface SessionParts {
  openAgent: OpenAgent;
  conversations: Conversations;
  slots: Slots;
  clock: Clock;
  emit: Emit;
}

/** A live session as others see it. */
export interface SessionSnapshot {
  id: SessionName;
  state: string;
  pid: number | null;
  turns: number;
  idleSeconds: number;
  memoryBytes: number;
}

/** What a conversation takes over. */
export interface ClaimedSpare {
  slot: Slot;
  memory: AgentMemory;
  agent: Agent;
  startedMs: number;
  tree: TreeMemory;
}

export interface PoolOptions extends SweepLimits {
  maxSessions: number | null;
  cores: number;
  /** Given what the trees of all sessions held when they were last measured. */
  readMemory: (treeBytes: number) => MemoryReading;
  measureTrees: MeasureTrees;
  /** The bot's revision as its file says now; null when there is no such bot. */
  revisionOf: (botId: string) => string | null;
}

export interface PoolParts extends SessionParts {
  peaks: Peaks;
}
