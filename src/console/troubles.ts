import type { StorageState } from '../store/space.ts';
import type { Health } from '../turns/health.ts';
import type { BotEntry } from './bots.ts';
import type { Shortfall } from './history/history.ts';
import type { Trouble } from './source.ts';

const levels = ['bad', 'warn', 'note'];

export function worstFirst(troubles: readonly Trouble[]): Trouble[] {
  return troubles.toSorted((a, b) => levels.indexOf(a.level) - levels.indexOf(b.level));
}

/** What an operator should know and mend, the worst first. Pure. */
export function troublesOf(state: {
  isServing: boolean;
  storage: StorageState;
  /** Whether Redis, if there is one, can be asked. */
  isConnected: boolean;
  campfire: Health;
  bots: readonly BotEntry[];
  memory: { level: string; percent: number };
  shortfalls: readonly Shortfall[];
}): Trouble[] {
  const { isServing, campfire, memory } = state;
  const found = [...storageTrouble(state.storage)];
  if (!state.isConnected)
    found.push({
      ...{ level: 'bad', problem: 'No messages are accepted: Redis cannot be reached.', since: null },
      remedy: 'Start it, or look at the network to REDIS_URL. What was accepted is kept there.',
    });
  if (campfire.state === 'unhealthy') {
    const { problem, remedy, since } = campfire;
    found.push({ level: 'bad', problem: `${problem}.`, remedy: `${remedy} Answers wait on disk.`, since });
  }
  for (const bot of state.bots) found.push(...botTrouble(bot));
  if (memory.level !== 'normal')
    found.push({
      level: memory.level === 'critical' ? 'bad' : 'warn',
      problem: `Memory is ${memory.level}: ${memory.percent} % is used.`,
      remedy:
        'Idle sessions are closed to make room; new questions may wait. Give the service more, or lower MAX_SESSIONS.',
      since: null,
    });
  if (!isServing)
    found.push({
      ...{ level: 'warn', problem: 'No session is started at the moment: the service comes up or stops.' },
      ...{ remedy: 'What people write is kept until it does.', since: null },
    });
  for (const { problem, remedy } of state.shortfalls)
    found.push({ level: 'note', problem, remedy, since: null });
  return worstFirst(found);
}

function storageTrouble(state: StorageState): Trouble[] {
  const closed = 'No messages are accepted';
  switch (state.kind) {
    case 'ok':
      return [];
    case 'full':
      return [
        {
          ...{ level: 'bad', problem: `${closed}: the disk is full.`, since: null },
          remedy: `Make room on the disk of DATA_DIR (${Math.round(state.freeBytes / 1024 ** 2)} MB are free). Messages are taken again by themselves.`,
        },
      ];
    case 'failing':
      return [
        {
          ...{ level: 'bad', problem: `${closed}: the disk gives errors (${state.problem}).`, since: null },
          remedy: 'Check the disk of DATA_DIR. Every second it is tried again.',
        },
      ];
    case 'damaged':
      return [
        {
          ...{ level: 'bad', problem: `${closed}: the database is damaged (${state.problem}).`, since: null },
          remedy: 'Stop the service and restore a backup (docs/storage.md).',
        },
      ];
  }
}

function botTrouble({ id, file, state, problem, remedy, since }: BotEntry): Trouble[] {
  if (state === 'ok' || problem === null) return [];
  const who = id === null ? file : `${id} (${file})`;
  return [
    {
      level: state === 'outdated' ? 'warn' : 'bad',
      problem: `${who}: ${problem.replace(/\.?$/, '.')}`,
      remedy: remedy ?? '',
      since: since === null ? null : Date.parse(since),
    },
  ];
}
