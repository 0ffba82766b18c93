import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Conversation, Mail, Message, Turn } from '../../src/mail/mail.ts';
import { type TestClock, testClock } from '../support/clock.ts';

/** A driver under test. `reopen` ends this life without warning and begins the next on the same data. */
export interface MailUnderTest {
  mail: Mail;
  reopen(): Promise<Mail>;
  /** What the driver promises of itself when nothing is left to do. */
  atRest?(): Promise<void>;
  close(): Promise<void>;
}

type Room = 1 | 2;
type Step =
  | { do: 'accept'; id: number; room: Room; author: number; atOnce: boolean }
  | { do: 'begin' | 'decide' | 'put-off' | 'give-back' | 'notice' | 'command' | 'refuse'; room: Room }
  | { do: 'take'; room: Room }
  | { do: 'arrive'; room: Room; how: 'sent' | 'retry' | 'ask-again' | 'replaced' | 'undeliverable' }
  | { do: 'crash' }
  | { do: 'wait'; ms: number };

const room = fc.constantFrom<Room>(1, 2);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      ...{ do: fc.constant('accept' as const), id: fc.integer({ min: 1, max: 15 }), room },
      ...{ author: fc.integer({ min: 1, max: 2 }), atOnce: fc.boolean() },
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constantFrom('begin', 'decide', 'put-off', 'give-back', 'notice', 'command', 'refuse'),
      room,
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('take' as const), room }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('arrive' as const),
      room,
      how: fc.constantFrom('sent', 'retry', 'ask-again', 'replaced', 'undeliverable'),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ do: 'crash' as const }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.constantFrom(500, 6_000, 61_000) }),
  },
);

/** Random arrivals, duplicates, disorder, crashes, and a Campfire that is slow, away or refuses. */
export function mailSchedules(
  name: string,
  open: (clock: TestClock) => Promise<MailUnderTest>,
  numRuns = 120,
): void {
  test(`${name}: whatever happens in whatever order, every message gets one outcome, in order`, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 80 }), async (steps) => {
        const clock = testClock();
        const under = await open(clock);
        try {
          const schedule = new Schedule(under, clock);
          for (const each of steps) await schedule.play(each);
          await schedule.finish();
          await under.atRest?.();
        } finally {
          await under.close();
        }
      }),
      { numRuns },
    );
  });
}

