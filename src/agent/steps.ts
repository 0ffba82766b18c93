import { basename } from 'node:path';
import type { AgentStep } from './agent.ts';

/** The blocks of a reply or of tool results, as far as they tell of steps. */
interface Block {
  type: string;
  name?: string;
  input?: unknown;
}

/** What a message of the agent says about the work; each counts at least as a sign of life. */
export function stepsIn(message: { type: string; message?: unknown }): AgentStep[] {
  const steps = blocksIn(message).flatMap((block): AgentStep[] => {
    if (block.type === 'tool_result') return [{ kind: 'tool-ended' }];
    if (block.type !== 'tool_use') return [];
    return [{ kind: 'tool', name: block.name ?? 'tool', target: targetOf(block.input) }];
  });
  return steps.length > 0 ? steps : [{ kind: 'activity' }];
}

function blocksIn({ type, message }: { type: string; message?: unknown }): readonly Block[] {
  if (type !== 'assistant' && type !== 'user') return [];
  const { content } = (message ?? {}) as { content?: unknown };
  return Array.isArray(content) ? content : [];
}

/** A file's name without its folders: anything else that a tool is given may be long, or secret. */
function targetOf(input: unknown): string | null {
  const path = (input as { file_path?: unknown } | null | undefined)?.file_path;
  return typeof path === 'string' ? basename(path).slice(0, 80) : null;
}
