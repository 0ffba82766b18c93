import { join } from 'node:path';
import { systemClock as clock } from '../../src/lib/clock.ts';
import { createCensus, tagVariable } from '../../src/processes/census.ts';
import { type Child, createSupervisor } from '../../src/processes/child.ts';
import type { Containment } from '../../src/processes/containment.ts';
import { createLedger, ledgerMigrations } from '../../src/processes/ledger.ts';
import { environmentOf, listProcesses } from '../../src/processes/proc.ts';
import { createReaper } from '../../src/processes/reaper.ts';
import { openStore } from '../../src/store/sqlite.ts';
import { tempFolder } from './temp.ts';

const fixture = join(import.meta.dirname, '../fixtures/children/tree.ts');

/** Ledger, census, reaper and supervisor over real processes; whatever they started ends with the test. */
export function supervision(
  t: { after(undo: () => unknown): void },
  layer: Containment,
  // Test files run beside each other, and must not reap each other's processes.
  instance = `test-${process.pid}`,
) {
  const folder = tempFolder(t);
  const store = openStore(':memory:', ledgerMigrations);
  const ledger = createLedger(store);
  const reaper = createReaper({ ledger, census: createCensus({ ledger, instance, clock }), clock });
  const reaped: number[] = [];
  const supervisor = createSupervisor({
    ...{ ledger, reaper, instance, layer, hidden: { paths: [] }, clock },
    onReaped: (pids) => reaped.push(...pids),
  });
  t.after(async () => {
    await reaper.reapUnowned(() => false);
    store.close();
  });
  /** Starts a program in a slot of its own, or in the one given, and waits for its first output. */
  const run = async (command: string, args: readonly string[], slot = tempFolder(t)): Promise<Child> => {
    // A shell that talks over a socket reads the start file of whoever's home it finds.
    const env = { PATH: process.env.PATH ?? '', HOME: slot };
    const child = supervisor.spawn({ command, args, cwd: slot, slot, env });
    await Promise.race([
      new Promise((resolve) => child.process.stdout.once('data', resolve)),
      child.exited.then(() => Promise.reject(new Error(`It ended at once: ${child.stderrTail()}`))),
    ]);
    return child;
  };
  const start = (manners: string) => run(process.execPath, [fixture, manners]);
  return { folder, instance, ledger, reaper, reaped, supervisor, run, start };
}

/** Looks by itself, without the census under test: who has not ended and carries the tag. */
export function alive(tag: string): number[] {
  return listProcesses()
    .filter(({ pid }) => environmentOf(pid, tagVariable) === tag)
    .map(({ pid }) => pid);
}
