import { type ChatCompletionRequest, type ChatMessage, LLMock } from '@copilotkit/aimock';
import type { Clock } from '../lib/clock.ts';
import { type Behaviour, behaviourFor, type Heard, type Reply } from './model-script.ts';

/** The Anthropic API, played by a script: real `claude` processes work against it, offline and without a key. */
export interface ScriptedModel {
  /** To be given to agents as `ANTHROPIC_BASE_URL`. */
  url: string;
  /** From now on every answer comes at once, also those that would be streamed slowly. */
  skipPacing(): void;
  /** How often the model was asked for an answer to somebody's message. */
  readonly calls: number;
  close(): Promise<void>;
}

/** aimock keeps this many requests; a long demo must not grow for ever. */
const journalMax = 200;
/** A behaviour that breaks off does so once per conversation turn, so that the second try succeeds. */
const breakAfterChunks = 3;

/** Starts the model on 127.0.0.1. */
export async function startScriptedModel({
  clock,
  port = 0,
}: {
  clock: Clock;
  port?: number;
}): Promise<ScriptedModel> {
  const mock = new LLMock({ port, host: '127.0.0.1', journalMaxEntries: journalMax, logLevel: 'silent' });
  let pacing = true;
  let calls = 0;
  const brokenOff = new Set<string>();

  const decide = async (request: ChatCompletionRequest) => {
    calls++;
    const heard = hear(request);
    const behaviour = behaviourFor(heard);
    const reply = behaviour.reply(heard);
    if (pacing && 'say' in reply) await paceStart(clock, behaviour, heard);
    return responseOf(reply);
  };
  const breaksOffNow = (request: ChatCompletionRequest): boolean => {
    const heard = hear(request);
    const turn = `${heard.earlier.length} ${heard.text}`;
    if (!behaviourFor(heard).breaksOff || brokenOff.has(turn)) return false;
    brokenOff.add(turn);
    return true;
  };
  mock.addFixture({
    match: { predicate: breaksOffNow },
    response: decide,
    chunkSize: 20,
    truncateAfterChunks: breakAfterChunks,
  });
  mock.addFixture({ match: { predicate: () => true }, response: decide, chunkSize: 200 });
  const url = await mock.start();
  return {
    url,
    skipPacing: () => {
      pacing = false;
    },
    get calls() {
      return calls;
    },
    close: () => mock.stop(),
  };
}

async function paceStart(clock: Clock, behaviour: Behaviour, heard: Heard): Promise<void> {
  const seconds = behaviour.paceSeconds?.(heard) ?? 0;
  if (seconds > 0) await clock.sleep(seconds * 1000);
}

function responseOf(reply: Reply) {
  if ('say' in reply) return { content: reply.say };
  if ('call' in reply) return { toolCalls: [{ name: reply.call, arguments: JSON.stringify(reply.with) }] };
  const { fail: status, type, message } = reply;
  return { status, error: { type, message } };
}

/** Reads the conversation out of a request, without what service and CLI have put around people's words. */
export function hear({ messages, tools = [] }: ChatCompletionRequest): Heard {
  const spoken = messages.flatMap((message, index) => {
    const text = message.role === 'user' ? wordsOf(textOf(message)) : null;
    return text === null ? [] : [{ ...text, index }];
  });
  const newest = spoken.at(-1);
  const system = messages
    .filter(({ role }) => role === 'system')
    .map(textOf)
    .join('\n');
  return {
    author: newest?.author ?? 'you',
    room: newest?.room ?? null,
    when: newest?.when ?? '',
    text: newest?.text ?? '',
    earlier: spoken.slice(0, -1).map(({ text }) => text),
    prompt: promptIn(system),
    tools: tools.map(({ function: { name } }) => name),
    toolResults: messages
      .slice((newest?.index ?? -1) + 1)
      .filter(({ role }) => role === 'tool')
      .map((message) => withoutReminders(textOf(message)).trim()),
  };
}

/** `[Ann in room "HQ", Tuesday …]` before the words, as the service writes it; null for what no person said. */
function wordsOf(
  content: string,
): { author: string; room: string | null; when: string; text: string } | null {
  const said = withoutReminders(content);
  const headings = [...said.matchAll(/^\[(.+) in (?:room "(.*)"|a direct conversation), ([^\]]+)\]$/gm)];
  const heading = headings.at(-1);
  if (!heading) return null;
  const [line, author = '', room = null, when = ''] = heading;
  return { author, room: room ?? null, when, text: said.slice(heading.index + line.length).trim() };
}

/** The operator's part of the system text: the CLI puts a line about itself before it, aimock joins them. */
function promptIn(system: string): string {
  const [own = ''] = system.split('\n# Where you are\n');
  return own.replace(/^.*?Claude Agent SDK\./s, '').trim();
}

function withoutReminders(text: string): string {
  return text.replace(/<system-reminder>[\s\S]*?<\/system-reminder>/g, '');
}

function textOf({ content }: ChatMessage): string {
  if (typeof content === 'string') return content;
  return (content ?? []).map(({ text }) => text ?? '').join('\n');
}
