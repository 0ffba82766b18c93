import { appendFileSync, existsSync, globSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Slot } from '../../src/agent/agent.ts';

/** Adds entries to a transcript in a slot as `claude` does: where it is, or in a folder of its own naming. */
export function writeLocally(slot: Slot, memoryId: string, entries: readonly object[]): void {
  if (entries.length === 0) return;
  const projects = join(slot.config, 'projects');
  const own = join(projects, 'p');
  mkdirSync(own, { recursive: true });
  const paths = readdirSync(projects).map((folder) => join(projects, folder, `${memoryId}.jsonl`));
  const path = paths.find((there) => existsSync(there)) ?? join(own, `${memoryId}.jsonl`);
  appendFileSync(path, entries.map((entry) => `${JSON.stringify(entry)}\n`).join(''));
}

/** Whether a transcript on a machine's disk has come to its end. */
export function hasAnswered(dataDir: string): boolean {
  // By pattern: folders come and go while it is looked for.
  const transcripts = globSync('sessions/*/config/projects/*/*.jsonl', { cwd: dataDir });
  return transcripts.some((path) =>
    /"stop_reason": ?"end_turn"/.test(readFileSync(join(dataDir, path), 'utf8')),
  );
}
