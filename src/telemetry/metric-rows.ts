import type { LifecycleEvent } from './events.ts';

/** Which events are counted as what. */

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

type Rows = { [T in LifecycleEvent['type']]?: readonly Row<Extract<LifecycleEvent, { type: T }>>[] };

const seconds = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600];

export const rows: Rows = {
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
  'message.replayed': [
    {
      name: 'messages_replayed_total',
      help: 'Messages that an operator gave another turn.',
      mark: ({ messageIds }) => ({ value: messageIds.length }),
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
  'turn.spent': [
    {
      name: 'cost_usd_total',
      help: 'What turns have cost at the API’s list prices, by bot; without attempts that were killed.',
      labels: ['bot'],
      mark: ({ bot, costUsd }) => ({ labels: { bot }, value: costUsd }),
    },
    {
      name: 'tokens_total',
      help: 'Tokens of turns by bot and kind; input is what neither came from a cache nor went into one.',
      labels: ['bot', 'kind'],
      mark: ({ bot, tokens }) =>
        Object.entries(tokens).map(([kind, value]) => ({ labels: { bot, kind }, value })),
    },
  ],
  'budget.level': [
    {
      name: 'budget_notices_total',
      help: 'How often a budget of the day came near its end or was used up, by bot; “all bots” for the common one.',
      labels: ['budget', 'level'],
      mark: ({ bot, level }) => ({ labels: { budget: bot ?? 'all bots', level } }),
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
  'turn.gave_up_waiting': [
    {
      name: 'turns_without_room_total',
      help: 'Turns that ended because no session could be had in time, by what was short.',
      labels: ['reason'],
      mark: ({ reason }) => ({ labels: { reason } }),
    },
  ],
  'session.evicted': [
    {
      name: 'sessions_evicted_total',
      help: 'Idle sessions closed to make room, by what was short (high: memory as a whole).',
      labels: ['reason'],
      mark: ({ reason }) => ({ labels: { reason } }),
    },
  ],
  'session.recycled': [
    {
      name: 'sessions_recycled_total',
      help: 'Sessions closed between turns because they had grown, served or lived long enough.',
      labels: ['reason'],
      mark: ({ reason }) => ({ labels: { reason } }),
    },
  ],
  'session.stopped_for_memory': [
    {
      name: 'turns_stopped_for_memory_total',
      help: 'Turns stopped because their session exceeded SESSION_MEMORY_MAX_MB.',
      mark: () => ({}),
    },
  ],
  'session.died': [
    {
      name: 'agent_deaths_total',
      help: 'Agents that ended unasked, by cause: oom, killed, crash, exit or start.',
      labels: ['cause'],
      mark: ({ death }) => ({ labels: { cause: death } }),
    },
  ],
  'session.start_failed': [
    {
      name: 'session_start_failures_total',
      help: 'Sessions and spares that did not come up.',
      mark: () => ({}),
    },
  ],
  'spare.parked': [
    {
      name: 'spare_open_seconds',
      help: 'From the start of a spare until it can be claimed.',
      buckets: seconds,
      mark: ({ openMs }) => ({ value: openMs / 1000 }),
    },
  ],
  'spare.ended': [
    {
      name: 'spares_ended_total',
      help: 'Spares that ended unclaimed, by reason.',
      labels: ['reason'],
      mark: ({ reason }) => ({ labels: { reason } }),
    },
  ],
  'memory.level': [
    {
      name: 'memory_level_changes_total',
      help: 'How often memory became normal, high or critical.',
      labels: ['level'],
      mark: ({ level }) => ({ labels: { level } }),
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
  'download.shared': [
    {
      name: 'files_shared_total',
      help: 'Files that bots shared, as links or attachments.',
      labels: ['as'],
      mark: ({ as }) => ({ labels: { as } }),
    },
    {
      name: 'files_shared_bytes_total',
      help: 'Bytes of the files that bots shared.',
      mark: ({ bytes }) => ({ value: bytes }),
    },
  ],
  'download.served': [
    { name: 'downloads_total', help: 'Shared files that somebody opened.', mark: () => ({}) },
    { name: 'downloads_bytes_total', help: 'Bytes sent for them.', mark: ({ bytes }) => ({ value: bytes }) },
  ],
  'download.expired': [
    {
      name: 'downloads_ended_total',
      help: 'Links that ended, by reason.',
      labels: ['why'],
      mark: ({ why }) => ({ labels: { why } }),
    },
  ],
  'download.refused': [
    {
      name: 'files_refused_total',
      help: 'Files that bots wanted to share and could not, by reason.',
      labels: ['reason'],
      mark: ({ reason }) => ({ labels: { reason } }),
    },
  ],
  'part.failed': [
    {
      name: 'unexpected_errors_total',
      help: 'Defects and broken surroundings, by the log’s part.failed.',
      mark: () => ({}),
    },
  ],
};
