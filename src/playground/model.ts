import { type ChatCompletionRequest, type ChatMessage, createServer, type Fixture } from '@copilotkit/aimock';
import type { Clock } from '../lib/clock.ts';
import { type Heard, type Pace, type Reply, slowCharactersPerSecond } from './model/behaviour.ts';
import { behaviourFor } from './model/script.ts';

/** The Anthropic API, played by a script: real `claude` processes work against it, offline and without a key. */
export interface ScriptedModel {
  /** To be given to agents as `ANTHROPIC_BASE_URL`. */
  url: string;
  /** From now on every answer comes at once, also those that would take their time; one under way goes on as it is. */
  skipPacing(): void;
  /** How often the model was asked for an answer to somebody's message. */
  readonly calls: number;
  close(): Promise<void>;
}

export interface ModelOptions {
  clock: Clock;
  /** 0 takes a free one. */
  port?: number;
  /** Answers arrive at the speed of the real model, and not all at once. What is asked to be slow is slow either way. */
  lively?: boolean;
}

/** aimock keeps this many requests, and we as many questions; a long demo must not grow for ever. */
const keptMax = 1_000;
/** Where a connection breaks off: after the answer's beginning and some words. */
const breakAfterChunks = 6;

const slowChunk = 5;
const stepThoughtMs = 1_000;
/** `tps` counts what aimock sends, chunks of `chunkSize` characters; the jitter leaves the sum as it is. */
const paces: Record<Pace, Pick<Fixture, 'chunkSize' | 'streamingProfile'>> = {
  talk: { chunkSize: 8, streamingProfile: { ttft: 350, tps: 40, jitter: 0.4 } },
  slow: {
    chunkSize: slowChunk,
    streamingProfile: { ttft: 250, tps: slowCharactersPerSecond / slowChunk, jitter: 0.4 },
  },
  step: { chunkSize: 200 },
  rush: { chunkSize: 200 },
};

/** Starts the model on 127.0.0.1. */
export async function startScriptedModel({
  clock,
  port = 0,
  lively = false,
}: ModelOptions): Promise<ScriptedModel> {
  const fixtures: Fixture[] = [];
  const asked = new Map<string, number>();
  let pacing = true;
  let calls = 0;

  const hear = (request: ChatCompletionRequest) => {
    const words = wordsIn(request);
    return { ...words, askedBefore: asked.get(questionOf(words)) ?? 0 };
  };
  const paceOf = (request: ChatCompletionRequest): Pace => {
    const { pace = 'talk' } = behaviourFor(hear(request));
    return pacing && (lively || pace === 'slow' || pace === 'step') ? pace : 'rush';
  };
  const decide = async (request: ChatCompletionRequest) => {
    calls++;
    const heard = hear(request);
    const reply = behaviourFor(heard).reply(heard);
    countQuestion(asked, questionOf(heard));
    if (paceOf(request) === 'step') await clock.sleep(stepThoughtMs);
    return responseOf(reply, JSON.stringify(request.messages).length);
  };
  fixtures.push({
    match: {
      predicate: (request) => {
        const heard = hear(request);
        return behaviourFor(heard).breaksOff === true && heard.askedBefore === 0;
      },
    },
    response: decide,
    ...{ ...paces.talk, truncateAfterChunks: breakAfterChunks },
  });
  for (const [pace, timing] of Object.entries(paces)) {
    fixtures.push({
      match: { predicate: (request) => paceOf(request) === pace },
      response: decide,
      ...timing,
    });
  }
  const { server, url } = await createServer(fixtures, {
    ...{ port, host: '127.0.0.1', journalMaxEntries: keptMax, logLevel: 'silent' },
  });
  // aimock goes on streaming to nobody, for as long as the answer takes, unless it is told that this is the end.
  server.on('request', (_, response) => response.once('close', () => response.end()));
  return {
    url,
    skipPacing: () => {
      pacing = false;
    },
    get calls() {
      return calls;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** What tells one question from another: asked again with the same words after the same history, it is the same. */
function questionOf({ author, room, when, text, earlier, toolResults }: Omit<Heard, 'askedBefore'>): string {
  return JSON.stringify([author, room, when, text, earlier.length, toolResults.length]);
}

function countQuestion(asked: Map<string, number>, question: string): void {
  asked.set(question, (asked.get(question) ?? 0) + 1);
  for (const oldest of asked.keys()) {
    if (asked.size <= keptMax) break;
    asked.delete(oldest);
  }
}

/** A token of the real model has some four characters. */
const charactersPerToken = 4;

function responseOf(reply: Reply, readCharacters: number) {
  const usage = (written: string) => ({
    input_tokens: Math.ceil(readCharacters / charactersPerToken),
    output_tokens: Math.ceil(written.length / charactersPerToken),
  });
  if ('say' in reply) return { content: reply.say, usage: usage(reply.say) };
  if ('call' in reply) {
    const given = JSON.stringify(reply.with);
    return { toolCalls: [{ name: reply.call, arguments: given }], usage: usage(given) };
  }
  const { fail: status, type, message } = reply;
  return { status, error: { type, message } };
}

/** Reads the conversation out of a request, without what service and CLI have put around people's words. */
export function wordsIn({ messages, tools = [] }: ChatCompletionRequest): Omit<Heard, 'askedBefore'> {
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
