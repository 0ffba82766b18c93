import type { AgentStep } from './agent.ts';

/** The blocks of a reply or of tool results, as far as they tell of steps. */
interface Block {
  type: string;
  name?: string;
  input?: unknown;
}

/** What a message of the agent says about the work; each counts at least as a sign of life. */
export function stepsIn(message: { type: string; message?: unknown; event?: unknown }): AgentStep[] {
  if (message.type === 'stream_event') return [textIn(message) ?? { kind: 'activity' }];
  const steps = blocksIn(message).flatMap((block): AgentStep[] => {
    if (block.type === 'tool_result') return [{ kind: 'tool-ended' }];
    if (block.type !== 'tool_use') return [];
    return [{ kind: 'tool', name: block.name ?? 'tool', target: targetOf(block.input) }];
  });
  return steps.length > 0 ? steps : [{ kind: 'activity' }];
}

/** Of the model's API as it streams, when it is the agent's own reply and not that of a helper of its. */
function textIn(message: { event?: unknown; parent_tool_use_id?: unknown }): AgentStep | null {
  const { type, delta } = (message.event ?? {}) as {
    type?: unknown;
    delta?: { type?: unknown; text?: unknown };
  };
  if ((message.parent_tool_use_id ?? null) !== null) return null;
  if (type === 'message_start') return { kind: 'text', text: '', begins: true };
  if (type !== 'content_block_delta' || delta?.type !== 'text_delta' || typeof delta.text !== 'string')
    return null;
  return { kind: 'text', text: delta.text, begins: false };
}

function blocksIn({ type, message }: { type: string; message?: unknown }): readonly Block[] {
  if (type !== 'assistant' && type !== 'user') return [];
  const { content } = (message ?? {}) as { content?: unknown };
  return Array.isArray(content) ? content : [];
}

/** Of what a tool is given, only the file that it works on: nobody is told of anything else. */
function targetOf(input: unknown): string | null {
  const path = (input as { file_path?: unknown } | null | undefined)?.file_path;
  return typeof path === 'string' ? path : null;
}
