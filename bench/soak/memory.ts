import { getHeapSpaceStatistics } from 'node:v8';

/** Preloaded into a service under test: on SIGURG it collects its garbage and prints what is left, in bytes. */
process.on('SIGURG', () => {
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  const codeBytes = getHeapSpaceStatistics()
    // Machine code and bytecode.
    .filter(({ space_name: name }) => /^(?:code|trusted)_/.test(name))
    .reduce((sum, { space_used_size: bytes }) => sum + bytes, 0);
  const told = { event: 'soak.memory', heapBytes: heapUsed + external, codeBytes };
  process.stdout.write(`${JSON.stringify(told)}\n`);
});
