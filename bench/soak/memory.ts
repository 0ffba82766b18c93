/** Preloaded into a service under test: on SIGURG it collects its garbage and prints what is left, in bytes. */
process.on('SIGURG', () => {
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  process.stdout.write(`${JSON.stringify({ event: 'soak.memory', heapBytes: heapUsed + external })}\n`);
});
