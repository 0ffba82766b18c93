import { appendFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Slot } from '../../src/agent/agent.ts';

/** Adds entries to a transcript in a slot, where `claude` has it. */
export function writeLocally(slot: Slot, memoryId: string, entries: readonly object[]): void {
  const folder = join(slot.config, 'projects', 'p');
  mkdirSync(folder, { recursive: true });
  const lines = entries.map((entry) => `${JSON.stringify(entry)}\n`).join('');
  if (lines !== '') appendFileSync(join(folder, `${memoryId}.jsonl`), lines);
}
