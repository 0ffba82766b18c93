import type { Block, ModelRequest } from './model-request.ts';

/** What was said, and by whom: a request without what the service and the CLI have put around people's words. */

/** One message of a person, with what its heading tells. */
export interface Said {
  author: string;
  /** Null in a direct conversation. */
  room: string | null;
  /** When, as the heading says it. */
  when: string;
  text: string;
}

export interface ToolResult {
  tool: string;
  text: string;
  isError: boolean;
}

/** What a behaviour knows of the conversation. */
export interface Heard extends Said {
  /** Every earlier message of people in this conversation, oldest first. */
  earlier: readonly Said[];
  /** The bot's prompt. */
  prompt: string;
  /** Names of the tools that the model may call. */
  tools: readonly string[];
  /** The working folder of the tools, when the CLI told it. */
  folder: string | null;
  /** Results of the tool calls made for the newest message, oldest first. */
  results: readonly ToolResult[];
}

export function hear(request: ModelRequest): Heard {
  const placed = request.messages.flatMap(({ role, blocks }, message) =>
    role === 'user' ? blocks.flatMap((block, place) => saidIn(block).map((said) => ({ said, message, place }))) : [],
  );
  const newest = placed.at(-1);
  return {
    ...(newest?.said ?? withoutHeading(request)),
    earlier: placed.slice(0, -1).map(({ said }) => said),
    prompt: promptIn(request.system),
    tools: request.tools,
    folder: folderIn(request),
    results: resultsAfter(request, newest?.message ?? lastSpeech(request), newest?.place ?? -1),
  };
}

/**
 * The people's words in a block: behind each heading up to the next one. The service sends several headings at
 * once when somebody wrote several messages in a row, and the CLI joins what a failed turn left unanswered.
 */
function saidIn(block: Block): Said[] {
  if (block.type !== 'text') return [];
  const text = withoutReminders(block.text);
  const headings = [...text.matchAll(/^\[(.+?) in (?:room "(.*)"|a direct conversation), ([^\]\n]+)\]$/gm)];
  return headings.map((heading, index) => ({
    author: heading[1] ?? '',
    room: heading[2] ?? null,
    when: heading[3] ?? '',
    text: text.slice(heading.index + heading[0].length, headings[index + 1]?.index).trim(),
  }));
}

/** Whoever calls the API by hand writes no heading. */
function withoutHeading({ messages }: ModelRequest): Said {
  const texts = messages
    .filter(({ role }) => role === 'user')
    .flatMap(({ blocks }) => blocks.flatMap((block) => (block.type === 'text' ? [block.text] : [])))
    .map((text) => withoutReminders(text).trim())
    .filter((text) => text !== '');
  return { author: 'you', room: null, when: '', text: texts.at(-1) ?? '' };
}

function lastSpeech({ messages }: ModelRequest): number {
  return messages.findLastIndex(
    ({ role, blocks }) => role === 'user' && blocks.some(({ type }) => type === 'text'),
  );
}

/** A message of people may stand in one list with results of earlier calls: only what comes after it is its own. */
function resultsAfter({ messages }: ModelRequest, message: number, place: number): ToolResult[] {
  const names = new Map<string, string>();
  return messages.flatMap(({ blocks }, at) =>
    blocks.flatMap((block, index) => {
      if (block.type === 'tool_use') names.set(block.id, block.name);
      const isLater = at > message || (at === message && index > place);
      if (block.type !== 'tool_result' || !isLater) return [];
      const { toolUseId, text, isError } = block;
      return [{ tool: names.get(toolUseId) ?? '', text: withoutReminders(text).trim(), isError }];
    }),
  );
}

/** The operator's part of the system text: the CLI puts lines about itself before it. */
function promptIn(system: string): string {
  const own = system.replace(/^x-anthropic-billing-header:.*\n?/, '');
  return own.replace(/^You are a Claude agent, built on Anthropic's Claude Agent SDK\.\n/, '').trim();
}

function folderIn({ messages }: ModelRequest): string | null {
  for (const { blocks } of messages) {
    for (const block of blocks) {
      const found = block.type === 'text' && /Primary working directory: (\/.+)/.exec(block.text)?.[1];
      if (found) return found.trim();
    }
  }
  return null;
}

function withoutReminders(text: string): string {
  return text.replace(/<system-reminder>[\s\S]*?<\/system-reminder>/g, '');
}
