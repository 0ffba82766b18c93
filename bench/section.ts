import type { Plot } from './plot/plot.ts';
import type { World } from './stage/world.ts';
import type { Verdict } from './verdict.ts';

/** One line of the table. Cells are Markdown. */
export interface Row {
  what: string;
  /** What the service that this one follows was measured at; empty when nobody did. */
  predecessor: string;
  ours: string;
  /** The same without this product, in the same run. */
  baseline: string;
  target: string;
  verdict: Verdict;
}

export interface Findings {
  rows: Row[];
  plots: Plot[];
}

/** How much is measured. */
export interface Size {
  /** Of everything that is summarised by a median. */
  runs: number;
  /** How long a fresh service is left alone before its idle memory is read. */
  settleMs: number;
  /** How long past the idle time agents are still looked for. */
  pastTtlMs: number;
  ackSeconds: number;
  /** Conversations of the dormant measurement, from the first reading to the last. */
  conversations: { first: number; last: number };
  bursts: { count: number; rooms: number; periodMs: number };
}

export interface Setting {
  world: World;
  /** An empty folder on a disk, deleted afterwards. */
  folder: string;
  checkout: string;
  size: Size;
  /** Tells whoever waits what is being done. */
  say: (line: string) => void;
}

/** Measures one group of rows. */
export type Section = (setting: Setting) => Promise<Findings>;

export const megabyte = 1024 * 1024;
