import type { KnownFace } from '../campfire/face.ts';
import type { WebhookMessage } from '../campfire/payload.ts';
import type { Bots } from '../config/bots.ts';
import type { Downloads } from '../downloads/downloads.ts';
import type { KeptFile } from '../downloads/kept.ts';
import type { Clock } from '../lib/clock.ts';
import type { MailCounts } from '../mail/mail.ts';
import type { Pool } from '../sessions/pool.ts';
import type { StorageState } from '../store/space.ts';
import type { LifecycleEvent, SessionName } from '../telemetry/events.ts';
import { redact } from '../telemetry/log.ts';
import type { HealthBook } from '../turns/health-book.ts';
import { botEntries } from './bots.ts';
import { readiness } from './health.ts';
import { History } from './history/history.ts';
import { type Sample, samplePeriodMs } from './history/samples.ts';
import { createSaid, type NewestSaid, type Said } from './said.ts';
import { writeShare } from './share.ts';
import type { ConsoleSnapshot, ConsoleSource, FileRow, SessionRow, TurnRow } from './source.ts';
import { troublesOf } from './troubles.ts';

export interface LocalParts {
  version: string;
  containment: string;
  pool: Pick<Pool, 'snapshot' | 'spares' | 'waiting' | 'memory' | 'close'>;
  mail: { counts(): Promise<MailCounts> };
  bots: Bots;
  health: Pick<HealthBook, 'bot' | 'campfire'>;
  downloads: Pick<Downloads, 'list'>;
  face: () => KnownFace | null;
  storage: () => StorageState;
  isServing: () => boolean;
  /** Whether Redis, if there is one, can be asked. */
  isConnected: () => boolean;
  highPercent: number;
  showText: boolean;
  /** Strings that are shown to nobody. */
  secrets: ReadonlySet<string>;
  clock: Clock;
  onError: (error: unknown) => void;
}

/** This process as the console sees it. */
export interface LocalSource extends ConsoleSource {
  hear(event: LifecycleEvent): void;
  /** Somebody wrote to a bot. */
  heard(botId: string, message: Pick<WebhookMessage, 'roomId' | 'roomName' | 'messageId' | 'plain'>): void;
  /** What other machines' consoles are told, as far as they want it. */
  share(limits: unknown): Promise<unknown>;
  /** What people wrote here last. */
  said(): NewestSaid;
  stop(): void;
}

export function createLocalSource(parts: LocalParts): LocalSource {
  const { clock, pool } = parts;
  const startedAt = clock.now();
  const history = new History(() => parts.secrets);
  const said = createSaid(parts);
  const idleSince = createIdleSince();
  const watchers = new Set<() => void>();
  const changed = () => {
    for (const watcher of watchers) watcher();
  };
  const sample = async () => {
    history.samples.add(takeSample(pool, await parts.mail.counts()), clock.now());
    changed();
  };
  const newest = (): NewestSaid => JSON.parse(redact(JSON.stringify(said.newest()), parts.secrets));
  const snapshot = async (): Promise<ConsoleSnapshot> => ({
    ...{ startedAt, machines: [] },
    ...(await look(parts, history, said, idleSince.look())),
  });
  const takeOne = () => void sample().catch(parts.onError);
  takeOne();
  const stop = clock.every(samplePeriodMs, takeOne);
  return {
    stop,
    heard: (botId, message) => said.hear({ ...message, session: `${message.roomId}:${botId}` }),
    hear(event) {
      history.hear(event, clock.now());
      changed();
    },
    snapshot,
    share: async (limits) => writeShare(await snapshot(), newest(), limits),
    said: newest,
    samplesFrom: (number) => ({ rows: history.samples.from(number), next: history.samples.count() }),
    subscribe(watcher) {
      watchers.add(watcher);
      return () => watchers.delete(watcher);
    },
    closeSession: (id) => pool.close(id, 'operator'),
    reloadBots: async () => void parts.bots.refresh(),
  };
}

