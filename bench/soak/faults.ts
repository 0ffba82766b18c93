/**
 * Preloaded into a service under test (`node --import`), so that the product needs no switch for it: makes the process
 * fail in ways that nobody can cause from outside.
 */

/** How long the event loop stands still. */
const stallMs = 3000;

process.on('SIGUSR2', () => {
  setImmediate(() => {
    throw new Error('Thrown by the kill matrix.');
  });
});
process.on('SIGPWR', () => {
  const until = performance.now() + stallMs;
  while (performance.now() < until);
});
