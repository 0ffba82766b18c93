import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ack } from './measure/ack.ts';
import { bursts } from './measure/bursts.ts';
import { dormant } from './measure/dormant.ts';
import { idle } from './measure/idle.ts';
import { latency } from './measure/latency.ts';
import { leftovers } from './measure/leftovers.ts';
import { peak } from './measure/peak.ts';
import type { Findings, Section, Size } from './section.ts';
import { openWorld } from './stage/world.ts';

/** Every group of rows, in the order of the table. */
export const sections: Readonly<Record<string, Section>> = {
  idle,
  leftovers,
  peak,
  ack,
  latency,
  dormant,
  bursts,
};

export const fullSize: Size = {
  ...{ runs: 25, settleMs: 2000, pastTtlMs: 60_000, ackSeconds: 30 },
  conversations: { first: 1000, last: 10_000 },
  bursts: { count: 4, rooms: 10, periodMs: 30_000 },
};

export const quickSize: Size = {
  ...{ runs: 3, settleMs: 1000, pastTtlMs: 2000, ackSeconds: 5 },
  conversations: { first: 100, last: 400 },
  bursts: { count: 2, rooms: 3, periodMs: 14_000 },
};

/** Measures the named sections one after the other, each in a world and a folder of its own; a failed one is told too. */
export async function* run(
  names: readonly string[],
  {
    checkout,
    parent,
    size,
    say,
  }: { checkout: string; parent: string; size: Size; say: (line: string) => void },
): AsyncGenerator<{ name: string; findings: Findings } | { name: string; failure: unknown }> {
  const root = mkdtempSync(join(parent, 'campfire-bench-'));
  try {
    for (const name of names) {
      const section = sections[name];
      if (!section) throw new RangeError(`There is no section ${name}.`);
      const folder = join(root, name);
      mkdirSync(folder);
      const world = await openWorld();
      try {
        yield { name, findings: await section({ world, folder, checkout, size, say }) };
      } catch (failure) {
        yield { name, failure };
      } finally {
        await world.close();
        rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
      }
    }
  } finally {
    rmSync(root, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }
}
