import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Emit, LifecycleEvent } from './events.ts';
import type { Row } from './metric-row.ts';
import { rows } from './metric-rows.ts';

/**
 * The lifecycle facts as numbers, in Prometheus' text format. Counters and histograms are fed by events alone, one row
 * each in metric-rows.ts; what is a state rather than a fact is a gauge that is read when somebody asks.
 */

const prefix = 'campfire_ai_bot_';

export interface Metrics {
  emit: Emit;
  /** A number, or one per value of `label`, read at each scrape. */
  gauge(name: string, help: string, read: () => Reading | Promise<Reading>, label?: string): void;
  /** Everything, as `GET /metrics` answers it. */
  render(): Promise<{ contentType: string; body: string }>;
}

/** One number, or numbers by the value of the gauge's label. */
type Reading = number | Readonly<Record<string, number>>;

export function createMetrics(): Metrics {
  const registry = new Registry();
  const takers = new Map<string, Array<(event: LifecycleEvent) => void>>();
  for (const [type, list] of Object.entries(rows)) {
    takers.set(
      type,
      (list as readonly Row<LifecycleEvent>[]).map((row) => take(row, registry)),
    );
  }
  return {
    emit: (event) => {
      for (const taker of takers.get(event.type) ?? []) taker(event);
    },
    gauge(name, help, read, label) {
      new Gauge({
        ...{
          name: prefix + name,
          help,
          registers: [registry],
          labelNames: label === undefined ? [] : [label],
        },
        async collect() {
          this.reset();
          const reading = await read();
          if (typeof reading === 'number') this.set(reading);
          else
            for (const [value, number] of Object.entries(reading)) this.set({ [label ?? '']: value }, number);
        },
      });
    },
    render: async () => ({ contentType: registry.contentType, body: await registry.metrics() }),
  };
}

function take({ name, help, labels = [], buckets, mark }: Row<LifecycleEvent>, registry: Registry) {
  const common = { name: prefix + name, help, labelNames: [...labels], registers: [registry] };
  if (buckets === undefined) {
    const counter = new Counter(common);
    return (event: LifecycleEvent) => {
      for (const { labels = {}, value = 1 } of [mark(event) ?? []].flat()) counter.inc(labels, value);
    };
  }
  const histogram = new Histogram({ ...common, buckets: [...buckets] });
  return (event: LifecycleEvent) => {
    for (const { labels = {}, value = 1 } of [mark(event) ?? []].flat()) histogram.observe(labels, value);
  };
}
