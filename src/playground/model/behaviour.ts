/** What a behaviour knows of the conversation. */
export interface Heard {
  /** Who speaks, from the line that the service puts before each message. */
  author: string;
  /** Null in a direct conversation. */
  room: string | null;
  /** When, as that line says it. */
  when: string;
  /** The newest message alone. */
  text: string;
  /** Every earlier message of people in this conversation, oldest first. */
  earlier: readonly string[];
  /** The bot's prompt, as far as the operator wrote it. */
  prompt: string;
  /** Names of the tools that the model may call. */
  tools: readonly string[];
  /** Results of the tool calls made for the newest message, oldest first. */
  toolResults: readonly string[];
  /** How often the model was asked for exactly this answer before: after an error, a broken connection, a crash. */
  askedBefore: number;
}

export type Reply =
  | { say: string }
  | { call: string; with: Record<string, unknown> }
  | { fail: number; type: string; message: string };

/**
 * How an answer arrives when the model takes its time. `talk` is as fast as the real one; `slow` is
 * {@link slowCharactersPerSecond}, so that a length of text is a length of time; `step` thinks for a second before each
 * tool call; `rush` is as fast as it can.
 */
export type Pace = 'talk' | 'slow' | 'step' | 'rush';

export const slowCharactersPerSecond = 60;

export interface Behaviour {
  /** Short, for a button. */
  title: string;
  /** A message that shows it; works as it stands. */
  text: string;
  /** What one can see by it. */
  shows: string;
  /** Under which heading the page lists it. */
  group: 'First' | 'Looks' | 'Files' | 'Long' | 'Trouble';
  /** Its place among those that the page offers at first sight. */
  featured?: number;
  when: RegExp;
  reply(heard: Heard): Reply;
  /** `talk` when absent. */
  pace?: Pace;
  /** The connection breaks after some of the first answer; the second try succeeds. */
  breaksOff?: true;
  /** What the page does besides once the turn runs: end the conversation's agent process, or send a second message. */
  meanwhile?: { act: 'kill'; afterSeconds: number } | { act: 'say'; text: string; afterSeconds: number };
}
