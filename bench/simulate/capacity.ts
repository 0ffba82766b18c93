import { asBuilt } from './cluster.ts';
import { machineOfSize } from './machine.ts';
import { type Result, simulate } from './simulate.ts';
import { busiest, createTrace } from './trace.ts';

/** How many people so many machines are enough for. */

/** Longer waits for a session than this, one time in a hundred, are too long. */
export const waitMaxMs = 5_000;
/** Where the search stops. */
const exactness = 1.06;
/** Seeds that a number of people is tried with: at the limit the one is served well and the other is not. */
const companies = 3;

export interface Load {
  users: number;
  result: Result;
}

function isEnough({ refused, failed, sessionWait }: Result): boolean {
  return refused + failed === 0 && sessionWait.p99 <= waitMaxMs;
}

/** The busiest two hours of a company of this many people, in rooms of five. */
export async function peakOf(users: number, machines: number, memoryGb: number, seed: number): Promise<Load> {
  const trace = createTrace({ seed, users, rooms: Math.ceil(users / 5), hours: 24 });
  const options = { seed, machines, size: machineOfSize(memoryGb), placement: asBuilt };
  return { users, result: await simulate(trace, options, busiest(trace, 2 * 3_600_000)) };
}

/** The most people that one machine of this memory is enough for, whatever the seed makes of them. */
export async function capacityOf(memoryGb: number, seed: number): Promise<Load> {
  let enough = await worstPeakOf(memoryGb * 250, memoryGb, seed);
  while (!isEnough(enough.result)) enough = await worstPeakOf(Math.ceil(enough.users / 2), memoryGb, seed);
  let next = await worstPeakOf(enough.users * 2, memoryGb, seed);
  while (isEnough(next.result)) {
    enough = next;
    next = await worstPeakOf(enough.users * 2, memoryGb, seed);
  }
  for (let tooMany = next.users; tooMany / enough.users > exactness; ) {
    next = await worstPeakOf(Math.round(Math.sqrt(tooMany * enough.users)), memoryGb, seed);
    if (isEnough(next.result)) enough = next;
    else tooMany = next.users;
  }
  return enough;
}

/** The first of some companies for which it is not enough, or that with the longest waits. */
async function worstPeakOf(users: number, memoryGb: number, seed: number): Promise<Load> {
  let worst: Load | null = null;
  for (let each = seed; each < seed + companies; each++) {
    const load = await peakOf(users, 1, memoryGb, each);
    if (!isEnough(load.result)) return load;
    if (worst === null || load.result.sessionWait.p99 > worst.result.sessionWait.p99) worst = load;
  }
  if (worst === null) throw new RangeError('At least one company is needed.');
  return worst;
}
