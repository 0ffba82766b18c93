import { writeFileSync } from 'node:fs';
import { setPriority } from 'node:os';
import { systemClock as clock } from '../../src/lib/clock.ts';
import { startScriptedModel } from '../../src/playground/model.ts';

/**
 * The model, in a process of its own that tells its address. It stands for a machine elsewhere: here it only takes
 * processor time that nobody else wants.
 */
process.on('disconnect', () => process.exit());
setPriority(5);
try {
  writeFileSync('/proc/self/autogroup', '5');
} catch {
  // The kernel does not share out by sessions, or not now.
}
const model = await startScriptedModel({ clock });
process.send?.(model.url);
