import type { TokenCounts } from '../telemetry/events.ts';
import type { AgentResult, Spent } from './agent.ts';

/** How the CLI reports the beginning and the end of a prompt; as much of its messages as is read here. */

export type ResultMessage = {
  user_message_uuid?: string | undefined;
  subtype: string;
  /** Of this prompt alone, while the cost beside it adds up over the session. */
  usage: Usage;
} & (
  | { is_error: boolean; result: string; api_error_status?: number | null; terminal_reason?: string | null }
  | { errors: string[] }
);

interface Usage {
  input_tokens: number;
  output_tokens: number;
  cache_read_input_tokens: number;
  cache_creation_input_tokens: number;
}

/** What is known of the prompt that has ended. */
export interface Ended {
  interrupted: boolean;
  /** The last text of its reply. */
  lastText: string;
  /** The error that the CLI named beside a reply of its own; null when there was none. */
  apiError: string | null;
}

export function resultOf(message: ResultMessage, run: Ended, costUsd: number): AgentResult {
  const spent: Spent = { costUsd, tokens: tokensIn(message.usage) };
  if ('result' in message) {
    if (!message.is_error) return { kind: 'answered', text: message.result, spent };
    // An API failure is reported as a success with an error flag; its text is not for the room.
    const status = message.api_error_status ?? null;
    const code = message.terminal_reason === 'prompt_too_long' ? 'prompt_too_long' : run.apiError;
    return { kind: 'api-error', status, code: code ?? 'unknown', cause: message.result, spent };
  }
  if (run.interrupted) return { kind: 'interrupted', spent };
  const cause = message.errors.join('; ') || message.subtype;
  if (message.subtype === 'error_max_turns') return { kind: 'max-turns', text: run.lastText, spent };
  if (/No conversation found|requires a valid session ID/.test(cause)) return { kind: 'no-memory', cause };
  return { kind: 'api-error', status: null, code: message.subtype, cause, spent };
}

function tokensIn(usage: Usage): TokenCounts {
  const { input_tokens: input, output_tokens: output } = usage;
  return {
    ...{ input, output, cacheRead: usage.cache_read_input_tokens },
    cacheWrite: usage.cache_creation_input_tokens,
  };
}

/** What came since `knownUsd`, of a process that counts on; one that has begun to count anew has `totalUsd` new. */
export function newCost(totalUsd: number, knownUsd: number): number {
  return totalUsd < knownUsd ? totalUsd : totalUsd - knownUsd;
}

/** A result without any uuid comes from a session that could not even start; it concerns whoever waits. */
export function answers(message: ResultMessage, uuid: string): boolean {
  return message.user_message_uuid === undefined || message.user_message_uuid === uuid;
}

/** The SDK passes on the CLI's `command_lifecycle` messages, which its types do not list. */
export function isStart(message: { type: string }, uuid: string): boolean {
  const { type, subtype, state, command_uuid } = message as Record<string, unknown>;
  return (
    (type === 'command_lifecycle' || subtype === 'command_lifecycle') &&
    state === 'started' &&
    command_uuid === uuid
  );
}
