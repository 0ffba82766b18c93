import {
  createSdkMcpServer,
  type McpServerConfig,
  type Options,
  type Query,
  query,
  type SDKMessage,
  type SDKUserMessage,
  tool,
} from '@anthropic-ai/claude-agent-sdk/core';
import { type Clock, within } from '../lib/clock.ts';
import { messageOf } from '../lib/errors.ts';
import { AsyncQueue } from '../lib/queue.ts';
import type { Child, EndBounds, Supervisor } from '../processes/child.ts';
import type {
  Agent,
  AgentEnd,
  AgentMemory,
  AgentProfile,
  AgentResult,
  AgentSpec,
  OpenAgent,
  Prompt,
  Slot,
  TurnHooks,
} from './agent.ts';
import { deathOf, describeExit } from './death.ts';
import { definedOnly, slotEnvironment } from './environment.ts';
import { mirrorInto, type TranscriptSink } from './mirror.ts';
import { grantFor } from './permissions.ts';
import type { Access } from './relay.ts';
import { answers, isStart, newCost, resultOf } from './result.ts';
import { stepsIn } from './steps.ts';
import { answerFor, botTools, type ToolCall, toolServer } from './tools.ts';

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
  /** What every agent finds in its environment; its slot and its way to Claude come on top. */
  environment: Readonly<Record<string, string>>;
  /** Asked once for each agent; the way is closed when its process has ended. */
  admit: () => Access;
  /** Whether bots that ask for Bash get it. */
  bashAllowed: boolean;
  /** Whether the kernel has just ended a process of ours for memory. */
  oomKilled: () => boolean;
  /** Where transcripts are copied to, for other machines. */
  transcripts?: TranscriptSink;
}

export function createSdkAgents(parts: SdkAgentParts): OpenAgent {
  const found: Found = {};
  return (spec) => new SdkAgent(spec, parts, found);
}

/** Where the SDK found `claude`: each search holds up the event loop for some 6 ms (a report of the whole process). */
type Found = Pick<Options, 'pathToClaudeCodeExecutable'>;

interface Run {
  uuid: string;
  hooks: TurnHooks;
  finish: (result: AgentResult) => void;
  /** Resolves once the agent has begun with the prompt; an interrupt before that would be lost. */
  started: PromiseWithResolvers<void>;
  began: boolean;
  finished: Promise<AgentResult>;
  interrupted: boolean;
  lastText: string;
  apiError: string | null;
}

class SdkAgent implements Agent {
  readonly ready: Promise<void>;
  readonly ended: Promise<AgentEnd>;
  readonly #cameUp = Promise.withResolvers<void>();
  readonly #parts: SdkAgentParts;
  readonly #clock: Clock;
  readonly #input = new AsyncQueue<SDKUserMessage>();
  /** Null when there was nothing to start it with. */
  #query: Query | null = null;
  #child: Child | null = null;
  #run: Run | null = null;
  #isUp = false;
  #end: AgentEnd | null = null;
  /** What the process has reported so far, which it reports again with each result. */
  #costUsd: number;

