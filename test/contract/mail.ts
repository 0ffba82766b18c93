import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { IncomingMail, Mail, Turn } from '../../src/mail/mail.ts';
import { type TestClock, testClock } from '../support/clock.ts';

/** A driver under test. `reopen` ends this life without warning and begins the next on the same data. */
export interface MailUnderTest {
  mail: Mail;
  reopen(): Promise<Mail>;
  close(): Promise<void>;
}

const room = { botId: 'helper', roomId: 7 };
const post = (body: string) => ({ kind: 'post' as const, body });
const from = (messageId: number | null, content = `message ${messageId}`): IncomingMail => ({
  ...{ ...room, messageId, authorId: 1, content },
});

/** The promises of the mail contract; every driver passes this suite. */
export function mailContract(name: string, open: (clock: TestClock) => Promise<MailUnderTest>): void {
  const withMail = (title: string, run: (under: MailUnderTest, clock: TestClock) => Promise<void>) =>
    test(`${name}: ${title}`, async () => {
      const clock = testClock();
      const under = await open(clock);
      try {
        await run(under, clock);
      } finally {
        await under.close();
      }
    });

  withMail('a message is accepted once, and a repeat changes nothing', async ({ mail }) => {
    assert.equal(await mail.accept(from(1, 'first')), 'accepted');
    assert.equal(await mail.accept(from(1, 'again')), 'duplicate');
    assert.equal(
      await mail.accept({ ...from(1), botId: 'other' }),
      'accepted',
      'another bot, another message',
    );
    assert.equal((await mail.begin(room))?.messages[0].content, 'first');
  });

  withMail('a repeat is known even after the message was answered', async ({ mail, reopen }) => {
    await mail.accept(from(1));
    await mail.decide(must(await mail.begin(room)), { kind: 'answered' }, []);
    assert.equal(await (await reopen()).accept(from(1)), 'duplicate');
  });

  withMail('what has arrived is taken by message id; messages without one by arrival', async ({ mail }) => {
    for (const id of [12, 9, null, 11, null]) await mail.accept(from(id, `${id}`));
    assert.deepEqual(await answerAll(mail), ['9', '11', '12', 'null', 'null']);
  });

  withMail(
    'a conversation has one unfinished turn, and its attempts are counted across lives',
    async (under) => {
      await under.mail.accept(from(1));
      await under.mail.accept(from(2));
      const first = must(await under.mail.begin(room));
      const mail = await under.reopen();
      const again = must(await mail.begin(room));
      assert.equal(again.id, first.id);
      assert.deepEqual([first.attempt, again.attempt], [1, 2]);
      assert.notEqual(again.promptUuid, first.promptUuid);
      assert.equal(again.previousPromptUuid, first.promptUuid);
      assert.deepEqual(await mail.conversationsWithMail(), [room]);
    },
  );

  withMail('an attempt that is given back does not count', async ({ mail }) => {
    await mail.accept(from(1));
    await mail.giveBack(must(await mail.begin(room)));
    assert.equal((await mail.begin(room))?.attempt, 1);
  });

  withMail('a turn is decided once', async ({ mail }) => {
    await mail.accept(from(1));
    const turn = must(await mail.begin(room));
    await mail.decide(turn, { kind: 'answered' }, [post('a')]);
    await assert.rejects(mail.decide(turn, { kind: 'answered' }, [post('b')]), /already decided/);
    assert.equal((await mail.counts()).undelivered, 1);
  });

  withMail('rows are handed out in the order of decision, one after the other', async ({ mail }) => {
    for (const id of [1, 2]) {
      await mail.accept(from(id));
      await mail.decide(must(await mail.begin(room)), { kind: 'answered' }, [post(`${id}a`), post(`${id}b`)]);
    }
    const sent: string[] = [];
    for (let row = await mail.takeOutbox(room, Infinity); row; row = await mail.takeOutbox(room, Infinity)) {
      sent.push(row.body);
      await mail.settleOutbox(row, { kind: 'sent', campfireId: row.id });
    }
    assert.deepEqual(sent, ['1a', '1b', '2a', '2b']);
    assert.deepEqual(await mail.counts(), { waiting: 0, running: 0, withoutOutcome: 0, undelivered: 0 });
  });

  withMail('a row that has to wait holds back those behind it', async ({ mail }, clock) => {
    await mail.accept(from(1));
    await mail.decide(must(await mail.begin(room)), { kind: 'answered' }, [post('a'), post('b')]);
    const first = must(await mail.takeOutbox(room, clock.now()));
    await mail.settleOutbox(first, { kind: 'retry', at: clock.now() + 1000, problem: 'away' });
    assert.equal(await mail.takeOutbox(room, clock.now()), null);
    assert.deepEqual(await mail.conversationsWithOutbox(), [{ ...room, at: clock.now() + 1000 }]);
    clock.advance(1000);
    const again = must(await mail.takeOutbox(room, clock.now()));
    assert.deepEqual([again.body, again.tries, again.inDoubt], ['a', 1, false]);
  });

  withMail(
    'a row that was being sent when the service died is in doubt, others are not',
    async (under, clock) => {
      await under.mail.accept(from(1));
      await under.mail.decide(must(await under.mail.begin(room)), { kind: 'answered' }, [
        post('a'),
        post('b'),
      ]);
      assert.equal((await under.mail.takeOutbox(room, clock.now()))?.inDoubt, false);
      const mail = await under.reopen();
      const doubted = must(await mail.takeOutbox(room, clock.now()));
      assert.deepEqual([doubted.body, doubted.inDoubt], ['a', true]);
      await mail.settleOutbox(doubted, { kind: 'ask-again', at: clock.now(), problem: 'away' });
      assert.equal(
        (await mail.takeOutbox(room, clock.now()))?.inDoubt,
        true,
        'it stays in doubt until somebody knows',
      );
      await mail.settleOutbox(doubted, {
        kind: 'replaced',
        draft: { kind: 'notice', body: 'n' },
        problem: 'p',
      });
      const notice = must(await mail.takeOutbox(room, clock.now()));
      assert.deepEqual([notice.body, notice.kind, notice.inDoubt], ['n', 'notice', false]);
    },
  );

  test(`${name}: whatever happens in whatever order, every message gets one outcome, in order`, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const clock = testClock();
        const under = await open(clock);
        try {
          await follow(steps, under, clock);
        } finally {
          await under.close();
        }
      }),
      { numRuns: 60 },
    );
  });
}

