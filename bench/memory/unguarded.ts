import { readSettings } from '../../src/config/settings.ts';
import { readMemory } from '../../src/processes/memory.ts';
import { runService } from '../../src/server.ts';

/** The service as it would be without its memory policy: whatever is asked, there is plenty. A negative control. */
const plentyBytes = 1024 ** 4;

await runService({
  prepare: async () => ({ settings: readSettings() }),
  readMemory: (limitBytes, ownBytes) => ({
    ...readMemory(limitBytes, ownBytes),
    ...{ limitBytes: plentyBytes, usedBytes: 0, availableBytes: plentyBytes },
  }),
});
