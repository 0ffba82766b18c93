import assert from 'node:assert/strict';
import {
  type Accepted,
  type IncomingMail,
  type Mail,
  type OutboxRow,
  type PendingConversation,
  retryMaxMs,
} from '../../src/mail/mail.ts';
import { type TestClock, testClock } from '../support/clock.ts';
import { mailReplays } from './mail-replay.ts';
import { type MailUnderTest, mailSchedules } from './mail-schedules.ts';
import { suiteOver } from './suite.ts';

const room = { botId: 'helper', roomId: 7 };
const post = (body: string) => ({ kind: 'post' as const, body });
/** By a person of its own, unless told otherwise: messages of one person in a row would become one turn. */
const from = (messageId: number | null, content = `message ${messageId}`): IncomingMail => ({
  ...{ ...room, messageId, authorId: 100 + (messageId ?? 0), content },
});
const by = (authorId: number, messageId: number): IncomingMail => ({ ...from(messageId), authorId });
const nothing = { waiting: 0, running: 0, withoutOutcome: 0, undelivered: 0 };

/** The promises of the mail contract; every driver passes this suite. */
export function mailContract(name: string, open: (clock: TestClock) => Promise<MailUnderTest>): void {
  const withMail = suiteOver(name, open);

  withMail('a message is accepted once, and a repeat changes nothing', async ({ mail }) => {
    assert.equal((await mail.accept(from(1, 'first'))).kind, 'accepted');
    assert.equal((await mail.accept(from(1, 'again'))).kind, 'duplicate');
    assert.equal(
      (await mail.accept({ ...from(1), botId: 'other' })).kind,
      'accepted',
      'another bot, another message',
    );
    assert.equal((await mail.begin(room))?.messages[0].content, 'first');
  });

  withMail('a repeat is known even after the message was answered', async ({ mail, reopen }) => {
    await mail.accept(from(1));
    await mail.decide(must(await mail.begin(room)), { kind: 'answered' }, []);
    assert.equal((await (await reopen()).accept(from(1))).kind, 'duplicate');
  });

  withMail('what has arrived is taken by message id; messages without one by arrival', async ({ mail }) => {
    for (const id of [12, 9, null, 11]) await mail.accept(from(id, `${id}`));
    await mail.accept({ ...from(null, 'null'), authorId: 7 });
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
      assert.deepEqual(await pendingIn(mail), { ...room, ready: true, atOnce: false, unnoticedSince: 0 });
    },
  );

  withMail('a turn is looked up with the prompt that it had, and each look counts', async (under) => {
    let { mail } = under;
    await mail.accept(from(1));
    assert.equal(await mail.begin(room, 'same'), null, 'nothing was cut off yet');
    const first = must(await mail.begin(room));
    for (const attempt of [2, 3]) {
      mail = await under.reopen();
      assert.deepEqual(must(await mail.begin(room, 'same')), { ...first, attempt });
    }
    await mail.giveBack({ ...first, attempt: 3 });
    const again = must(await mail.begin(room));
    assert.deepEqual([again.attempt, again.previousPromptUuid], [3, first.promptUuid]);
    await mail.giveBack(again, { until: 1e15, notice: null });
    assert.equal(await mail.begin(room, 'same'), null, 'not before its time');
  });

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
    assert.deepEqual(
      (await sendAll(mail)).map(({ body }) => body),
      ['1a', '1b', '2a', '2b'],
    );
    assert.deepEqual(await mail.counts(), nothing);
  });

  withMail('a row that has to wait holds back those behind it', async ({ mail }, clock) => {
    await mail.accept(from(1));
    await mail.decide(must(await mail.begin(room)), { kind: 'answered' }, [post('a'), post('b')]);
    const first = must(await mail.takeOutbox(room, clock.now()));
    await mail.settleOutbox(first, { kind: 'retry', at: clock.now() + 1000, problem: 'away' });
    assert.equal(await mail.takeOutbox(room, clock.now()), null);
    assert.deepEqual(await mail.conversationsWithOutbox(10), [{ ...room, at: clock.now() + 1000 }]);
    clock.advance(1000);
    const again = must(await mail.takeOutbox(room, clock.now()));
    assert.deepEqual([again.body, again.tries, again.inDoubt], ['a', 1, false]);
  });

  withMail(
    'of each bot the first due are found, and of none more than asked for',
    async ({ mail }, clock) => {
      const other = { botId: 'other', roomId: 7 };
      const delays = [
        [1, 4000],
        [2, 3000],
        [7, 1000],
      ] as const;
      const conversations = delays.map(([roomId, delayMs]) => ({ botId: 'helper', roomId, delayMs }));
      for (const { delayMs, ...conversation } of [...conversations, { ...other, delayMs: 2000 }]) {
        await mail.accept({ ...from(10 * conversation.roomId), ...conversation });
        await mail.decide(must(await mail.begin(conversation)), { kind: 'answered' }, [post('a'), post('b')]);
        const row = must(await mail.takeOutbox(conversation, clock.now()));
        await mail.settleOutbox(row, { kind: 'retry', at: clock.now() + delayMs, problem: 'away' });
      }
      const [one, two, seven] = conversations.map(({ botId, roomId }) => ({ botId, roomId }));
      const found = async (max: number) =>
        (await mail.conversationsWithOutbox(max)).map(({ botId, roomId }) => ({ botId, roomId }));
      assert.deepEqual(await found(3), [seven, other, two, one]);
      assert.deepEqual(await found(2), [seven, other, two]);
      assert.deepEqual(await found(1), [seven, other]);
      clock.advance(1000);
      await sendAll(mail);
      assert.deepEqual(await found(1), [other, two]);
    },
  );

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

  withMail(
    'what one person says in a row is one turn, and all of it settles with it',
    async ({ mail }, clock) => {
      await mail.accept(by(1, 10));
      clock.advance(4_000);
      await mail.accept(by(1, 11));
      await mail.accept(by(2, 12));
      await mail.accept(by(1, 13));
      clock.advance(5_001);
      await mail.accept(by(1, 14));
      const turns: (number | null)[][] = [];
      for (let turn = await mail.begin(room); turn; turn = await mail.begin(room)) {
        turns.push(turn.messages.map(({ messageId }) => messageId));
        await mail.decide(turn, { kind: 'answered' }, []);
      }
      assert.deepEqual(turns, [[10, 11], [12], [13], [14]]);
      assert.deepEqual(await mail.counts(), nothing);
    },
  );

  withMail('a smaller id that comes late waits for the running turn', async ({ mail }) => {
    await mail.accept(from(9));
    const running = must(await mail.begin(room));
    await mail.accept(from(8));
    const again = must(await mail.begin(room));
    assert.equal(again.id, running.id, 'nothing else is handed out meanwhile');
    await mail.decide(again, { kind: 'answered' }, []);
    assert.equal((await mail.begin(room))?.messages[0].messageId, 8);
  });

  withMail(
    'a turn that is put off is not due before its time, across lives, and costs no attempt',
    async (under, clock) => {
      await under.mail.accept(from(1));
      const turn = must(await under.mail.begin(room));
      const notice = { ordinal: 901, body: 'later' };
      await under.mail.giveBack(turn, { until: clock.now() + 30_000, notice });
      await under.mail.accept(from(2));
      const mail = await under.reopen();
      assert.equal(await mail.begin(room), null);
      assert.equal((await pendingIn(mail))?.ready, false, 'those behind it wait, too');
      clock.advance(30_000);
      assert.equal((await pendingIn(mail))?.ready, true);
      const again = must(await mail.begin(room));
      assert.deepEqual([again.id, again.attempt, again.postponements], [turn.id, 1, 1]);
      await mail.decide(again, { kind: 'answered' }, [post('answer')]);
      assert.deepEqual(
        (await sendAll(mail)).map(({ body }) => body),
        ['later', 'answer'],
      );
    },
  );

  withMail('what is for at once gets no turn and does not wait for one', async ({ mail }) => {
    await mail.accept(from(1));
    const turn = must(await mail.begin(room));
    await mail.accept({ ...from(2), atOnce: true });
    const { atOnce, waiting } = await mail.situation(room);
    assert.deepEqual([atOnce.map(({ messageId }) => messageId), waiting], [[2], []]);
    assert.equal((await pendingIn(mail))?.atOnce, true);
    assert.equal((await mail.counts()).withoutOutcome, 2);
    const settled = { messages: atOnce, stopTurn: null, outcome: { kind: 'answered' as const } };
    assert.equal(await mail.settle(room, { ...settled, drafts: [post('status')] }), true);
    assert.equal(await mail.settle(room, { ...settled, drafts: [post('again')] }), false, 'only once');
    await mail.decide(turn, { kind: 'answered' }, [post('answer')]);
    assert.deepEqual(
      (await sendAll(mail)).map(({ body }) => body),
      ['status', 'answer'],
    );
    assert.deepEqual(await mail.counts(), nothing);
  });

  withMail('a stop ends the turn and what waits in one step, or changes nothing', async (under) => {
    for (const id of [1, 2, 3]) await under.mail.accept(from(id));
    const turn = must(await under.mail.begin(room));
    await under.mail.accept({ ...from(4), atOnce: true });
    const { waiting, atOnce } = await under.mail.situation(room);
    const [second] = waiting;
    const stop = {
      messages: [must(second), ...atOnce],
      outcome: { kind: 'stopped' as const },
      drafts: [post('stopped')],
    };
    assert.equal(await under.mail.settle(room, { ...stop, stopTurn: turn.id + 1 }), false);
    assert.equal((await under.mail.counts()).withoutOutcome, 4);
    assert.equal(await under.mail.settle(room, { ...stop, stopTurn: turn.id }), true);
    await assert.rejects(under.mail.decide(turn, { kind: 'answered' }, []), /already decided/);
    const mail = await under.reopen();
    assert.equal((await mail.begin(room))?.messages[0].messageId, 3);
    const [row] = await sendAll(mail);
    assert.deepEqual([row?.body, row?.messages.at(-1)?.messageId], ['stopped', 4]);
  });

  withMail('a message gets one notice, ahead of its answer, and none after its outcome', async (under) => {
    for (const id of [1, 2, 3]) await under.mail.accept(from(id));
    const turn = must(await under.mail.begin(room));
    const { waiting } = await under.mail.situation(room);
    assert.deepEqual(
      waiting.map(({ noticed }) => noticed),
      [false, false],
    );
    const all = [...turn.messages, ...waiting];
    const notice = (body: string) => ({ ordinal: 900, body });
    assert.equal(await under.mail.notice(room, waiting.slice(0, 1), notice('second waits')), true);
    const mail = await under.reopen();
    assert.equal(await mail.notice(room, waiting.slice(0, 1), notice('again')), false);
    assert.deepEqual(
      (await mail.situation(room)).waiting.map(({ noticed }) => noticed),
      [true, false],
    );
    await mail.decide(must(await mail.begin(room)), { kind: 'answered' }, [post('first')]);
    assert.equal(await mail.notice(room, all, notice('third waits')), true);
    assert.equal(await mail.notice(room, all, notice('again')), false);
    assert.equal((await pendingIn(mail))?.unnoticedSince, null);
    await mail.decide(must(await mail.begin(room)), { kind: 'answered' }, [post('second')]);
    const rows = await sendAll(mail);
    assert.deepEqual(
      rows.map(({ body }) => body),
      ['second waits', 'first', 'third waits', 'second'],
    );
    assert.deepEqual(
      rows[0]?.messages.map(({ messageId }) => messageId),
      [2],
    );
  });

  withMail(
    'a turn that is put off before its notice was sent leaves both lines in the outbox',
    async (under) => {
      await under.mail.accept(from(1));
      const { waiting } = await under.mail.situation(room);
      assert.equal(await under.mail.notice(room, waiting, { ordinal: 900, body: 'waits' }), true);
      const turn = must(await under.mail.begin(room));
      await under.mail.giveBack(turn, { until: 0, notice: { ordinal: 901, body: 'later' } });
      const mail = await under.reopen();
      await mail.decide(must(await mail.begin(room)), { kind: 'answered' }, [post('answer')]);
      assert.deepEqual(
        (await sendAll(mail)).map(({ body, messages }) => [body, messages.map(({ messageId }) => messageId)]),
        [
          ['waits', [1]],
          ['later', [1]],
          ['answer', [1]],
        ],
      );
      assert.deepEqual(await mail.counts(), nothing);
    },
  );

  withMail(
    'after the clock was set back nobody is too fast, and nothing waits for it',
    async ({ mail }, clock) => {
      const accepted = await mail.accept({ ...by(1, 1), fromBot: true });
      await mail.accept({ ...by(1, 2), fromBot: true });
      assert.equal(accepted.kind, 'accepted');
      const refused = { outcome: { kind: 'failed' as const, cause: 'flood' }, stopTurn: null };
      const messages = accepted.kind === 'accepted' ? [accepted.message] : [];
      await mail.settle(room, { ...refused, messages, drafts: [post('slow down')] });
      clock.advance(-3 * 3_600_000);
      const third = await mail.accept({ ...by(1, 3), fromBot: true });
      assert.deepEqual(third.kind === 'accepted' && third.standing, {
        ...{ waitingHere: 2, waitingInAll: 2, toldLately: false },
        lastMinute: { ofAuthorHere: 1, ofAuthorInAll: 1, ofBotsInRoom: 1 },
      });
      assert.deepEqual(await mail.conversationsWithOutbox(10), [{ ...room, at: clock.now() }]);
      const row = must(await mail.takeOutbox(room, clock.now()));
      await mail.settleOutbox(row, { kind: 'retry', at: clock.now() + retryMaxMs, problem: 'busy' });
      assert.equal(await mail.takeOutbox(room, clock.now()), null, 'a retry may ask for so much');
      assert.deepEqual(await mail.conversationsWithOutbox(10), [{ ...room, at: clock.now() + retryMaxMs }]);
    },
  );

  withMail(
    'what stands beside a message is counted over a minute, refused ones apart',
    async (under, clock) => {
      const standing = async (accepted: Promise<Accepted>) => {
        const kept = await accepted;
        return kept.kind === 'accepted' ? kept : assert.fail('a duplicate');
      };
      await under.mail.accept(by(1, 1));
      await under.mail.accept({ ...by(1, 2), roomId: 8 });
      await under.mail.accept({ ...by(5, 3), botId: 'other', fromBot: true });
      await under.mail.accept({ ...by(1, 4), atOnce: true });
      const fifth = await standing(under.mail.accept({ ...by(5, 5), fromBot: true }));
      assert.deepEqual(fifth.standing.lastMinute, { ofAuthorHere: 1, ofAuthorInAll: 2, ofBotsInRoom: 2 });
      const sixth = await standing(under.mail.accept(by(1, 6)));
      assert.deepEqual(sixth.standing, {
        ...{ waitingHere: 3, waitingInAll: 5, toldLately: false },
        lastMinute: { ofAuthorHere: 2, ofAuthorInAll: 3, ofBotsInRoom: 2 },
      });
      const refused = { outcome: { kind: 'failed' as const, cause: 'flood' }, stopTurn: null };
      await under.mail.settle(room, { ...refused, messages: [sixth.message], drafts: [post('slow down')] });
      const seventh = await standing((await under.reopen()).accept(by(1, 7)));
      assert.deepEqual([seventh.standing.toldLately, seventh.standing.lastMinute.ofAuthorHere], [true, 2]);
      clock.advance(60_000);
      const later = await under.reopen();
      const eighth = await standing(later.accept(by(1, 8)));
      assert.deepEqual([eighth.standing.toldLately, eighth.standing.lastMinute.ofAuthorHere], [false, 1]);
      await later.accept({ ...by(1, 9), fetched: true });
      const tenth = await standing(later.accept(by(1, 10)));
      assert.deepEqual([tenth.standing.lastMinute.ofAuthorHere, tenth.standing.waitingHere], [2, 6]);
    },
  );

  mailReplays(name, open);
  mailSchedules(name, open);
}

/** The conversation of these tests among those with mail, its times from the start of the test's clock. */
async function pendingIn(mail: Mail): Promise<PendingConversation | undefined> {
  const [found] = await mail.conversationsWithMail();
  return (
    found && { ...found, unnoticedSince: found.unnoticedSince && found.unnoticedSince - testClock().now() }
  );
}

async function sendAll(mail: Mail): Promise<OutboxRow[]> {
  const rows: OutboxRow[] = [];
  for (let row = await mail.takeOutbox(room, Infinity); row; row = await mail.takeOutbox(room, Infinity)) {
    rows.push(row);
    await mail.settleOutbox(row, { kind: 'sent', campfireId: row.id });
  }
  return rows;
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