/** Plays steps, remembers what a service would, and compares with what was accepted. */
class Schedule {
  readonly #under: MailUnderTest;
  readonly #clock: TestClock;
  #mail: Mail;
  /** What this life knows: the turns it runs and the row it is sending. */
  #running = new Map<Room, Turn>();
  #sending = new Map<Room, Awaited<ReturnType<Mail['takeOutbox']>>>();
  readonly #accepted = new Set<number>();
  /** One entry per outcome. */
  readonly #outcomes: Array<{ messages: number[] }> = [];
  readonly #notices: Array<{ messages: number[]; body: string }> = [];
  readonly #written = new Map<Room, string[]>([
    [1, []],
    [2, []],
  ]);
  readonly #sent = new Map<Room, string[]>([
    [1, []],
    [2, []],
  ]);
  readonly #attempts = new Map<number, number>();
  #names = 0;

  constructor(under: MailUnderTest, clock: TestClock) {
    this.#under = under;
    this.#mail = under.mail;
    this.#clock = clock;
  }

  async play(step: Step): Promise<void> {
    switch (step.do) {
      case 'accept':
        return this.#accept(step);
      case 'wait':
        return this.#clock.advance(step.ms);
      case 'crash':
        this.#running = new Map();
        this.#sending = new Map();
        this.#mail = await this.#under.reopen();
        return;
      case 'take':
        if (this.#sending.has(step.room)) return;
        this.#sending.set(step.room, await this.#mail.takeOutbox(at(step.room), this.#clock.now()));
        return;
      case 'arrive':
        return this.#arrive(step.room, step.how);
      case 'begin':
        return this.#begin(step.room);
      case 'notice':
        return this.#notice(step.room);
      case 'command':
        return this.#command(step.room);
      case 'refuse':
        return this.#refuse(step.room);
      default:
        return this.#endAttempt(step.room, step.do);
    }
  }

  async #accept({ id, room, author, atOnce }: Extract<Step, { do: 'accept' }>): Promise<void> {
    // One id belongs to one room; the other room's ids are shifted out of the way.
    const messageId = id + room * 100;
    const mail = { ...at(room), messageId, authorId: author, content: `${messageId}`, atOnce };
    const kept = await this.#mail.accept(mail);
    assert.equal(kept.kind, this.#accepted.has(messageId) ? 'duplicate' : 'accepted');
    this.#accepted.add(messageId);
  }

  async #begin(room: Room): Promise<void> {
    if (this.#running.has(room)) return;
    const { waiting, turn: unfinished } = await this.#mail.situation(at(room));
    const turn = await this.#mail.begin(at(room));
    if (!turn) return;
    if (unfinished) assert.equal(turn.id, unfinished.id, 'an unfinished turn goes first');
    else assert.equal(turn.messages[0].id, waiting[0]?.id, 'the smallest id goes first');
    assert.equal(turn.attempt, (this.#attempts.get(turn.id) ?? 0) + 1, 'each attempt counts once');
    this.#attempts.set(turn.id, turn.attempt);
    this.#running.set(room, turn);
  }

  async #endAttempt(room: Room, how: 'decide' | 'put-off' | 'give-back'): Promise<void> {
    const turn = this.#running.get(room);
    if (!turn) return;
    this.#running.delete(room);
    if (how === 'decide') {
      const body = this.#name('answer');
      await this.#mail.decide(turn, { kind: 'answered' }, [{ kind: 'post', body }]);
      this.#outcome(room, turn.messages, body);
      return;
    }
    const notice = turn.postponements === 0 ? { ordinal: 901, body: this.#name('later') } : null;
    const putOff = { until: this.#clock.now() + 30_000, notice };
    await this.#mail.giveBack(turn, ...(how === 'put-off' ? [putOff] : []));
    this.#attempts.set(turn.id, turn.attempt - 1);
    if (how === 'put-off' && notice) this.#written.get(room)?.push(notice.body);
  }

  async #notice(room: Room): Promise<void> {
    const { waiting } = await this.#mail.situation(at(room));
    const body = this.#name('notice');
    const known = waiting.filter(({ messageId }) =>
      this.#notices.every(({ messages }) => !messages.includes(messageId as number)),
    );
    assert.equal(await this.#mail.notice(at(room), waiting, { ordinal: 900, body }), known.length > 0);
    if (known.length === 0) return;
    this.#notices.push({ messages: idsOf(known), body });
    this.#written.get(room)?.push(body);
  }

  /** A stop: what is for at once, the oldest waiting message and the unfinished turn, in one step. */
  async #command(room: Room): Promise<void> {
    const { atOnce, waiting, turn } = await this.#mail.situation(at(room));
    if (atOnce.length === 0) return;
    const messages = [...waiting.slice(0, 1), ...atOnce];
    const body = this.#name('stopped');
    const settlement = { messages, stopTurn: turn?.id ?? null, outcome: { kind: 'stopped' as const } };
    const done = await this.#mail.settle(at(room), { ...settlement, drafts: [{ kind: 'post', body }] });
    assert.equal(done, true);
    this.#running.delete(room);
    if (turn) this.#outcomes.push({ messages: idsOf(turn.messages) });
    this.#outcome(room, messages, body);
  }

  async #refuse(room: Room): Promise<void> {
    const newest = (await this.#mail.situation(at(room))).waiting.at(-1);
    if (!newest) return;
    const settlement = { messages: [newest], stopTurn: null, drafts: [] };
    const outcome = { kind: 'failed' as const, cause: 'flood' };
    assert.equal(await this.#mail.settle(at(room), { ...settlement, outcome }), true);
    this.#outcomes.push({ messages: idsOf([newest]) });
  }

  async #arrive(room: Room, how: Extract<Step, { do: 'arrive' }>['how']): Promise<void> {
    const row = this.#sending.get(room);
    this.#sending.delete(room);
    if (!row) return;
    const at = this.#clock.now() + 1000;
    const problem = 'p';
    const draft = { kind: 'notice' as const, body: row.body };
    if (how === 'sent') await this.#mail.settleOutbox(row, { kind: how, campfireId: null });
    else if (how === 'replaced') await this.#mail.settleOutbox(row, { kind: how, draft, problem });
    else if (how === 'undeliverable') await this.#mail.settleOutbox(row, { kind: how, problem });
    else await this.#mail.settleOutbox(row, { kind: how, at, problem });
    if (how === 'sent' || how === 'undeliverable') this.#sent.get(room)?.push(row.body);
  }

  /** Lets everything come to its end, then holds the promises against what happened. */
  async finish(): Promise<void> {
    for (const room of [1, 2] as const) {
      await this.#command(room);
      for (;;) {
        this.#clock.advance(30_000);
        await this.#begin(room);
        if (!this.#running.has(room)) break;
        await this.#endAttempt(room, 'decide');
      }
      for (;;) {
        this.#clock.advance(1000);
        if (!this.#sending.get(room))
          this.#sending.set(room, await this.#mail.takeOutbox(at(room), this.#clock.now()));
        if (!this.#sending.get(room)) break;
        await this.#arrive(room, 'sent');
      }
      assert.deepEqual(this.#sent.get(room), this.#written.get(room), 'rows leave in the order of writing');
    }
    const decided = this.#outcomes.flatMap(({ messages }) => messages);
    assert.deepEqual(decided.sort(), [...this.#accepted].sort(), 'each message got exactly one outcome');
    const nothing = { waiting: 0, running: 0, withoutOutcome: 0, undelivered: 0 };
    assert.deepEqual(await this.#mail.counts(), nothing);
    assert.deepEqual(await this.#mail.conversationsWithMail(), []);
  }

  #outcome(room: Room, messages: readonly Message[], body: string): void {
    this.#outcomes.push({ messages: idsOf(messages) });
    this.#written.get(room)?.push(body);
  }

  #name(kind: string): string {
    return `${kind} ${++this.#names}`;
  }
}

function at(roomId: Room): Conversation {
  return { botId: 'helper', roomId };
}

function idsOf(messages: readonly Message[]): number[] {
  return messages.map(({ messageId }) => messageId as number);
}
