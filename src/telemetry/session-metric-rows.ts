import { type Rows, seconds } from './metric-row.ts';

/** Which events of sessions, their memory and their processes are counted as what. */
export const sessionRows: Rows = {
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
};
