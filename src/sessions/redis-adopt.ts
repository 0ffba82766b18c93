import type { Ownership } from '../mail/ownership.ts';
import type { RedisStore } from '../store/redis.ts';
import { hasFiles } from './redis-conversations.ts';
import { runFenced } from './redis-fenced.ts';
import { adoptMemory, nameOf } from './redis-records.ts';
import { createRedisTranscripts, type Transcripts } from './redis-transcripts.ts';
import type { KeptMemory } from './resume.ts';
import type { Slots } from './slots.ts';
import { readTranscript } from './transcript-file.ts';

/** What is moved into Redis of a conversation that was on record in a machine's own database. */
export interface AdoptParts {
  store: RedisStore;
  ownership: Ownership;
  slots: Slots;
  bootId: string;
}

/**
 * Puts the conversation on record, as one that this machine had last, and copies its transcript. Again, it copies what
 * is missing; one that has begun anew since is left alone. The machine must have the conversation.
 */
export async function adopt(kept: KeptMemory, parts: AdoptParts): Promise<'adopted' | 'there'> {
  const { ownership, slots, bootId } = parts;
  const { slotId, memoryId, turns, usedAt, givenUpId } = kept;
  const slot = slots.at(slotId);
  const here = [`${ownership.machine} ${bootId}`, givenUpId ?? '', hasFiles(slot) ? ownership.machine : ''];
  const values = [nameOf(kept), slotId, memoryId, turns, usedAt, ...here];
  const memory = await runFenced<string>(adoptMemory, kept, values, parts);
  if (memory !== memoryId) return 'there';
  const transcripts = createRedisTranscripts(parts);
  const paths: [string, string | null][] = [[memoryId, slots.transcriptPath(slot, memoryId)]];
  if (givenUpId !== null) paths.push([givenUpId, slots.asidePath(slot, givenUpId)]);
  let added = 0;
  for (const [id, path] of paths)
    if (path !== null) added += await copy(kept, id, readTranscript(slot, id, path), transcripts);
  return added > 0 ? 'adopted' : 'there';
}

async function copy(
  conversation: KeptMemory,
  memoryId: string,
  parts: ReturnType<typeof readTranscript>,
  transcripts: Transcripts,
): Promise<number> {
  let added = 0;
  for await (const { subpath, lines } of parts) {
    const names = lines.flatMap(({ uuid }) => uuid ?? []);
    if (await transcripts.hasLines({ memoryId, subpath }, names)) continue;
    await transcripts.replace(conversation, { memoryId, subpath }, lines);
    added += lines.length;
  }
  return added;
}
