import type { Spent } from '../agent/agent.ts';
import type { Lease } from '../sessions/lease.ts';
import type { TurnResult } from '../sessions/session.ts';

/** Adds up what an attempt takes, however many prompts it needs. */
export interface Meter {
  /** The same lease, with every result counted. */
  over(lease: Lease): Lease;
  /** Null when no result has told anything. */
  spent(): Spent | null;
}

export function createMeter(): Meter {
  let sum: Spent | null = null;
  const count = <R extends TurnResult | null>(result: R): R => {
    if (result && 'spent' in result && result.spent)
      sum = sum === null ? result.spent : add(sum, result.spent);
    return result;
  };
  return {
    over: (lease) => ({
      ...{ path: lease.path, slot: lease.slot, stop: () => lease.stop() },
      run: async (prompt, hooks) => count(await lease.run(prompt, hooks)),
      startOver: async (prompt, hooks) => count(await lease.startOver(prompt, hooks)),
      [Symbol.asyncDispose]: () => lease[Symbol.asyncDispose](),
    }),
    spent: () => sum,
  };
}

function add(a: Spent, b: Spent): Spent {
  return {
    costUsd: a.costUsd + b.costUsd,
    tokens: {
      ...{ input: a.tokens.input + b.tokens.input, output: a.tokens.output + b.tokens.output },
      cacheRead: a.tokens.cacheRead + b.tokens.cacheRead,
      cacheWrite: a.tokens.cacheWrite + b.tokens.cacheWrite,
    },
  };
}
