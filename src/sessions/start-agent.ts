import type { Agent, AgentMemory, AgentProfile, Slot } from '../agent/agent.ts';
import { costSoFar } from '../agent/transcript.ts';
import { messageOf } from '../lib/errors.ts';
import { endOf } from './file-ends.ts';
import type { SessionParts } from './parts.ts';

/**
 * Makes the slot's folders and starts an agent in them. Never throws: where they cannot be made, as on a full disk, it
 * is an agent that did not come up, which everybody knows how to deal with.
 */
export function startAgent(
  { slots, openAgent }: Pick<SessionParts, 'slots' | 'openAgent'>,
  profile: AgentProfile,
  { id }: Slot,
  memory: AgentMemory,
): Agent {
  try {
    const slot = slots.open(id);
    const transcript = memory.kind === 'resume' ? slots.transcriptPath(slot, memory.id) : null;
    const costSoFarUsd = transcript === null ? 0 : costSoFar(endOf(transcript));
    return openAgent({ profile, slot, memory, costSoFarUsd });
  } catch (error) {
    return notStarted(messageOf(error));
  }
}

function notStarted(cause: string): Agent {
  const end = { cause, death: 'start' as const };
  return {
    ...{ ready: Promise.resolve(), ended: Promise.resolve(end) },
    pid: () => null,
    tree: () => null,
    run: async () => ({ kind: 'died', ...end, began: false }),
    interrupt: async () => {},
    close: async () => ({ forced: null }),
  };
}