type Step =
  | { do: 'accept'; id: number; room: number }
  | { do: 'begin' | 'decide' | 'deliver'; room: number }
  | { do: 'crash' }
  | { do: 'wait' };

const roomNumber = fc.integer({ min: 1, max: 2 });
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant('accept' as const), id: fc.integer({ min: 1, max: 12 }), room: roomNumber }),
  fc.record({
    do: fc.constantFrom('begin' as const, 'decide' as const, 'deliver' as const),
    room: roomNumber,
  }),
  fc.constant({ do: 'crash' as const }),
  fc.constant({ do: 'wait' as const }),
);

/** Plays a schedule, then lets everything finish, and compares with what was accepted. */
async function follow(steps: readonly Step[], under: MailUnderTest, clock: TestClock): Promise<void> {
  let { mail } = under;
  const accepted = new Set<number>();
  const decidedIn: number[] = [];
  const sent: string[] = [];
  let running = new Map<number, Turn>();
  const decide = async (turn: Turn) => {
    decidedIn.push(...turn.messages.map(({ messageId }) => messageId as number));
    await mail.decide(turn, { kind: 'answered' }, [post(`${turn.messages[0].messageId}`)]);
  };
  const deliver = async (roomId: number) => {
    const row = await mail.takeOutbox({ botId: 'helper', roomId }, clock.now());
    if (!row) return false;
    sent.push(row.body);
    await mail.settleOutbox(row, { kind: 'sent', campfireId: null });
    return true;
  };
  for (const each of steps) {
    if (each.do === 'accept') {
      // One id belongs to one room; the other room's ids are shifted out of the way.
      const messageId = each.id + each.room * 100;
      const kept = await mail.accept({ ...from(messageId), roomId: each.room });
      assert.equal(kept, accepted.has(messageId) ? 'duplicate' : 'accepted');
      accepted.add(messageId);
    } else if (each.do === 'begin' && !running.has(each.room)) {
      const turn = await mail.begin({ botId: 'helper', roomId: each.room });
      if (turn) running.set(each.room, turn);
    } else if (each.do === 'decide') {
      const turn = running.get(each.room);
      if (turn) await decide(turn);
      running.delete(each.room);
    } else if (each.do === 'deliver') {
      await deliver(each.room);
    } else if (each.do === 'crash') {
      running = new Map();
      mail = await under.reopen();
    } else {
      clock.advance(500);
    }
  }
  for (const turn of running.values()) await decide(turn);
  for (const roomId of [1, 2]) {
    for (
      let turn = await mail.begin({ botId: 'helper', roomId });
      turn;
      turn = await mail.begin({ botId: 'helper', roomId })
    )
      await decide(turn);
    while (await deliver(roomId));
  }
  assert.deepEqual(
    [...decidedIn].sort(),
    [...accepted].sort(),
    'each accepted message was decided exactly once',
  );
  assert.deepEqual([...sent].map(Number).sort(), [...accepted].sort(), 'and answered exactly once');
  for (const roomId of [1, 2]) {
    const inRoom = (ids: readonly number[]) => ids.filter((id) => Math.floor(id / 100) === roomId);
    assert.deepEqual(inRoom(sent.map(Number)), inRoom(decidedIn), 'posts follow decisions');
  }
  assert.deepEqual(await mail.counts(), { waiting: 0, running: 0, withoutOutcome: 0, undelivered: 0 });
}

async function answerAll(mail: Mail): Promise<string[]> {
  const contents: string[] = [];
  for (let turn = await mail.begin(room); turn; turn = await mail.begin(room)) {
    contents.push(turn.messages[0].content);
    await mail.decide(turn, { kind: 'answered' }, []);
  }
  return contents;
}

function must<T>(value: T | null | undefined): T {
  assert.ok(value);
  return value;
}
