import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A fresh folder that is deleted when the test is over, however it ends. */
export function tempFolder(t: { after(undo: () => unknown): void }): string {
  const path = mkdtempSync(join(tmpdir(), 'campfire-ai-bot-'));
  t.after(() => rmSync(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 }));
  return path;
}
