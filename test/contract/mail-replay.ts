import assert from 'node:assert/strict';
import type { IncomingMail, Mail, Replay } from '../../src/mail/mail.ts';
import type { TestClock } from '../support/clock.ts';
import type { MailUnderTest } from './mail-schedules.ts';
import { suiteOver } from './suite.ts';

const room = { botId: 'helper', roomId: 7 };
const failed = { kind: 'failed' as const, cause: 'for a test' };
const from = (messageId: number | null): IncomingMail => ({
  ...{ ...room, messageId, authorId: 100 + (messageId ?? 0), content: `message ${messageId}` },
});

/** What a person may have again after its outcome; part of the mail contract. */
export function mailReplays(name: string, open: (clock: TestClock) => Promise<MailUnderTest>): void {
  const withMail = suiteOver(name, open);

  withMail('a failed turn is replayed once, behind what waits, with the ids it had', async (under, clock) => {
    const { mail } = under;
    const turn = await end(mail, 1, failed, 'sorry');
    for (const id of [2, 3]) await mail.accept(from(id));
    clock.advance(3_600_000);
    const replayed = must(await mail.replay({ turnId: turn }, false));
    assert.deepEqual([replayed.conversation, replayed.was, replayed.ahead], [room, failed, 2]);
    assert.equal((await mail.replay({ turnId: turn }, true)).kind, 'unknown', 'it is over nothing any more');
    assert.equal((await mail.replay({ ...room, messageId: 1 }, true)).kind, 'unfinished');
    assert.equal((await mail.accept(from(1))).kind, 'duplicate', 'a repeated webhook is still one');
    await mail.accept(from(4));
    const reopened = await under.reopen();
    const { waiting } = await reopened.situation(room);
    assert.deepEqual(
      waiting.map(({ messageId, replays }) => [messageId, replays]),
      [[2, 0], [3, 0], [1, 1], [4, 0]], // biome-ignore format: a table
    );
    assert.equal(waiting[2]?.receivedAt, clock.now(), 'it waits from now on');
    assert.equal((await reopened.counts()).withoutOutcome, 4);
  });

  withMail('a message names its turn, and another bot has its own', async ({ mail }) => {
    await end(mail, 1, failed);
    await mail.accept({ ...from(1), botId: 'other' });
    assert.equal((await mail.replay({ botId: 'other', messageId: 1 }, true)).kind, 'unfinished');
    assert.equal((await mail.replay({ botId: 'third', messageId: 1 }, true)).kind, 'unknown');
    const { messages } = must(await mail.replay({ botId: 'helper', messageId: 1 }, false));
    assert.deepEqual([messages.length, messages[0].messageId, messages[0].content], [1, 1, 'message 1']);
  });

  withMail(
    'what ended well is replayed only by force, and what has not ended not at all',
    async ({ mail }) => {
      const answered = { kind: 'answered' as const };
      const turn = await end(mail, 1, answered, 'fine');
      assert.deepEqual(await mail.replay({ turnId: turn }, false), { kind: 'finished', was: answered });
      assert.equal((await mail.replay({ turnId: turn }, true)).kind, 'replayed');
      const running = await mail.begin(room);
      assert.ok(running);
      assert.equal((await mail.replay({ turnId: running.id }, true)).kind, 'unfinished');
      await mail.decide(running, failed, [{ kind: 'post', body: 'not there yet' }]);
      assert.equal((await mail.replay({ turnId: running.id }, true)).kind, 'unfinished');
      assert.equal((await mail.replay({ turnId: 4711 }, true)).kind, 'unknown');
    },
  );

  withMail('an answer that could not be delivered needs no force', async ({ mail }) => {
    await mail.accept(from(null));
    const turn = await mail.begin(room);
    assert.ok(turn);
    await mail.decide(turn, { kind: 'answered' }, [{ kind: 'post', body: 'lost' }]);
    const row = await mail.takeOutbox(room, Number.POSITIVE_INFINITY);
    assert.ok(row);
    await mail.settleOutbox(row, { kind: 'undeliverable', problem: 'no member' });
    const { was, ahead } = must(await mail.replay({ turnId: turn.id }, false));
    assert.deepEqual([was.kind, ahead], ['answered', 0]);
    const again = await mail.begin(room);
    assert.deepEqual([again?.attempt, again?.previousPromptUuid], [1, null], 'a turn of its own');
  });

  withMail('a control word is no question', async ({ mail }) => {
    await mail.accept(from(1));
    await mail.accept({ ...from(2), atOnce: true });
    const { waiting, atOnce } = await mail.situation(room);
    const settlement = { messages: [...waiting, ...atOnce], stopTurn: null, outcome: failed, drafts: [] };
    assert.equal(await mail.settle(room, settlement), true);
    assert.equal((await mail.replay({ ...room, messageId: 2 }, true)).kind, 'unknown');
    const { messages } = must(await mail.replay({ ...room, messageId: 1 }, false));
    assert.deepEqual(
      messages.map(({ messageId }) => messageId),
      [1],
    );
  });

  withMail('it may have a notice again, and counts against nobody', async ({ mail }) => {
    await mail.accept(from(1));
    const { waiting } = await mail.situation(room);
    await mail.notice(room, waiting, { ordinal: 900, body: 'waits' });
    const turn = await mail.begin(room);
    assert.ok(turn);
    await mail.decide(turn, failed, []);
    assert.equal(
      (await mail.replay({ turnId: turn.id }, true)).kind,
      'replayed',
      'its notice is not out yet',
    );
    const row = await mail.takeOutbox(room, Number.POSITIVE_INFINITY);
    assert.equal(row?.messages[0].messageId, 1, 'and still knows whom it is about');
    const mine = await mail.accept({ ...from(5), authorId: 101 });
    assert.equal(mine.kind === 'accepted' && mine.standing.lastMinute.ofAuthorHere, 1);
  });
}

/** Accepts a message and ends its turn; gives the turn's id. */
async function end(
  mail: Mail,
  messageId: number,
  outcome: { kind: 'answered' } | typeof failed,
  body?: string,
): Promise<number> {
  await mail.accept(from(messageId));
  const turn = await mail.begin(room);
  assert.ok(turn);
  await mail.decide(turn, outcome, body === undefined ? [] : [{ kind: 'post', body }]);
  const row = await mail.takeOutbox(room, Number.POSITIVE_INFINITY);
  if (row) await mail.settleOutbox(row, { kind: 'sent', campfireId: 1 });
  return turn.id;
}

function must(replay: Replay): Extract<Replay, { kind: 'replayed' }> {
  return replay.kind === 'replayed' ? replay : assert.fail(replay.kind);
}
