import { randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Options, type Query, query, type SDKUserMessage } from '@anthropic-ai/claude-agent-sdk/core';
import { promptText } from '../../src/agent/prompt.ts';
import { systemClock as clock } from '../../src/lib/clock.ts';
import { AsyncQueue } from '../../src/lib/queue.ts';

/**
 * The baseline: a program that uses the Agent SDK as its manual shows, with nothing of this product around it. Runs in a
 * process of its own, as the service does, and takes commands over the channel of `fork`.
 */

export type RawCommand =
  /** A `query()` of its own, process and all; the time until its result. */
  | { do: 'cold'; text: string }
  /** The same, going on with an earlier session. */
  | { do: 'resume'; sessionId: string; text: string }
  /** A turn in a session that is kept alive, and opened when it is not; the time of this turn alone. */
  | { do: 'turn'; name: string; text: string }
  | { do: 'close'; name: string };

export interface RawReply {
  ms: number;
  sessionId: string;
}

interface KeptSession {
  input: AsyncQueue<SDKUserMessage>;
  query: Query;
}

/** Same model, prompt, tools and environment as the service's agents get. */
function optionsIn(folder: string): Options {
  const work = join(folder, 'work');
  mkdirSync(work, { recursive: true });
  const tools = ['Read', 'Write', 'Edit', 'Glob', 'Grep'];
  const { PATH, ANTHROPIC_API_KEY, ANTHROPIC_BASE_URL } = process.env;
  return {
    ...{ cwd: work, model: 'claude-haiku-4-5', systemPrompt: 'You are the assistant of the benchmark.' },
    ...{ settingSources: [], tools, allowedTools: tools.map((tool) => `${tool}(/${work}/**)`) },
    ...{ permissionMode: 'dontAsk', strictMcpConfig: true },
    env: {
      ...{
        PATH,
        ANTHROPIC_API_KEY,
        ANTHROPIC_BASE_URL,
        HOME: folder,
        CLAUDE_CONFIG_DIR: join(folder, 'config'),
      },
      ...{ CLAUDE_CODE_TMPDIR: join(folder, 'temp'), TMPDIR: join(folder, 'temp') },
      ...{ CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1', DISABLE_AUTOUPDATER: '1' },
    },
  };
}

/** The line before the words is what the scripted model knows a person's message by. */
function promptFor(text: string): string {
  return promptText({ author: 'Ann', roomName: null, text, saidAt: clock.now() }, 'UTC');
}

async function once(options: Options, text: string): Promise<RawReply> {
  const startedMs = clock.monotonicMs();
  let reply: RawReply | null = null;
  // The loop goes on until the process has left, so that the next measurement finds the machine at rest.
  for await (const message of query({ prompt: promptFor(text), options })) {
    if (message.type !== 'result') continue;
    if (message.is_error) throw new Error(`The baseline's turn failed: ${JSON.stringify(message)}`);
    reply = { ms: clock.monotonicMs() - startedMs, sessionId: message.session_id };
  }
  if (!reply) throw new Error('The baseline got no result.');
  return reply;
}

function openSession(options: Options): KeptSession {
  const input = new AsyncQueue<SDKUserMessage>();
  return { input, query: query({ prompt: input, options }) };
}

async function turn(session: KeptSession, text: string): Promise<RawReply> {
  const startedMs = clock.monotonicMs();
  session.input.push({
    ...{ type: 'user', uuid: randomUUID(), parent_tool_use_id: null },
    message: { role: 'user', content: promptFor(text) },
  });
  for (;;) {
    const { value, done } = await session.query.next();
    if (done) throw new Error('The baseline’s session ended in the middle of a turn.');
    if (value.type === 'result') return { ms: clock.monotonicMs() - startedMs, sessionId: value.session_id };
  }
}

async function obey(
  command: RawCommand,
  kept: Map<string, KeptSession>,
  options: Options,
): Promise<RawReply> {
  switch (command.do) {
    case 'cold':
      return once(options, command.text);
    case 'resume':
      return once({ ...options, resume: command.sessionId }, command.text);
    case 'turn': {
      const session = kept.get(command.name) ?? openSession(options);
      kept.set(command.name, session);
      return turn(session, command.text);
    }
    case 'close': {
      const session = kept.get(command.name);
      kept.delete(command.name);
      session?.input.end();
      for (let ended = session === undefined; !ended; ) ended = (await session?.query.next())?.done ?? true;
      return { ms: 0, sessionId: '' };
    }
  }
}

function serve(folder: string): void {
  const options = optionsIn(folder);
  const kept = new Map<string, KeptSession>();
  process.on('message', ({ id, command }: { id: number; command: RawCommand }) => {
    obey(command, kept, options).then(
      (reply) => process.send?.({ id, reply }),
      (error: unknown) => process.send?.({ id, problem: String(error) }),
    );
  });
  // The benchmark ended, however it ended: the SDK ends its processes with this one.
  process.on('disconnect', () => process.exit(0));
}

const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error('Usage: raw-host.ts <folder>');
serve(folder);
