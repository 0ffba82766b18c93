import type { McpServer } from '../config/bot.ts';
import type { TokenCounts } from '../telemetry/events.ts';
import type { ToolAnswer, ToolCall } from './tools.ts';

/**
 * One conversation partner: a live agent behind a narrow contract, so that sessions and turns know nothing of
 * the SDK. Bounds and liveness are the agent's own duty; who may hold it is the pool's.
 */

/** The folders a session lives in; fixed when its process starts. */
export interface Slot {
  id: string;
  /** Holds the three below, and is all that a contained session sees of the data folder. */
  root: string;
  /** Transcripts and the agent's own settings. */
  config: string;
  /** The conversation's working folder, the current directory of every tool. */
  work: string;
  /** Temporary files and sockets; emptied when the session is closed. */
  temp: string;
}

export interface AgentProfile {
  systemPrompt: string;
  model: string | null;
  tools: readonly string[];
  mcpServers: Readonly<Record<string, McpServer>>;
  maxTurns: number | null;
}

/** Where an agent's memory begins: an id chosen for a new one, or that of a transcript to go on with. */
export type AgentMemory = { kind: 'new'; id: string } | { kind: 'resume'; id: string };

/** What an agent reports while it works on a turn. */
export type AgentStep =
  /** `target` is what the tool works on, in a word that may be shown: a file's name; null when there is none. */
  | { kind: 'tool'; name: string; target: string | null }
  | { kind: 'tool-ended' }
  /** More of the reply that is being written; `begins` when what was written before it is not part of it. */
  | { kind: 'text'; text: string; begins: boolean }
  /** It is alive: words are being written, a request is tried again. */
  | { kind: 'activity' }
  /** The memory is a new one that began with so many exchanges of the old, and nobody has been told yet. */
  | { kind: 'started-over'; exchanges: number };

/** What a turn hands to the agent that runs it: where to report, and later whatever else belongs to one turn alone. */
export interface TurnHooks {
  onStep(step: AgentStep): void;
  /**
   * Carries out a call of a bot tool, made by the agent in this slot, and says what the model is told. Only the
   * running turn knows whose conversation it is, so that an agent can be started before it has one. Never throws.
   */
  useTool(call: ToolCall, slot: Slot): Promise<ToolAnswer>;
}

/** What one prompt took of the model. */
export interface Spent {
  /** At the API's list prices, reckoned by the CLI. */
  costUsd: number;
  tokens: TokenCounts;
}

/** How one prompt ended; `spent` is null when nobody could tell. `cause` is for the operator; people get a sentence made from `kind`. */
export type AgentResult =
  | { kind: 'answered'; text: string; spent: Spent | null }
  | { kind: 'interrupted'; spent: Spent | null }
  | { kind: 'max-turns'; text: string; spent: Spent | null }
  | { kind: 'api-error'; status: number | null; code: string; cause: string; spent: Spent | null }
  | { kind: 'no-memory'; cause: string }
  /** `began` is false when the agent ended before it had taken up the prompt: nothing of it was done. */
  | { kind: 'died'; cause: string; death: DeathCause; began: boolean };

/**
 * Why an agent ended that nobody had asked to: `oom` by the kernel for memory, `killed` by somebody's signal, `crash` by
 * a fault of its own, `exit` by leaving unexpectedly, `start` before it ever came up.
 */
export type DeathCause = 'oom' | 'killed' | 'crash' | 'exit' | 'start';

export interface AgentEnd {
  /** For the operator. */
  cause: string;
  death: DeathCause;
}

export interface Prompt {
  uuid: string;
  text: string;
  /** Pictures that belong to it, shown to the model before the text. */
  images?: readonly PromptImage[];
}

/** Must be what `mediaType` says, 5 MB of base64 and 8,000 pixels a side at most: the API refuses the prompt otherwise. */
export interface PromptImage {
  mediaType: 'image/png' | 'image/jpeg' | 'image/gif' | 'image/webp';
  base64: string;
}

export interface Agent {
  /** The pid of the real `claude`; null when it is not running. */
  pid(): number | null;
  /** Names its process tree to whoever measures it; null before there is one. */
  tree(): string | null;
  /** Runs one prompt to its end; one at a time. Never throws: an agent that dies gives `died`. */
  run(prompt: Prompt, hooks: TurnHooks): Promise<AgentResult>;
  /** Ends the running prompt, which then gives `interrupted`; nothing when none runs. Never throws. */
  interrupt(): Promise<void>;
  /** Resolves when it has come up and, given a prompt meanwhile, begun to work; or has ended. Never rejects. */
  readonly ready: Promise<void>;
  /** Resolves when the process has ended, for whatever reason, with that reason. Never rejects. */
  readonly ended: Promise<AgentEnd>;
  /**
   * Interrupts what runs, ends the process and waits until its whole tree is gone; tells what it took.
   * @throws Error naming the pids when something would not end; calling it again tries again.
   */
  close(): Promise<{ forced: 'TERM' | 'KILL' | null }>;
}

/**
 * Starts an agent in its slot; it takes a prompt at once, or comes up first and waits for one. Nothing about a
 * conversation is needed for that but the slot. Never throws; see `ended`.
 */
export type OpenAgent = (spec: AgentSpec) => Agent;

export interface AgentSpec {
  profile: AgentProfile;
  slot: Slot;
  memory: AgentMemory;
  /** What the memory has cost until now by its own account (`costSoFar`); 0 when absent. A resumed agent counts on from it. */
  costSoFarUsd?: number;
}
