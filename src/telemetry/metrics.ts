import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Emit, LifecycleEvent } from './events.ts';

/**
 * The lifecycle facts as numbers, in Prometheus' text format. Counters and histograms are fed by events alone, one row
 * each below; what is a state rather than a fact is a gauge that is read when somebody asks.
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

/** What one event adds to a metric: 1 unless it says otherwise. */
interface Mark {
  labels?: Record<string, string>;
  value?: number;
}

interface Row<E extends LifecycleEvent> {
  name: string;
  help: string;
  labels?: readonly string[];
  /** Upper bounds; makes it a histogram. */
  buckets?: readonly number[];
  /** Null when this event does not count here. */
  mark(event: E): Mark | null;
}

type Rows = { [T in LifecycleEvent['type']]?: readonly Row<Extract<LifecycleEvent, { type: T }>>[] };

const seconds = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600];

const rows: Rows = {
  'message.accepted': [
    { name: 'messages_accepted_total', help: 'Messages kept.', mark: () => ({}) },
    {
      name: 'webhook_accept_seconds',
      help: 'From a parsed webhook to a durable message.',
      buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1],
      mark: ({ ackMs }) => ({ value: ackMs / 1000 }),
    },
  ],
  'message.duplicate': [
    { name: 'messages_duplicate_total', help: 'Repeated deliveries of a known message.', mark: () => ({}) },
  ],
  'message.refused': [
    {
      name: 'messages_refused_total',
      help: 'Messages settled without a turn because too many came, by reason.',
      labels: ['reason'],
      mark: ({ reason }) => ({ labels: { reason } }),
    },
  ],
  'message.control': [
    {
      name: 'control_words_total',
      help: 'Messages that steered the bot, by word.',
      labels: ['word'],
      mark: ({ word }) => ({ labels: { word } }),
    },
  ],
  'message.waiting': [
    {
      name: 'waiting_notices_total',
      help: 'Lines that told a room that it waits, by reason.',
      labels: ['reason'],
      mark: ({ reason }) => ({ labels: { reason } }),
    },
  ],
  'webhook.refused': [
    {
      name: 'webhooks_refused_total',
      help: 'Webhooks refused, by HTTP status.',
      labels: ['status'],
      mark: ({ status }) => ({ labels: { status: String(status) } }),
    },
  ],
  'turn.started': [
    {
      name: 'turn_wait_seconds',
      help: 'From the arrival of a message to the start of its turn, by how the turn came by its session.',
      labels: ['path'],
      buckets: seconds,
      mark: ({ path, waitedMs }) => ({ labels: { path }, value: waitedMs / 1000 }),
    },
  ],
  'turn.decided': [
    {
      name: 'turns_total',
      help: 'Turns by outcome and by how they came by their session.',
      labels: ['outcome', 'path'],
      mark: ({ outcome, path }) => ({ labels: { outcome, path: path ?? 'none' } }),
    },
    {
      name: 'turn_seconds',
      help: 'From the start of a turn to its outcome.',
      labels: ['path'],
      buckets: seconds,
      mark: ({ path, durationMs }) => ({ labels: { path: path ?? 'none' }, value: durationMs / 1000 }),
    },
  ],
  'turn.retried': [
    { name: 'turns_retried_total', help: 'Attempts that were cut off and begun again.', mark: () => ({}) },
  ],
  'turn.postponed': [
    {
      name: 'turns_postponed_total',
      help: 'Attempts put off because Claude was overloaded.',
      mark: () => ({}),
    },
  ],
  'turn.recovered': [
    {
      name: 'turns_recovered_total',
      help: 'Answers found complete in the transcript after a death.',
      mark: () => ({}),
    },
  ],
  'session.opened': [
    {
      name: 'session_open_seconds',
      help: 'From the decision to start a session until it works.',
      labels: ['path'],
      buckets: seconds,
      mark: ({ path, openMs }) => ({ labels: { path }, value: openMs / 1000 }),
    },
  ],
  'session.closed': [
    {
      name: 'sessions_closed_total',
      help: 'Sessions closed, by reason.',
      labels: ['reason'],
      mark: ({ reason }) => ({ labels: { reason } }),
    },
  ],
  'processes.reaped': [
    {
      name: 'orphans_reaped_total',
      help: 'Processes that nobody owned any more and that were ended: at boot, after a close, by the clock.',
      labels: ['cause'],
      mark: ({ cause, count }) => ({ labels: { cause }, value: count }),
    },
  ],
  'campfire.called': [
    {
      name: 'campfire_requests_total',
      help: 'Calls to Campfire, by class of the HTTP status; none without an answer.',
      labels: ['status'],
      mark: ({ statusClass }) => ({ labels: { status: statusClass } }),
    },
  ],
  'delivery.sent': [
    { name: 'deliveries_total', help: 'Outbox rows that reached Campfire.', mark: () => ({}) },
  ],
  'delivery.retrying': [
    { name: 'delivery_retries_total', help: 'Tries that Campfire did not take.', mark: () => ({}) },
  ],
  'delivery.gave_up': [
    { name: 'deliveries_given_up_total', help: 'Outbox rows that could not be delivered.', mark: () => ({}) },
  ],
  'part.failed': [
    {
      name: 'unexpected_errors_total',
      help: 'Defects and broken surroundings, by the log’s part.failed.',
      mark: () => ({}),
    },
  ],
};

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
      const marked = mark(event);
      if (marked) counter.inc(marked.labels ?? {}, marked.value ?? 1);
    };
  }
  const histogram = new Histogram({ ...common, buckets: [...buckets] });
  return (event: LifecycleEvent) => {
    const marked = mark(event);
    if (marked) histogram.observe(marked.labels ?? {}, marked.value ?? 1);
  };
}
