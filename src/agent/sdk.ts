import {
  type McpServerConfig,
  type Options,
  type Query,
  query,
  type SDKMessage,
  type SDKResultMessage,
  type SDKUserMessage,
} from '@anthropic-ai/claude-agent-sdk/core';
import { type Clock, within } from '../lib/clock.ts';
import { messageOf } from '../lib/errors.ts';
import { AsyncQueue } from '../lib/queue.ts';
import type { Child, EndBounds, Supervisor } from '../processes/child.ts';
import type {
  Agent,
  AgentMemory,
  AgentProfile,
  AgentResult,
  OpenAgent,
  Prompt,
  Slot,
  TurnHooks,
} from './agent.ts';
import { grantFor } from './permissions.ts';
import { stepsIn } from './steps.ts';

/**
 * The Claude Agent SDK behind the agent contract.
 *
 * Invariants:
 * 1. One prompt is in the process at a time, and its result is recognised by our uuid: a message sent into a
 *    running turn would be folded into it, and a result nobody asked for must not answer anybody.
 * 2. The process is ours: the SDK is handed our supervised child, and a close waits for its tree, not for the
 *    SDK's iterator, which ends seconds before the process does.
 */

/** How long an interrupted turn may take to say so; a streaming one needs some 15 ms. */
const interruptMs = 1000;
/** An idle agent leaves within 25 ms of end of input, one with slow MCP servers within 600 ms. */
const endBounds: EndBounds = { eofMs: 2000, termMs: 1500 };

export interface SdkAgentParts {
  supervisor: Supervisor;
  clock: Clock;
  /** Everything an agent finds in its environment apart from what names its slot. */
  environment: Readonly<Record<string, string>>;
  /** Whether bots that ask for Bash get it. */
  bashAllowed: boolean;
}

export function createSdkAgents(parts: SdkAgentParts): OpenAgent {
  return (spec) => new SdkAgent(spec, parts);
}

interface Run {
  uuid: string;
  hooks: TurnHooks;
  finish: (result: AgentResult) => void;
  /** Resolves once the agent has begun with the prompt; an interrupt before that would be lost. */
  started: PromiseWithResolvers<void>;
  finished: Promise<AgentResult>;
  interrupted: boolean;
  lastText: string;
  apiError: string | null;
}

class SdkAgent implements Agent {
  readonly ready: Promise<void>;
  readonly ended: Promise<string>;
  readonly #cameUp = Promise.withResolvers<void>();
  readonly #clock: Clock;
  readonly #input = new AsyncQueue<SDKUserMessage>();
  /** Null when there was nothing to start it with. */
  #query: Query | null = null;
  #child: Child | null = null;
  #run: Run | null = null;
  #endReason: string | null = null;
  #costUsd = 0;

