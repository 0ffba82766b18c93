import { monitorEventLoopDelay } from 'node:perf_hooks';

/** Loaded into the service with --import: tells of its event loop and processor time since the start when asked by SIGUSR2. */

export interface LoopReport {
  /** How late a timer was, in ms. */
  p50: number;
  p99: number;
  max: number;
  /** Processor time of the service's own process, as a share of one core. */
  cpuShare: number;
}

const everyMs = 10;
const delay = monitorEventLoopDelay({ resolution: everyMs });
delay.enable();
let before = { cpu: process.cpuUsage(), at: performance.now() };
process.on('SIGUSR2', () => {
  // The histogram measures how late a timer of 10 ms is, these 10 ms included.
  const ms = (nanoseconds: number) => Math.max(0, nanoseconds / 1e6 - everyMs);
  const { user, system } = process.cpuUsage(before.cpu);
  const cpuShare = (user + system) / 1000 / (performance.now() - before.at);
  const told: LoopReport = {
    ...{ p50: ms(delay.percentile(50)), p99: ms(delay.percentile(99)), max: ms(delay.max), cpuShare },
  };
  process.stderr.write(`LOOP ${JSON.stringify(told)}\n`);
  delay.reset();
  before = { cpu: process.cpuUsage(), at: performance.now() };
});
