import type { Cancel, Clock } from '../lib/clock.ts';
import { type MemoryReading, takenPercent } from '../processes/memory.ts';
import type { SessionName } from '../telemetry/events.ts';
import { tolerate } from '../telemetry/failure.ts';
import type { BotRecords } from './bot-records.ts';
import type { PoolOptions, PoolParts } from './parts.ts';
import type { House } from './policy.ts';
import type { Session } from './session.ts';
import type { Spares } from './spares.ts';
import {
  decideSweep,
  describeSweep,
  type MemoryLevel,
  type RecycleReason,
  type SweepAction,
} from './sweep.ts';

/**
 * What the pool does when nobody asks: measures, and carries out what the sweep decides. What fails, as on a failing
 * disk, is told and tried again at the next time.
 */

const sweepPeriodMs = 1_000;
const measurePeriodMs = 1_000;
/** Looking into a process's pages costs 1-3 ms; the next look waits this many times what the last one took (≤ 0.8 %). */
const measureCostFactor = 125;
/** Trees looked into without a pause: webhooks do not wait longer than for these. */
const treesAtOnce = 3;
/** An idle session changes only by giving memory back, within some 10 s. */
const idleMeasureMs = 15_000;
const savePeriodMs = 60_000;

export interface UpkeepPool {
  sessions: ReadonlyMap<SessionName, Session>;
  spares: Spares;
  records: BotRecords;
  house(): House;
  waiting(): number;
  close(session: Session, reason: string): Promise<boolean>;
  stop(session: Session): Promise<void>;
  /** Called after every sweep. */
  looked(): void;
}

export class Upkeep {
  readonly #options: PoolOptions;
  readonly #parts: PoolParts;
  readonly #clock: Clock;
  readonly #pool: UpkeepPool;
  readonly #stopTimers: Cancel[];
  #cancelMeasure: Cancel = () => {};
  #level: MemoryLevel = 'normal';
  /** Per tree, monotonic ms of its last look; the one that is the longest ago comes first. */
  readonly #measuredMs = new Map<string, number>();

