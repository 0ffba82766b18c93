import { firstBurst } from '../../src/mail/burst.ts';
import { type Lease, LeaseWithdrawnError, NoRoomError } from '../../src/sessions/lease.ts';
import type { Conversation } from '../../src/sessions/resume.ts';
import type { SessionPath } from '../../src/telemetry/events.ts';
import { type Bell, bellsFor, type News, passedOn, takesUp } from '../../src/turns/placement.ts';
import type { SimulationClock } from './clock.ts';
import { botOf, Machine, type MachineSize } from './machine.ts';
import { measured } from './measured.ts';
import { createMemories, type Memories } from './memories.ts';
import { createRandom, type Random } from './random.ts';
import { type BotName, knownOf, type TraceMessage } from './trace.ts';

/**
 * Machines that serve one trace together: mailboxes and ownership as Redis keeps them, bells as the doorbells ring.
 *
 * Invariants:
 * 1. A conversation has at most one owner; its turns run there one after the other.
 * 2. Every message ends once: served, or refused after ten minutes of waiting for a session, or failed after a third death.
 */

/** After this long without a sign of its owner, a conversation is anybody's. */
const ownershipMs = 10_000;
const attemptsMax = 3;
/** How soon a machine that is free again answers the shared bell. */
const openPeriodMs = 250;
/** How often each machine looks for who should go elsewhere, and one of them for what nobody took. */
const lookPeriodMs = 2_000;

export interface Placement {
  /** False asks machines in any order, wherever the conversation was last: what affinity is compared with. */
  affinity: boolean;
  /** False leaves what nobody took in the shared queue, however late it is. */
  late: boolean;
}

/** What src/turns/placement.ts decides. */
export const asBuilt: Placement = { affinity: true, late: true };

export interface ClusterOptions {
  seed: number;
  machines: number;
  size: MachineSize;
  placement: Placement;
}

/** How a message ended. */
export interface Ending {
  message: TraceMessage;
  kind: 'served' | 'refused' | 'failed';
  path: SessionPath | null;
  /** Index of the machine; null when none had a part in it. */
  machine: number | null;
  /** Ms from the beginning until the agent that answered was at work on it, starts and failed tries included. */
  beganMs: number | null;
  /** Ms from the beginning until its conversation had no earlier turn in work. */
  readyMs: number;
  endedMs: number;
  attempts: number;
}

interface Mailbox {
  conversation: Conversation & { botId: BotName };
  /** In order; what a turn has taken stays in front until it is decided. */
  waiting: Array<{ message: TraceMessage; authorId: number; receivedAt: number; attempts: number }>;
  owner: Machine | null;
  home: Machine | null;
  /** Ms of the end of its last turn. */
  freeSinceMs: number;
  /** While it waits for a session: since when, and how to give up. */
  asking: { machine: Machine; sinceMs: number; withdrawn: AbortController } | null;
}

export class Cluster {
  readonly machines: readonly Machine[];
  readonly endings: Ending[] = [];
  readonly #clock: SimulationClock;
  readonly #random: Random;
  readonly #placement: ClusterOptions['placement'];
  readonly #memories: Memories;
  readonly #mailboxes = new Map<number, Mailbox>();
  readonly #messages = new Map<string, TraceMessage>();
  /** Conversations that every machine has heard of and none has taken up. */
  readonly #shared = new Set<Mailbox>();

