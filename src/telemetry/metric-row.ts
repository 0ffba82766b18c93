import type { LifecycleEvent } from './events.ts';

/** What one event adds to a metric: 1 unless it says otherwise. */
interface Mark {
  labels?: Record<string, string>;
  value?: number;
}

export interface Row<E extends LifecycleEvent> {
  name: string;
  help: string;
  labels?: readonly string[];
  /** Upper bounds; makes it a histogram. */
  buckets?: readonly number[];
  /** Null when this event does not count here; a list when it counts under several labels. */
  mark(event: E): Mark | Mark[] | null;
}

export type Rows = { [T in LifecycleEvent['type']]?: readonly Row<Extract<LifecycleEvent, { type: T }>>[] };

/** Upper bounds for what people wait for. */
export const seconds = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600];
