import { machineOfSize } from './machine.ts';
import { type Result, simulate } from './simulate.ts';
import { busiest, createTrace } from './trace.ts';

/** How many people so many machines are enough for. */

/** Longer waits for a session than this, one time in a hundred, are too long. */
export const waitMaxMs = 5_000;
/** Where the search stops. */
const exactness = 1.06;

export interface Load {
  users: number;
  result: Result;
}

export function isEnough({ refused, failed, sessionWait }: Result): boolean {
  return refused + failed === 0 && sessionWait.p99 <= waitMaxMs;
}

/** The busiest two hours of a company of this many people, in rooms of five. */
export async function peakOf(users: number, machines: number, memoryGb: number, seed: number): Promise<Load> {
  const trace = createTrace({ seed, users, rooms: Math.ceil(users / 5), hours: 24 });
  const options = { seed, machines, size: machineOfSize(memoryGb), placement: 'affinity' as const };
  return { users, result: await simulate(trace, options, busiest(trace, 2 * 3_600_000)) };
}

/** The most people that one machine of this memory is enough for. */
export async function capacityOf(memoryGb: number, seed: number): Promise<Load> {
  let enough = await peakOf(memoryGb * 500, 1, memoryGb, seed);
  while (!isEnough(enough.result)) enough = await peakOf(Math.ceil(enough.users / 2), 1, memoryGb, seed);
  let next = await peakOf(enough.users * 2, 1, memoryGb, seed);
  while (isEnough(next.result)) {
    enough = next;
    next = await peakOf(enough.users * 2, 1, memoryGb, seed);
  }
  for (let tooMany = next.users; tooMany / enough.users > exactness; ) {
    next = await peakOf(Math.round(Math.sqrt(tooMany * enough.users)), 1, memoryGb, seed);
    if (isEnough(next.result)) enough = next;
    else tooMany = next.users;
  }
  return enough;
}