  constructor(options: ClusterOptions, trace: readonly TraceMessage[], clock: SimulationClock) {
    const { seed, machines, size, placement } = options;
    this.#clock = clock;
    this.#random = createRandom(seed);
    this.#placement = placement;
    for (const message of trace) this.#messages.set(String(message.id), message);
    this.#memories = createMemories(knownOf(trace, createRandom(seed + 1)), clock);
    this.machines = Array.from({ length: machines }, (_, index) => {
      const machine: Machine = new Machine({
        ...{ name: `machine-${index + 1}`, seed: seed + 100 + index, size, memories: this.#memories },
        clock: clock.whileAlive(() => !machine.isDead),
        workOf: (uuid) => this.#messages.get(uuid) ?? { turnMs: 0, toolBytes: 0 },
      });
      return machine;
    });
    if (machines === 1) return;
    clock.every(openPeriodMs, () => this.#offerShared());
    clock.every(lookPeriodMs, () => this.#look());
  }

  accept(message: TraceMessage): void {
    const mailbox = this.#mailbox(message);
    const { authorId } = message;
    mailbox.waiting.push({ message, authorId, receivedAt: this.#clock.now(), attempts: 0 });
    if (mailbox.owner === null && mailbox.waiting.length === 1) this.#ring(mailbox, null);
  }

  /** A machine is gone with all that it held; what it owned is anybody's when its right has expired. */
  kill(machine: Machine): void {
    machine.close();
    this.#clock.after(ownershipMs, () => {
      for (const mailbox of this.#mailboxes.values()) {
        if (mailbox.home === machine) mailbox.home = null;
        if (mailbox.owner !== machine) continue;
        mailbox.owner = null;
        if (mailbox.waiting.length > 0) this.#ring(mailbox, null);
      }
    });
  }

  /** Messages that have not ended yet. */
  waiting(): number {
    return [...this.#mailboxes.values()].reduce((sum, { waiting }) => sum + waiting.length, 0);
  }

  close(): void {
    for (const machine of this.machines) if (!machine.isDead) machine.close();
    this.#memories.close();
  }

  #mailbox({ roomId, botId }: TraceMessage): Mailbox {
    const known = this.#mailboxes.get(roomId);
    if (known) return known;
    const mailbox: Mailbox = {
      ...{ conversation: { botId, roomId }, waiting: [], owner: null, home: null },
      ...{ freeSinceMs: 0, asking: null },
    };
    this.#mailboxes.set(roomId, mailbox);
    return mailbox;
  }

  #ring(mailbox: Mailbox, found: News['found']): void {
    const [only, ...others] = this.machines;
    if (only && others.length === 0) {
      this.#take(mailbox, only);
      return;
    }
    const home = this.#placement.affinity && mailbox.home?.isDead === false ? mailbox.home.name : null;
    const open = this.#anyOrder().map((machine) => ({ name: machine.name, isBusy: machine.isBusy() }));
    const news = { ...mailbox.conversation, atOnce: false, found };
    const since = mailbox.waiting[0];
    for (const bell of bellsFor(news, { owner: null, home }, open)) {
      this.#clock.after(bell.afterMs, () => {
        // Somebody has come meanwhile.
        if (mailbox.owner === null && mailbox.waiting[0] === since) this.#offer(mailbox, bell);
      });
    }
  }

