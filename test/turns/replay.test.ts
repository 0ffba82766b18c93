import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Mailbox, Replay } from '../../src/mail/mail.ts';
import { type ReplayRequest, replayFor } from '../../src/turns/replay.ts';
import { setTurns, settle, type Turns } from '../support/turns.ts';

const parts = ({ mail, events }: Turns) => ({
  ...{ mail, botIds: () => ['helper'], emit: (event: Turns['events'][number]) => void events.push(event) },
  onReplayed() {},
});

test('a message that failed gets one new turn and one new answer, whose mark is another one', async (t) => {
  const turns = setTurns(t);
  await turns.say('a question', { messageId: 81 });
  turns.agents[0]?.comeUp();
  turns.agents[0]?.finish({ kind: 'api-error', status: 500, code: 'x', cause: 'it burns', spent: null });
  await settle();
  const failed = await turns.mail.takeOutbox({ botId: 'helper', roomId: 5 }, Number.POSITIVE_INFINITY);
  assert.ok(failed);
  assert.match(failed.body, /class="m81-0 /);
  await turns.mail.settleOutbox(failed, { kind: 'sent', campfireId: 100 });
  const request: ReplayRequest = { of: { messageId: 81, botId: null }, force: false };
  assert.deepEqual(await replayFor(request, parts(turns)), [
    {
      ...{ session: '5:helper', messages: [81], author: 'Ann', was: 'failed', cause: 'it burns', ahead: 0 },
    },
  ]);
  await assert.rejects(replayFor(request, parts(turns)), { code: 'replay_unfinished' });
  turns.restart();
  await settle();
  const agent = turns.agents.at(-1);
  agent?.comeUp();
  agent?.finish();
  await settle();
  const answer = await turns.mail.takeOutbox({ botId: 'helper', roomId: 5 }, Number.POSITIVE_INFINITY);
  assert.match(answer?.body ?? '', /class="m81r1-0 /, 'a restart must not take the old post for the new one');
  assert.equal(turns.events.filter(({ type }) => type === 'message.replayed').length, 1);
  assert.equal((await turns.mail.counts()).withoutOutcome, 0);
});

const answered = { kind: 'finished', was: { kind: 'answered' } } as const;

/** A message that several bots had: what the mailbox says of each. */
function ofSeveral(said: Record<string, Replay['kind']>) {
  const forced: string[] = [];
  const told: string[] = [];
  const mail: Pick<Mailbox, 'replay'> = {
    async replay(of, force) {
      const botId = 'botId' in of ? of.botId : '';
      const kind = said[botId] ?? 'unknown';
      if (kind === 'replayed' || (kind === 'finished' && force)) {
        if (force) forced.push(botId);
        const message = { id: 1, messageId: 9, authorId: 1, content: '{}', receivedAt: 0, replays: 1 };
        const was = { kind: 'failed', cause: 'x' } as const;
        return { kind: 'replayed', conversation: { botId, roomId: 5 }, messages: [message], was, ahead: 2 };
      }
      return kind === 'finished' ? answered : { kind: kind === 'unfinished' ? kind : 'unknown' };
    },
  };
  const ask = (force = false, botId: string | null = null) =>
    replayFor(
      { of: { messageId: 9, botId }, force },
      { mail, botIds: () => Object.keys(said), emit: () => {}, onReplayed: ({ botId: id }) => told.push(id) },
    );
  return { ask, forced, told };
}

test('of a message to several bots only what ended badly is replayed, unless one is named', async () => {
  const some = ofSeveral({ ann: 'replayed', ben: 'finished', cleo: 'replayed' });
  assert.deepEqual(
    (await some.ask(true)).map(({ session }) => session),
    ['5:ann', '5:cleo'],
  );
  assert.deepEqual([some.forced, some.told], [[], ['ann', 'cleo']]);
  const none = ofSeveral({ ann: 'finished', ben: 'finished', cleo: 'unknown' });
  await assert.rejects(none.ask(), { code: 'replay_finished' });
  await assert.rejects(none.ask(true), { code: 'replay_ambiguous', message: /ann, ben/ });
  assert.equal((await none.ask(true, 'ben'))[0]?.session, '5:ben');
  const one = ofSeveral({ ann: 'finished', ben: 'unknown' });
  assert.equal((await one.ask(true))[0]?.session, '5:ann');
});

test('what cannot be replayed is told with its remedy', async () => {
  await assert.rejects(ofSeveral({ ann: 'unfinished' }).ask(true), { code: 'replay_unfinished' });
  await assert.rejects(ofSeveral({ ann: 'unknown' }).ask(true), { code: 'replay_unknown', remedy: /log/ });
});
