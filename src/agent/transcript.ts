import { z } from 'zod';
import { withoutAdditions } from './prompt.ts';

/**
 * Reads the CLI's own record of a session: one JSON object per line, of which only prompts and replies matter here.
 * Pure. Facts (CLI 2.1.330): a prompt's line carries the uuid that it was sent with and a `promptSource`; every entry
 * names its `parentUuid`; a reply that is complete has the `stop_reason` `end_turn`; what an interrupt or the CLI
 * itself put in says so. The file grows every 100 ms or so, and a killed process may tear its last line: lines that
 * cannot be read are left out, as the CLI does.
 */

/** What became of a prompt. */
export type PromptFate =
  /** It never reached the transcript. */
  | { kind: 'absent' }
  /** It is there; steps may have run, but no complete answer followed. */
  | { kind: 'unanswered' }
  | { kind: 'answered'; text: string };

/** A prompt and its complete answer, both without what this service put around people's words. */
export interface Exchange {
  asked: string;
  answered: string;
}

export function fateOfPrompt(transcript: string, promptUuid: string): PromptFate {
  const found = turnsIn(transcript).find(({ uuid }) => uuid === promptUuid);
  if (!found) return { kind: 'absent' };
  return found.answer === null ? { kind: 'unanswered' } : { kind: 'answered', text: found.answer };
}

/** The newest answered exchanges, oldest first, each side cut to `sideMax` and all of them to `totalMax` characters. */
export function lastExchanges(
  transcript: string,
  { totalMax, sideMax }: { totalMax: number; sideMax: number },
): Exchange[] {
  const kept: Exchange[] = [];
  let total = 0;
  for (const { prompt, answer } of turnsIn(transcript).reverse()) {
    if (answer === null || answer.trim() === '') continue;
    const exchange = { asked: cut(withoutAdditions(prompt), sideMax), answered: cut(answer, sideMax) };
    total += exchange.asked.length + exchange.answered.length;
    if (total > totalMax) break;
    kept.unshift(exchange);
  }
  return kept;
}

const costLine = '{"type":"cost-state"';
const costState = z.object({ totalCostUSD: z.number().nonnegative() });

/** What a session has cost in US dollars by its last note of that, from which a process that resumes it counts on. */
export function costSoFar(transcript: string): number {
  for (let end = transcript.length; end > 0; ) {
    const start = transcript.lastIndexOf(costLine, end - 1);
    if (start === -1) return 0;
    const [line = ''] = transcript.slice(start, end).split('\n', 1);
    const note = costState.safeParse(parse(line)).data;
    // It may stand inside of what somebody said, or be torn.
    if (note && (start === 0 || transcript[start - 1] === '\n')) return note.totalCostUSD;
    end = start;
  }
  return 0;
}

/** When the memory that a transcript holds begins, epoch ms; null when it does not say. */
export function beganAt(transcript: string): number | null {
  const [, first] = /"timestamp":"([^"]+)"/.exec(transcript) ?? [];
  const time = first === undefined ? Number.NaN : Date.parse(first);
  return Number.isNaN(time) ? null : time;
}

interface RecordedTurn {
  uuid: string;
  prompt: string;
  /** Null when no complete answer followed. */
  answer: string | null;
}

const block = z.object({ type: z.string(), text: z.string().optional() });
const entrySchema = z.object({
  type: z.enum(['user', 'assistant']),
  uuid: z.string(),
  isSidechain: z.boolean().optional(),
  promptSource: z.string().optional(),
  message: z.object({
    id: z.string().optional(),
    model: z.string().optional(),
    stop_reason: z.string().nullish(),
    content: z.union([z.string(), z.array(block)]),
  }),
});
type Entry = z.output<typeof entrySchema>;

/** Entries stand in the order in which they came; between two prompts lies what followed the first of them. */
function turnsIn(transcript: string): RecordedTurn[] {
  const turns: RecordedTurn[] = [];
  let replyId: string | undefined;
  for (const entry of entriesIn(transcript)) {
    const text = textOf(entry);
    if (entry.type === 'user') {
      replyId = undefined;
      const last = turns.at(-1);
      if (entry.promptSource !== undefined) turns.push({ uuid: entry.uuid, prompt: text, answer: null });
      else if (last && text.startsWith('[Request interrupted')) last.answer = null;
      continue;
    }
    const turn = turns.at(-1);
    if (!turn || entry.message.model === '<synthetic>') continue;
    // A reply of several blocks has as many lines, with the same id.
    const before = entry.message.id !== undefined && entry.message.id === replyId ? (turn.answer ?? '') : '';
    turn.answer = entry.message.stop_reason === 'end_turn' ? before + text : null;
    replyId = entry.message.id;
  }
  return turns;
}

function* entriesIn(transcript: string): Generator<Entry> {
  for (const line of transcript.split('\n')) {
    // Copies of whole requests make up most of a transcript; none of them is needed.
    if (line === '' || line.startsWith('{"type":"api-request')) continue;
    const entry = entrySchema.safeParse(parse(line)).data;
    if (entry && entry.isSidechain !== true) yield entry;
  }
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

function textOf({ message: { content } }: Entry): string {
  if (typeof content === 'string') return content;
  return content.flatMap(({ type, text }) => (type === 'text' ? [text ?? ''] : [])).join('');
}

function cut(text: string, max: number): string {
  const whole = text.trim();
  return whole.length <= max ? whole : `${whole.slice(0, max).toWellFormed()} …`;
}