  #offer(mailbox: Mailbox, { kind, machine: name }: Pick<Bell, 'kind' | 'machine'>): void {
    const hearers = this.#anyOrder().filter((machine) =>
      kind === 'shared' ? machine.mayAnswerShared() : machine.name === name,
    );
    const taker = hearers.find((machine) => takesUp(kind, machine.listener(mailbox.conversation)));
    if (taker) this.#take(mailbox, taker);
    else if (kind === 'shared') this.#shared.add(mailbox);
  }

  #take(mailbox: Mailbox, machine: Machine): void {
    const { conversation, home } = mailbox;
    this.#shared.delete(mailbox);
    mailbox.owner = machine;
    mailbox.home = machine;
    // Its last turn is no longer the conversation's last one.
    if (home !== null && home !== machine && !home.isDead)
      void home.pool.close(`${conversation.roomId}:${conversation.botId}`, 'moved');
    void this.#serve(mailbox, machine);
  }

  async #serve(mailbox: Mailbox, machine: Machine): Promise<void> {
    while (mailbox.waiting.length > 0 && mailbox.owner === machine) await this.#turn(mailbox, machine);
    if (mailbox.owner === machine) mailbox.owner = null;
  }

  async #turn(mailbox: Mailbox, machine: Machine): Promise<void> {
    const burst = firstBurst(mailbox.waiting);
    const [first] = burst;
    if (!first) return;
    for (const each of burst) each.attempts++;
    const readyMs = mailbox.freeSinceMs;
    const withdrawn = new AbortController();
    const lease = await this.#lease(mailbox, machine, first.receivedAt, withdrawn);
    if (lease === 'withdrawn') {
      for (const each of burst) each.attempts--;
      const next = this.machines.find(({ name }) => name === withdrawn.signal.reason);
      mailbox.owner = null;
      if (next && !next.isDead) this.#take(mailbox, next);
      else this.#ring(mailbox, null);
      return;
    }
    if (lease === 'refused') {
      this.#end(mailbox, machine, burst, { kind: 'refused', path: null, beganMs: null, readyMs });
      return;
    }
    const { path } = lease;
    const hooks = { onStep() {}, useTool: async () => ({ text: '', isError: false }) };
    const result = await lease.run({ uuid: String(first.message.id), text: '' }, hooks);
    await lease[Symbol.asyncDispose]();
    const workedMs = first.message.turnMs + measured.turnOverheadMs;
    const beganMs = result.kind === 'answered' ? this.#clock.monotonicMs() - workedMs : null;
    mailbox.freeSinceMs = this.#clock.monotonicMs();
    if (result.kind === 'answered')
      this.#end(mailbox, machine, burst, { kind: 'served', path, beganMs, readyMs });
    else if (first.attempts >= attemptsMax)
      this.#end(mailbox, machine, burst, { kind: 'failed', path, beganMs, readyMs });
  }

  async #lease(
    mailbox: Mailbox,
    machine: Machine,
    arrivedAt: number,
    withdrawn: AbortController,
  ): Promise<Lease | 'refused' | 'withdrawn'> {
    const { conversation } = mailbox;
    mailbox.asking = { machine, sinceMs: this.#clock.monotonicMs(), withdrawn };
    machine.beginning++;
    try {
      return await machine.pool.lease(conversation, botOf(conversation.botId), arrivedAt, withdrawn.signal);
    } catch (error) {
      if (error instanceof NoRoomError) return 'refused';
      if (error instanceof LeaseWithdrawnError) return 'withdrawn';
      throw error;
    } finally {
      machine.beginning--;
      mailbox.asking = null;
    }
  }

  #end(
    mailbox: Mailbox,
    machine: Machine,
    burst: ReadonlyArray<Mailbox['waiting'][number]>,
    how: Pick<Ending, 'kind' | 'path'> & { beganMs: number | null; readyMs: number },
  ): void {
    const { kind, path, beganMs, readyMs } = how;
    mailbox.waiting = mailbox.waiting.filter((each) => !burst.includes(each));
    for (const { message, attempts } of burst) {
      this.endings.push({
        ...{ message, kind, path, machine: this.machines.indexOf(machine), attempts },
        ...{ beganMs, endedMs: this.#clock.monotonicMs(), readyMs: Math.max(readyMs, message.atMs) },
      });
    }
  }

  #look(): void {
    for (const machine of this.machines) if (!machine.isDead) this.#passOn(machine);
    if (!this.#placement.late) return;
    for (const mailbox of this.#mailboxes.values()) {
      const waitedMs = this.#clock.now() - (mailbox.waiting[0]?.receivedAt ?? Number.POSITIVE_INFINITY);
      if (mailbox.owner === null && waitedMs >= 0) this.#ring(mailbox, { forOwner: false, waitedMs });
    }
  }

  /** Who waits where nothing is free goes where something is. */
  #passOn(machine: Machine): void {
    const others = this.machines.filter((other) => other !== machine && !other.isDead && !other.isBusy());
    if (others.length === 0) return;
    const nowMs = this.#clock.monotonicMs();
    const waiting = [...this.#mailboxes.values()]
      .flatMap(({ asking }) => (asking?.machine === machine ? [asking] : []))
      .map((asking) => ({ ...asking, waitedMs: nowMs - asking.sinceMs }))
      .sort((a, b) => b.waitedMs - a.waitedMs);
    const free = others.map(({ name }) => name);
    for (const { waiter, machine: next } of passedOn(waiting, free)) waiter.withdrawn.abort(next);
  }

  /** What all have heard of is offered again to those that are free by now, the oldest first. */
  #offerShared(): void {
    for (const mailbox of [...this.#shared]) {
      if (mailbox.owner !== null || mailbox.waiting.length === 0) this.#shared.delete(mailbox);
      else this.#offer(mailbox, { kind: 'shared', machine: null });
      if (this.#shared.has(mailbox)) return;
    }
  }

  /** Living machines: whoever reaches the shared queue first is as good as random. */
  #anyOrder(): Machine[] {
    const alive = this.machines.filter(({ isDead }) => !isDead);
    for (let place = alive.length - 1; place > 0; place--) {
      const other = this.#random.below(place + 1);
      const [a, b] = [alive[place], alive[other]];
      if (a && b) [alive[place], alive[other]] = [b, a];
    }
    return alive;
  }
}
