import { type Rows, seconds } from './metric-row.ts';
import { sessionRows } from './session-metric-rows.ts';

/** Which events are counted as what. */
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
  ...sessionRows,
  'claude.called': [
    {
      name: 'claude_requests_total',
      help: 'Calls of agents to Claude, by HTTP status; none without an answer.',
      labels: ['status'],
      mark: ({ status }) => ({ labels: { status: status === null ? 'none' : String(status) } }),
    },
  ],
  'relay.refused': [
    {
      name: 'relay_refused_total',
      help: 'Calls to Claude that were not passed on, by HTTP status: a token that is not valid, another path.',
      labels: ['status'],
      mark: ({ status }) => ({ labels: { status: String(status) } }),
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
  'transcript.behind': [
    {
      name: 'transcripts_behind_total',
      help: 'Times that a transcript could not be copied for other machines.',
      mark: () => ({}),
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
  'redis.away': [
    {
      name: 'redis_away_total',
      help: 'Times that Redis could not be reached any more; while it is above redis_back_total, nothing is accepted.',
      mark: () => ({}),
    },
  ],
  'redis.back': [
    { name: 'redis_back_total', help: 'Times that Redis could be reached again.', mark: () => ({}) },
  ],
  'conversation.lost': [
    {
      name: 'conversations_lost_total',
      help: 'Conversations that another machine took while this one had them.',
      mark: () => ({}),
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