  constructor(spec: AgentSpec, parts: SdkAgentParts, found: Found) {
    this.#parts = parts;
    this.#clock = parts.clock;
    this.#costUsd = spec.costSoFarUsd ?? 0;
    const access = parts.admit();
    const env = { ...parts.environment, ...access.environment, ...slotEnvironment(spec.slot) };
    const start = () =>
      query({
        prompt: this.#input,
        options: {
          ...optionsFor(spec.profile, spec.slot, spec.memory, parts.bashAllowed),
          mcpServers: { ...mcpServersFor(spec.profile), [toolServer]: this.#toolServer(spec.slot) },
          ...mirrorOptions(parts.transcripts),
          ...found,
          env,
          spawnClaudeCodeProcess: ({ command, args }) => {
            found.pathToClaudeCodeExecutable = command;
            const at = { cwd: spec.slot.work, slot: spec.slot.root };
            this.#child = parts.supervisor.spawn({ command, args, ...at, env: definedOnly(env) });
            return this.#child.process;
          },
        },
      });
    this.ended = this.#listen(start).finally(() => access.revoke());
    this.ready = Promise.race([this.#cameUp.promise, this.ended.then(() => undefined)]);
  }

  pid(): number | null {
    return this.#child?.programPid() ?? null;
  }

  tree(): string | null {
    return this.#child?.tag ?? null;
  }

  run(prompt: Prompt, hooks: TurnHooks): Promise<AgentResult> {
    if (this.#run) throw new Error('An agent takes one prompt at a time.');
    if (this.#end !== null) return Promise.resolve({ kind: 'died', ...this.#end, began: false });
    const { promise, resolve } = Promise.withResolvers<AgentResult>();
    this.#run = {
      ...{ uuid: prompt.uuid, hooks, finish: resolve, finished: promise },
      ...{ started: Promise.withResolvers<void>(), began: false, interrupted: false },
      ...{ lastText: '', apiError: null },
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

  async #listen(start: () => Query): Promise<AgentEnd> {
    let cause = 'the process ended';
    try {
      this.#query = start();
      this.#query.initializationResult().then(
        () => this.#shakeHands(),
        // A process that dies before is heard of through `ended`.
        () => undefined,
      );
      for await (const message of this.#query) this.#hear(message);
    } catch (error) {
      cause = messageOf(error);
    }
    const waited = this.#child ? await within(this.#clock, interruptMs, this.#child.exited) : 'timeout';
    const exit = waited === 'timeout' ? null : waited;
    if (exit) cause = describeExit(cause, exit, this.#child?.stderrTail() ?? '');
    const end = { cause, death: deathOf(exit, this.#isUp, this.#parts.oomKilled) };
    this.#end = end;
    const lost = /No conversation found/.test(cause);
    this.#finish(
      lost ? { kind: 'no-memory', cause } : { kind: 'died', ...end, began: this.#run?.began ?? false },
    );
    return end;
  }

  /** The process has started; with a prompt it is not up before it says something about it. */
  #shakeHands(): void {
    this.#isUp = true;
    if (!this.#run) this.#cameUp.resolve();
  }

  #hear(message: SDKMessage): void {
    this.#isUp = true;
    this.#cameUp.resolve();
    if (message.type === 'system' && message.subtype === 'mirror_error')
      this.#parts.transcripts?.failed(message.key.sessionId, message.error);
    const run = this.#run;
    if (!run) return;
    if (isStart(message, run.uuid)) {
      run.began = true;
      run.started.resolve();
    }
    for (const step of stepsIn(message)) run.hooks.onStep(step);
    if (message.type === 'assistant') {
      if (message.error) run.apiError = message.error;
      const text = message.message.content
        .flatMap((block) => (block.type === 'text' ? [block.text] : []))
        .join('');
      if (text !== '' && message.parent_tool_use_id === null) run.lastText = text;
    }
    if (message.type === 'result' && answers(message, run.uuid)) {
      const costUsd = newCost(message.total_cost_usd, this.#costUsd);
      this.#costUsd = message.total_cost_usd;
      this.#finish(resultOf(message, run, costUsd));
    }
  }

  /** An instance serves one process: in a second one its tools would be missing, silently. */
  #toolServer(slot: Slot): McpServerConfig {
    const use = (call: ToolCall) => this.#run?.hooks.useTool(call, slot) ?? answerFor({ kind: 'no-turn' });
    const tools = botTools.map(({ name, description, shape, read }) =>
      tool(name, description, shape, async (args) => {
        const { text, isError } = await use(read(args));
        return { content: [{ type: 'text', text }], isError };
      }),
    );
    return createSdkMcpServer({ name: toolServer, tools, alwaysLoad: true });
  }

  #finish(result: AgentResult): void {
    const run = this.#run;
    this.#run = null;
    run?.finish(run.interrupted && result.kind === 'died' ? { kind: 'interrupted', spent: null } : result);
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
    mcpServersDelivery: 'initialize',
    strictMcpConfig: true,
    // What people write is not for the CLI to interpret: no `@path` expansion, no slash commands.
    verbatimPrompts: true,
    // Signs of life while a long answer is written: some 30 µs of CPU for each, both sides together.
    includePartialMessages: true,
  };
}

/** At once, not at the end of a turn: what a machine had done when it died is what the next one has to know. */
function mirrorOptions(
  sink: TranscriptSink | undefined,
): Pick<Options, 'sessionStore' | 'sessionStoreFlush'> {
  return sink ? { sessionStore: mirrorInto(sink), sessionStoreFlush: 'eager' } : {};
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

function userMessage({ uuid, text, images = [] }: Prompt): SDKUserMessage {
  const pictures = images.map(({ mediaType, base64 }) => ({
    ...{ type: 'image' as const, source: { type: 'base64' as const, media_type: mediaType, data: base64 } },
  }));
  return {
    type: 'user',
    uuid: uuid as `${string}-${string}-${string}-${string}-${string}`,
    message: { role: 'user', content: pictures.length === 0 ? text : [...pictures, { type: 'text', text }] },
    parent_tool_use_id: null,
  };
}
