import type { AgentMemory, Slot } from '../agent/agent.ts';
import type { TranscriptSink } from '../agent/mirror.ts';
import { FencedOutError } from '../mail/ownership.ts';
import type { Emit } from '../telemetry/events.ts';
import { nameOf } from './redis-records.ts';
import type { Transcripts } from './redis-transcripts.ts';
import type { Conversation } from './resume.ts';
import type { Slots } from './slots.ts';
import { readTranscript } from './transcript-file.ts';

/**
 * Copies to Redis what agents of this machine write to their transcripts, and makes up for what could not be copied.
 *
 * Invariants:
 * 1. A copy whose lines are missing is known to be behind until all of the file has been copied anew.
 * 2. What another machine has since gone on with gets no lines from here: neither now nor when this machine has the
 *    conversation again and an agent from before still writes.
 */
export interface Mirror extends TranscriptSink {
  /** From now on this transcript is the conversation's; lines of one that is nobody's are refused. */
  bind(conversation: Conversation, slot: Slot, memory: AgentMemory): void;
  /** Another machine has taken the conversation: no lines of it are taken from here until it is bound anew. */
  unbind(conversation: Conversation): void;
  /**
   * Copies what is missing. Gives which transcript it is, the name of its last line, and where its file is; nulls when
   * no session of this machine has written any. @throws Error when the copy stays behind.
   */
  settle(
    conversation: Conversation,
  ): Promise<{ slot: Slot | null; memoryId: string | null; last: string | null }>;
}

interface Bond {
  conversation: Conversation;
  slot: Slot;
  memoryId: string;
  last: string | null;
  isBehind: boolean;
}

/** More than there can be sessions; a bond that is missed leaves a copy behind, which the next turn makes up for. */
const bondsMax = 1_000;

export function createMirror(parts: { transcripts: Transcripts; slots: Slots; emit: Emit }): Mirror {
  const { transcripts, slots, emit } = parts;
  const bonds = new Map<string, Bond>();
  const bondOf = (memoryId: string) => [...bonds.values()].find((bond) => bond.memoryId === memoryId);
  return {
    bind({ botId, roomId }, slot, { kind, id: memoryId }) {
      const conversation = { botId, roomId };
      const name = nameOf(conversation);
      const before = bonds.get(name);
      bonds.delete(name);
      // What an earlier life of this machine wrote last may never have been copied.
      const fresh = { conversation, slot, memoryId, last: null, isBehind: kind === 'resume' };
      bonds.set(name, before?.memoryId === memoryId ? before : fresh);
      for (const oldest of bonds.keys()) {
        if (bonds.size <= bondsMax) break;
        bonds.delete(oldest);
      }
    },
    unbind(conversation) {
      bonds.delete(nameOf(conversation));
    },
    async append(part, lines) {
      const bond = bondOf(part.memoryId);
      if (!bond) throw new Error('No conversation has this transcript.');
      if (part.subpath === '') bond.last = lines.findLast(({ uuid }) => uuid !== null)?.uuid ?? bond.last;
      try {
        await transcripts.append(bond.conversation, part, lines);
      } catch (error) {
        // Trying again would not help, and whoever has the conversation goes on from what there is.
        if (error instanceof FencedOutError) return;
        throw error;
      }
    },
    failed(memoryId, problem) {
      const bond = bondOf(memoryId);
      if (!bond) return;
      bond.isBehind = true;
      emit({
        type: 'transcript.behind',
        session: `${bond.conversation.roomId}:${bond.conversation.botId}`,
        problem,
      });
    },
    async settle(conversation) {
      const bond = bonds.get(nameOf(conversation));
      if (!bond) return { slot: null, memoryId: null, last: null };
      if (bond.isBehind === true) {
        await copyAll(bond);
        bond.isBehind = false;
      }
      return bond;
    },
  };

  async function copyAll(bond: Bond): Promise<void> {
    const { conversation, slot, memoryId } = bond;
    const path = slots.transcriptPath(slot, memoryId);
    if (path === null) return;
    for await (const { subpath, lines } of readTranscript(slot, memoryId, path)) {
      const part = { memoryId, subpath };
      const names = lines.flatMap(({ uuid }) => uuid ?? []);
      if (subpath === '') bond.last = names.at(-1) ?? null;
      if (!(await transcripts.hasLines(part, names))) await transcripts.replace(conversation, part, lines);
    }
  }
}
