import { kill, processesIn, type Seen } from './processes.ts';

/** Numbers between 0 and 1 that are the same for the same seed (mulberry32). */
export type Random = () => number;

export function seeded(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function pick<T>(random: Random, list: readonly T[]): T | undefined {
  return list[Math.floor(random() * list.length)];
}

export type Kills = Record<'claude' | 'mcp', number>;

/** Kills one agent or one tool server below `folder`, whichever the seed says, and counts it. */
export function killSomeone(random: Random, folder: string, mcpServer: string, kills: Kills): void {
  const what = random() < 0.5 ? 'claude' : 'mcp';
  const isMeant = ({ argv }: Seen) =>
    what === 'claude' ? argv[0]?.endsWith('/claude') : argv[1] === mcpServer;
  const victim = pick(random, processesIn(folder).filter(isMeant));
  if (victim && kill(victim, 'SIGKILL')) kills[what]++;
}