  constructor(options: PoolOptions, parts: PoolParts, pool: UpkeepPool) {
    this.#options = options;
    this.#parts = parts;
    this.#clock = parts.clock;
    this.#pool = pool;
    this.#stopTimers = [
      this.#clock.every(sweepPeriodMs, () => tolerate(parts.emit, 'upkeep', () => this.#sweep())),
      this.#clock.every(savePeriodMs, () => tolerate(parts.emit, 'saving peaks', () => parts.peaks.save())),
    ];
    this.#measureLater(measurePeriodMs);
  }

  stop(): void {
    for (const stop of this.#stopTimers) stop();
    this.#cancelMeasure();
  }

  readMemory(): MemoryReading {
    const { sessions, spares } = this.#pool;
    const trees = [...sessions.values()].map(({ memory }) => memory.bytes);
    const parked = spares.readings().map(({ memoryBytes }) => memoryBytes);
    return this.#options.readMemory([...trees, ...parked].reduce((sum, bytes) => sum + bytes, 0));
  }

  memory(): { reading: MemoryReading; level: MemoryLevel; percent: number } {
    const reading = this.readMemory();
    return { reading, level: this.#level, percent: Math.round(takenPercent(reading)) };
  }

  async recycle(session: Session, reason: RecycleReason): Promise<void> {
    const { name, memory } = session;
    const detail = describeSweep(
      { kind: 'recycle', name, reason, memoryBytes: memory.bytes },
      this.readMemory(),
    );
    this.#parts.emit({ type: 'session.recycled', session: name, reason, detail });
    await this.#pool.close(session, 'recycled');
  }

  /** Its lease has been given back: what the turn took goes on its bot's record. */
  turnEnded(session: Session): void {
    const { bot, tree } = session;
    const { peaks } = this.#parts;
    if (peaks.isNew(bot) && tree !== null) {
      const memory = this.#options.measureTrees([tree], 0).get(tree);
      if (memory) session.looked(memory);
    }
    this.#pool.records.turnEnded(bot);
    if (session.turnPeakBytes > 0) peaks.observe(bot, session.turnPeakBytes);
  }

  #sweep(): void {
    const { sessions, spares, records } = this.#pool;
    for (const session of sessions.values()) {
      // A close that failed is tried again until nothing is left; nobody takes its place before that.
      if (session.state === 'closing') void this.#pool.close(session, 'retry');
    }
    for (const id of spares.stuck()) void spares.end(id, 'retry', '');
    const house = this.#pool.house();
    const sweep = decideSweep({
      ...house,
      ...{
        level: this.#level,
        limits: this.#options,
        recentBots: records.recent(),
        waiting: this.#pool.waiting(),
      },
    });
    if (sweep.level !== this.#level) this.#reportLevel(sweep.level, sweep.percent, house.memory);
    this.#level = sweep.level;
    for (const action of sweep.actions) this.#carryOut(action, house.memory);
    this.#pool.looked();
  }

  #carryOut(action: SweepAction, memory: MemoryReading): void {
    const { spares, records } = this.#pool;
    const detail = describeSweep(action, memory);
    if (action.kind === 'end-spare') void spares.end(action.spare, action.reason, detail);
    else if (action.kind === 'start-spare') {
      const bot = records.bot(action.botId);
      if (bot) spares.start(bot, detail);
    } else {
      const session = this.#pool.sessions.get(action.name as SessionName);
      if (session) void this.#settle(action, session, detail);
    }
  }

  async #settle(
    action: Exclude<SweepAction, { kind: 'end-spare' | 'start-spare' }>,
    session: Session,
    detail: string,
  ): Promise<void> {
    const { emit } = this.#parts;
    switch (action.kind) {
      case 'trim':
        emit({ type: 'session.evicted', session: session.name, reason: 'high', detail });
        await this.#pool.close(session, 'evicted');
        return;
      case 'recycle':
        return this.recycle(session, action.reason);
      case 'expire':
        return this.#expire(session, action.idleMs);
      case 'stop':
        if (session.tooLarge !== null) return;
        session.tooLarge = detail;
        emit({ type: 'session.stopped_for_memory', session: session.name, detail });
        await this.#pool.stop(session);
    }
  }

  /** Its spares go first, so that a bot at rest has no process once its last session is gone. */
  async #expire(session: Session, idleMs: number): Promise<void> {
    const { idleSinceMs } = session;
    await this.#pool.spares.settled();
    if (session.state !== 'idle' || session.idleSinceMs !== idleSinceMs) return;
    if (await this.#pool.close(session, 'idle')) {
      this.#parts.emit({
        ...{ type: 'session.expired', session: session.name },
        idleSeconds: Math.round(idleMs / 1000),
      });
    }
  }

  #reportLevel(level: MemoryLevel, percent: number, { usedBytes, limitBytes, source }: MemoryReading): void {
    const megabytes = (bytes: number) => Math.round(bytes / 1024 / 1024);
    this.#parts.emit({
      ...{ type: 'memory.level', level, percent: Math.round(percent), source },
      ...{ usedMb: megabytes(usedBytes), limitMb: megabytes(limitBytes) },
    });
  }

  #measureLater(delayMs: number): void {
    this.#cancelMeasure = this.#clock.after(delayMs, () => {
      const startedMs = this.#clock.monotonicMs();
      let share = 1;
      tolerate(this.#parts.emit, 'measuring memory', () => {
        share = this.#measure();
      });
      const tookMs = this.#clock.monotonicMs() - startedMs;
      this.#measureLater(Math.max(measurePeriodMs * share, tookMs * measureCostFactor));
    });
  }

  /** Looks into the trees whose last look is the longest ago; gives which share of those that were due (0 to 1] that was. */
  #measure(): number {
    const nowMs = this.#clock.monotonicMs();
    const notes = new Map(this.#pool.spares.trees().map(({ tag, note }) => [tag, note]));
    const live = new Set(notes.keys());
    const restsMs = (tag: string) => nowMs - (this.#measuredMs.get(tag) ?? Number.NEGATIVE_INFINITY);
    for (const session of this.#pool.sessions.values()) {
      const { tree, state } = session;
      if (tree === null) continue;
      live.add(tree);
      if (state === 'closing' || (state === 'idle' && restsMs(tree) < idleMeasureMs)) continue;
      notes.set(tree, (memory) => {
        session.looked(memory);
        this.#parts.peaks.glimpse(session.bot, memory.bytes);
      });
    }
    for (const tag of this.#measuredMs.keys()) if (!live.has(tag)) this.#measuredMs.delete(tag);
    if (notes.size === 0) return 1;
    const unseen = [...notes.keys()].filter((tag) => !this.#measuredMs.has(tag));
    const seen = [...this.#measuredMs.keys()].filter((tag) => notes.has(tag));
    const wanted = [...unseen, ...seen].slice(0, treesAtOnce);
    const readings = this.#options.measureTrees(wanted);
    for (const [tag, memory] of readings) notes.get(tag)?.(memory);
    for (const tag of wanted) {
      this.#measuredMs.delete(tag);
      // A tree may be younger than the census: it is due again, behind the others.
      this.#measuredMs.set(tag, readings.has(tag) ? nowMs : Number.NEGATIVE_INFINITY);
    }
    return wanted.length / notes.size;
  }
}
