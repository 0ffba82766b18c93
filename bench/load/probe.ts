import { monitorEventLoopDelay } from 'node:perf_hooks';

/** Loaded into the service with --import: tells its event loop's delay, in ms, when asked by SIGUSR2. */
const delay = monitorEventLoopDelay({ resolution: 10 });
delay.enable();
process.on('SIGUSR2', () => {
  // The histogram measures how late a timer of 10 ms is, these 10 ms included.
  const ms = (nanoseconds: number) => Math.max(0, nanoseconds / 1e6 - 10);
  const told = { p50: ms(delay.percentile(50)), p99: ms(delay.percentile(99)), max: ms(delay.max) };
  process.stderr.write(`LOOP ${JSON.stringify(told)}\n`);
  delay.reset();
});