async function look(
  parts: LocalParts,
  history: History,
  said: Said,
  idleSince: IdleSince,
): Promise<Omit<ConsoleSnapshot, 'startedAt' | 'machines'>> {
  const { pool, clock, health } = parts;
  const at = clock.now();
  const clean = (text: string) => redact(text, parts.secrets);
  const roomOf = (id: SessionName) => {
    const name = said.roomName(id);
    return name === null ? null : clean(name);
  };
  const bots = botEntries(parts.bots, health);
  const { reading, level, percent } = pool.memory();
  const { usedBytes, limitBytes, availableBytes, source } = reading;
  const serving = parts.isServing();
  const face = parts.face();
  return {
    ...{ at, version: parts.version, containment: parts.containment },
    status: readiness(serving, parts.storage(), parts.isConnected()).problem ?? 'ok',
    troubles: troublesOf({
      ...{ isServing: serving, storage: parts.storage(), isConnected: parts.isConnected() },
      ...{ campfire: health.campfire(), bots },
      ...{ memory: { level, percent }, shortfalls: history.shortfalls() },
    }),
    memory: {
      ...{ usedBytes, limitBytes, availableBytes, percent, level, source },
      highPercent: parts.highPercent,
    },
    spares: pool.spares(),
    mail: await parts.mail.counts(),
    sessions: sessionRows(pool, history, roomOf, (id, seconds) => idleSince(id, at - seconds * 1000)),
    waiting: pool
      .waiting()
      .map(({ id, reason, sinceMs }) => ({ id, reason, since: sinceMs, room: roomOf(id) })),
    turns: history.turns.list().map((turn): TurnRow => {
      const text = said.text(turn.session, turn.messageIds);
      return { ...turn, room: roomOf(turn.session), text: text === null ? null : clean(text) };
    }),
    bots: bots.map((bot) => ({ ...bot, face: bot.id === null ? null : face })),
    files: (await parts.downloads.list()).map((file) => fileRow(file, clean, roomOf)),
    ...{ events: history.events(), marks: history.marks() },
  };
}

function sessionRows(
  pool: Pick<Pool, 'snapshot'>,
  history: History,
  roomOf: (id: SessionName) => string | null,
  since: (id: SessionName, idleSeconds: number) => number,
): SessionRow[] {
  return pool.snapshot().map(({ id, state, pid, turns, idleSeconds, memoryBytes }) => ({
    ...{ id, state, pid, turns, memoryBytes, room: roomOf(id) },
    step: history.turns.runningIn(id)?.lastTool ?? null,
    idleSince: state === 'idle' ? since(id, idleSeconds) : null,
    costUsd: history.life(id)?.costUsd ?? null,
  }));
}

function fileRow(
  file: KeptFile,
  clean: (text: string) => string,
  roomOf: (id: SessionName) => string | null,
): FileRow {
  const { id, mediaType, bytes, roomId, botId, as, hits, createdAt, expiresAt } = file;
  const session = `${roomId}:${botId}` as const;
  return {
    ...{ id, mediaType, bytes, as, hits, createdAt, expiresAt, session, room: roomOf(session) },
    ...{ name: clean(file.name), title: clean(file.title) },
  };
}

function takeSample(pool: LocalParts['pool'], mail: MailCounts): Sample {
  const sessions = pool.snapshot();
  const { usedBytes, limitBytes } = pool.memory().reading;
  const inState = (state: string) => sessions.filter((session) => session.state === state).length;
  const agents = sessions.reduce((sum, { memoryBytes }) => sum + memoryBytes, 0);
  return {
    ...{ usedMb: usedBytes / megabyte, limitMb: limitBytes / megabyte, agentsMb: agents / megabyte },
    ...{ busy: inState('busy'), starting: inState('starting'), idle: inState('idle') },
    ...{ closing: inState('closing'), spare: pool.spares() },
    ...{ waitingMail: mail.waiting, waitingSessions: pool.waiting().length },
  };
}

const megabyte = 1024 * 1024;
/** Ages are told in whole seconds: what differs by less is the same moment, and the row stays as it is. */
const sameMomentMs = 1_500;

type IdleSince = (id: SessionName, since: number) => number;

/** Remembers of the sessions that were asked for last what was said of them. */
function createIdleSince(): { look(): IdleSince } {
  let before = new Map<SessionName, number>();
  return {
    look() {
      const now = new Map<SessionName, number>();
      const last = before;
      before = now;
      return (id, since) => {
        const said = last.get(id);
        const same = said !== undefined && Math.abs(said - since) < sameMomentMs ? said : since;
        now.set(id, same);
        return same;
      };
    },
  };
}
