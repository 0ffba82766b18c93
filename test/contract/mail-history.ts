import assert from 'node:assert/strict';
import type { MailHistory } from '../../src/mail/history.ts';
import type { Conversation, Mail } from '../../src/mail/mail.ts';
import type { Mark, Marks } from '../../src/mail/marks.ts';
import type { TestClock } from '../support/clock.ts';
import { suiteOver } from './suite.ts';

/** One driver's mail, and what is kept beside it. */
export interface HistoryUnderTest {
  mail: Mail;
  history: MailHistory;
  marks: Marks;
  close(): Promise<void>;
}

const room: Conversation = { botId: 'helper', roomId: 7 };
const other: Conversation = { botId: 'helper', roomId: 1 };
const nothing = { waiting: 0, running: 0, withoutOutcome: 0, undelivered: 0 };
const dayMs = 86_400_000;

/** The promises of history and marks; every driver passes this suite. */
export function historyContract(name: string, open: (clock: TestClock) => Promise<HistoryUnderTest>): void {
  const withHistory = suiteOver(name, open);

  withHistory('rooms are known by their last name, those seen last first', async ({ history }, clock) => {
    await history.see({ ...room, name: 'HQ' });
    clock.advance(1000);
    await history.see({ ...other, name: null });
    await history.see({ botId: 'another', roomId: 9, name: 'Elsewhere' });
    assert.deepEqual(await history.rooms('helper', 10), [
      { ...other, name: null },
      { ...room, name: 'HQ' },
    ]);
    clock.advance(1000);
    await history.see({ ...room, name: 'Headquarters' });
    assert.deepEqual(await history.rooms('helper', 1), [{ ...room, name: 'Headquarters' }]);
    clock.advance(dayMs);
    await history.see({ ...other, name: null });
    assert.deepEqual(
      (await history.rooms('helper', 10)).map(({ roomId }) => roomId),
      [1, 7],
      'seen again after a day',
    );
  });

  withHistory('what is known is the newest before a time, and the oldest', async (under, clock) => {
    const { mail, history } = under;
    assert.deepEqual(await history.known(room, clock.now()), { newestBefore: null, oldest: null });
    const startedAt = clock.now();
    await mail.accept(said(20));
    clock.advance(1000);
    await mail.accept(said(22));
    await mail.accept(said(21));
    await mail.accept({ ...said(5), ...other });
    await mail.accept({ ...said(0), messageId: null });
    clock.advance(1000);
    await mail.accept(said(19));
    assert.deepEqual(await history.known(room, startedAt), { newestBefore: null, oldest: 19 });
    assert.deepEqual(await history.known(room, startedAt + 1), { newestBefore: 20, oldest: 19 });
    assert.deepEqual(await history.known(room, clock.now()), { newestBefore: 22, oldest: 19 });
    await answer(mail, room);
    assert.equal((await history.known(room, clock.now() + 1)).newestBefore, 22, 'answered or not');
  });

  withHistory(
    'what is settled is pruned after its time in steps, and is known until then',
    async (under, clock) => {
      const { mail, history } = under;
      for (const messageId of [1, 2, 3]) {
        await mail.accept(said(messageId));
        await answer(mail, room, 'sent');
        clock.advance(dayMs);
      }
      await mail.accept(said(4));
      const before = clock.now() - dayMs;
      assert.equal(await history.prune(before, 1), 1);
      assert.equal(await history.prune(before, 10), 1, 'the third was not settled before that');
      assert.equal((await mail.accept(said(3))).kind, 'duplicate');
      assert.equal((await mail.accept(said(2))).kind, 'accepted', 'nothing is left of it');
      assert.equal((await mail.counts()).waiting, 2);
      assert.equal(await history.prune(clock.now() + 1, 10), 1, 'what waits stays');
    },
  );

  withHistory('only a quiet conversation is forgotten, and as a whole', async ({ mail, history }, clock) => {
    for (const conversation of [room, other]) {
      await history.see({ ...conversation, name: null });
      await mail.accept({ ...said(conversation.roomId), ...conversation });
      assert.equal(await history.isQuiet(conversation), false, 'somebody waits');
      await answer(mail, conversation);
      assert.equal(await history.isQuiet(conversation), false, 'something has to be sent');
      assert.equal(await history.forget(conversation), false);
      await sendAll(mail, conversation);
      assert.equal(await history.isQuiet(conversation), true);
    }
    assert.equal(await history.forget(room), true);
    assert.deepEqual(await history.rooms('helper', 9), [{ ...other, name: null }]);
    assert.deepEqual(await history.known(room, clock.now() + 1), { newestBefore: null, oldest: null });
    assert.equal((await mail.accept(said(room.roomId))).kind, 'accepted', 'as if it had never been');
    assert.equal((await mail.accept({ ...said(other.roomId), ...other })).kind, 'duplicate');
    assert.equal(await history.prune(clock.now() + 1, 10), 1, 'the other one’s turn');
  });

  withHistory(
    'whatever is unfinished goes as well where nobody can finish it',
    async ({ mail, history }, clock) => {
      await mail.accept(said(1));
      await answer(mail, room);
      for (const messageId of [2, 3, 4]) await mail.accept(said(messageId));
      await mail.accept({ ...said(5), atOnce: true });
      const turn = await mail.begin(room);
      const { waiting } = await mail.situation(room);
      await mail.notice(room, waiting, { ordinal: 900, body: 'waits' });
      await mail.accept({ ...said(6), ...other });
      assert.ok(turn);
      assert.equal(await history.forget(room, { evenUnfinished: true }), true);
      assert.deepEqual(await mail.counts(), { ...nothing, waiting: 1, withoutOutcome: 1 });
      assert.deepEqual(
        (await mail.conversationsWithMail()).map(({ roomId }) => roomId),
        [other.roomId],
      );
      assert.deepEqual(await mail.conversationsWithOutbox(10), []);
      await assert.rejects(mail.decide(turn, { kind: 'answered' }, []), /already decided/);
      assert.equal(await history.forget(other), false);
      await answer(mail, other);
      await sendAll(mail, other);
      assert.equal(await history.prune(clock.now() + 1, 10), 1);
    },
  );

  withHistory(
    'a mark is over when nothing of its message’s outcome is left to send',
    async (under, clock) => {
      const { mail, history, marks } = under;
      const accepted = await mail.accept(said(1));
      assert.ok(accepted.kind === 'accepted');
      const mark: Mark = {
        message: accepted.message.id,
        ...room,
        messageId: 1,
        markId: 41,
        setAt: clock.now(),
      };
      await marks.put(mark);
      assert.deepEqual(await marks.over(), []);
      await answer(mail, room);
      assert.deepEqual(await marks.over(), [], 'the answer is not in the room yet');
      await sendAll(mail, room);
      assert.deepEqual(await marks.over(), [mark]);
      clock.advance(60_000);
      assert.deepEqual(await marks.over(), [mark], 'until somebody has taken it away');
      await marks.drop(mark);
      clock.advance(60_000);
      assert.deepEqual(await marks.over(), []);
      const late = { ...mark, markId: 42 };
      await marks.put(late);
      assert.deepEqual(await marks.over(), [late], 'set after the answer was sent');
      await marks.drop(late);
      await mail.accept(said(2));
      const [second] = (await mail.situation(room)).waiting;
      assert.ok(second);
      await marks.put({ ...mark, message: second.id });
      await history.forget(room, { evenUnfinished: true });
      assert.equal((await marks.over()).length, 1, 'a message that is not on record');
    },
  );
}

function said(messageId: number) {
  return { ...room, messageId, authorId: 100 + messageId, content: `message ${messageId}` };
}

/** Ends all that waits in a conversation with one row each, which is sent if told so. */
async function answer(mail: Mail, conversation: Conversation, how?: 'sent'): Promise<void> {
  for (let turn = await mail.begin(conversation); turn; turn = await mail.begin(conversation))
    await mail.decide(turn, { kind: 'answered' }, [{ kind: 'post', body: 'b' }]);
  if (how === 'sent') await sendAll(mail, conversation);
}

async function sendAll(mail: Mail, conversation: Conversation): Promise<void> {
  for (;;) {
    const row = await mail.takeOutbox(conversation, Number.POSITIVE_INFINITY);
    if (!row) return;
    await mail.settleOutbox(row, { kind: 'sent', campfireId: 1 });
  }
}