  constructor(spec: { profile: AgentProfile; slot: Slot; memory: AgentMemory }, parts: SdkAgentParts) {
    this.#clock = parts.clock;
    const env = { ...parts.environment, ...slotEnvironment(spec.slot) };
    const start = () =>
      query({
        prompt: this.#input,
        options: {
          ...optionsFor(spec.profile, spec.slot, spec.memory, parts.bashAllowed),
          env,
          spawnClaudeCodeProcess: ({ command, args }) => {
            this.#child = parts.supervisor.spawn({
              ...{ command, args, cwd: spec.slot.work, slot: spec.slot.root },
              env: definedOnly(env),
            });
            return this.#child.process;
          },
        },
      });
    this.ended = this.#listen(start);
    this.ready = Promise.race([this.#cameUp.promise, this.ended.then(() => undefined)]);
  }

  pid(): number | null {
    return this.#child?.programPid() ?? null;
  }

  memoryBytes(): number {
    return this.#child?.memoryBytes() ?? 0;
  }

  run(prompt: Prompt, hooks: TurnHooks): Promise<AgentResult> {
    if (this.#run) throw new Error('An agent takes one prompt at a time.');
    if (this.#endReason !== null) return Promise.resolve({ kind: 'died', cause: this.#endReason });
    const { promise, resolve } = Promise.withResolvers<AgentResult>();
    this.#run = {
      ...{ uuid: prompt.uuid, hooks, finish: resolve, finished: promise },
      ...{ started: Promise.withResolvers<void>(), interrupted: false, lastText: '', apiError: null },
    };
    this.#input.push(userMessage(prompt));
    return promise;
  }

  async interrupt(): Promise<void> {
    const run = this.#run;
    if (!run) return;
    run.interrupted = true;
    await within(this.#clock, interruptMs, Promise.race([run.started.promise, run.finished]));
    if (this.#run !== run) return;
    await within(
      this.#clock,
      interruptMs,
      Promise.resolve(this.#query?.interrupt()).catch(() => undefined),
    );
    await within(this.#clock, interruptMs, run.finished);
  }

  async close(): Promise<{ forced: 'TERM' | 'KILL' | null }> {
    if (!this.#run?.interrupted) await this.interrupt();
    this.#input.end();
    const report = (await this.#child?.end(endBounds)) ?? { forced: null };
    this.#query?.close();
    await this.ended;
    return report;
  }

  async #listen(start: () => Query): Promise<string> {
    let reason = 'the process ended';
    try {
      this.#query = start();
      for await (const message of this.#query) this.#hear(message);
    } catch (error) {
      reason = messageOf(error);
    }
    const exit = this.#child ? await within(this.#clock, interruptMs, this.#child.exited) : 'timeout';
    if (exit !== 'timeout') reason = describeExit(reason, exit, this.#child?.stderrTail() ?? '');
    this.#endReason = reason;
    this.#finish(
      /No conversation found/.test(reason)
        ? { kind: 'no-memory', cause: reason }
        : { kind: 'died', cause: reason },
    );
    return reason;
  }

  #hear(message: SDKMessage): void {
    this.#cameUp.resolve();
    const run = this.#run;
    if (!run) return;
    if (isStart(message, run.uuid)) run.started.resolve();
    for (const step of stepsIn(message)) run.hooks.onStep(step);
    if (message.type === 'assistant') {
      if (message.error) run.apiError = message.error;
      const text = message.message.content
        .flatMap((block) => (block.type === 'text' ? [block.text] : []))
        .join('');
      if (text !== '' && message.parent_tool_use_id === null) run.lastText = text;
    }
    if (message.type === 'result' && answers(message, run.uuid)) {
      const costUsd = message.total_cost_usd - this.#costUsd;
      this.#costUsd = message.total_cost_usd;
      this.#finish(resultOf(message, run, costUsd));
    }
  }

  #finish(result: AgentResult): void {
    const run = this.#run;
    this.#run = null;
    run?.finish(run.interrupted && result.kind === 'died' ? { kind: 'interrupted' } : result);
  }
}

function optionsFor(profile: AgentProfile, slot: Slot, memory: AgentMemory, bashAllowed: boolean): Options {
  const grant = grantFor(profile, slot.work, bashAllowed);
  return {
    cwd: slot.work,
    systemPrompt: { type: 'custom', prompt: profile.systemPrompt, snapshot: false },
    ...(profile.model === null ? {} : { model: profile.model }),
    ...(profile.maxTurns === null ? {} : { maxTurns: profile.maxTurns }),
    ...(memory.kind === 'new' ? { sessionId: memory.id } : { resume: memory.id }),
    settingSources: [],
    tools: grant.tools,
    allowedTools: grant.allowed,
    permissionMode: 'dontAsk',
    mcpServers: mcpServersFor(profile),
    mcpServersDelivery: 'initialize',
    strictMcpConfig: true,
    // What people write is not for the CLI to interpret: no `@path` expansion, no slash commands.
    verbatimPrompts: true,
    // Signs of life while a long answer is written: some 30 µs of CPU for each, both sides together.
    includePartialMessages: true,
  };
}

function mcpServersFor(profile: AgentProfile): Record<string, McpServerConfig> {
  return Object.fromEntries(
    Object.entries(profile.mcpServers).map(([name, server]) => [
      name,
      server.type === 'http'
        ? { ...server, headers: { ...server.headers } }
        : { ...server, args: [...server.args], env: { ...server.env } },
    ]),
  );
}

/** Everything `claude` would otherwise leave under the home or temp folder of the service (see docs/decisions.md). */
function slotEnvironment(slot: Slot): Record<string, string> {
  return {
    HOME: slot.config,
    CLAUDE_CONFIG_DIR: slot.config,
    CLAUDE_CODE_TMPDIR: slot.temp,
    TMPDIR: slot.temp,
  };
}

function userMessage({ uuid, text }: Prompt): SDKUserMessage {
  return {
    type: 'user',
    uuid: uuid as `${string}-${string}-${string}-${string}-${string}`,
    message: { role: 'user', content: text },
    parent_tool_use_id: null,
  };
}

function resultOf(message: SDKResultMessage, run: Run, costUsd: number): AgentResult {
  if (message.subtype === 'success') {
    if (!message.is_error) return { kind: 'answered', text: message.result, costUsd };
    // An API failure is reported as a success with an error flag; its text is not for the room.
    const status = message.api_error_status ?? null;
    const code = message.terminal_reason === 'prompt_too_long' ? 'prompt_too_long' : run.apiError;
    return { kind: 'api-error', status, code: code ?? 'unknown', cause: message.result };
  }
  if (run.interrupted) return { kind: 'interrupted' };
  const cause = message.errors.join('; ') || message.subtype;
  if (message.subtype === 'error_max_turns') return { kind: 'max-turns', text: run.lastText, costUsd };
  if (/No conversation found|requires a valid session ID/.test(cause)) return { kind: 'no-memory', cause };
  return { kind: 'api-error', status: null, code: message.subtype, cause };
}

/** A result without any uuid comes from a session that could not even start; it concerns whoever waits. */
function answers(message: SDKResultMessage, uuid: string): boolean {
  return message.user_message_uuid === undefined || message.user_message_uuid === uuid;
}

/** The SDK passes on the CLI's `command_lifecycle` messages, which its types do not list. */
function isStart(message: { type: string }, uuid: string): boolean {
  const { type, subtype, state, command_uuid } = message as Record<string, unknown>;
  return (
    (type === 'command_lifecycle' || subtype === 'command_lifecycle') &&
    state === 'started' &&
    command_uuid === uuid
  );
}

function describeExit(
  reason: string,
  exit: { code: number | null; signal: NodeJS.Signals | null; startError: Error | null },
  stderr: string,
): string {
  const how = exit.startError
    ? `could not start: ${exit.startError.message}`
    : exit.signal
      ? `signal ${exit.signal}`
      : `exit ${exit.code}`;
  const said = stderr.trim().split('\n').at(-1);
  return `${reason} (${how}${said ? `; ${said.slice(0, 300)}` : ''})`;
}

function definedOnly(env: Record<string, string | undefined>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}
