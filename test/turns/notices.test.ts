import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decideNotice } from '../../src/turns/notices.ts';
import { setTurns, settle } from '../support/turns.ts';

test('who waits behind another question hears it once, with the position, before the answer', async (t) => {
  const turns = setTurns(t);
  await turns.say('a long question');
  turns.agents[0]?.comeUp();
  turns.agents[0]?.report({ kind: 'tool', name: 'Bash', target: null });
  await turns.say('of Ben', { authorId: 2 });
  turns.clock.advance(10_000);
  await turns.say('of Cleo', { authorId: 3 });
  await settle();
  assert.deepEqual(await turns.sent(), [], 'not yet');
  turns.clock.advance(6_000);
  await settle();
  turns.clock.advance(10_000);
  await settle();
  turns.clock.advance(600_000);
  await settle();
  const busy = 'I am still busy with a question of Ann';
  assert.deepEqual(await turns.sent(), [
    `Ben: ${busy}. You are number 1 in line.`,
    `Cleo: ${busy}. You are number 2 in line.`,
  ]);
  for (let n = 0; n < 3; n++) {
    turns.agents[0]?.finish();
    await settle();
  }
  assert.deepEqual(await turns.sent(), ['done', 'done', 'done']);
});

test('who waits for memory hears that, also after a restart, and once', async (t) => {
  const turns = setTurns(t);
  turns.memory.availableBytes = 0;
  await turns.say('a question');
  turns.restart();
  await settle();
  turns.clock.advance(16_000);
  await settle();
  turns.restart();
  turns.clock.advance(60_000);
  await settle();
  assert.deepEqual(await turns.sent(), ['Ann: I have to wait for memory. You are number 1 in line.']);
});

test('the reason is the nearest one', () => {
  const message = {
    id: 1,
    messageId: 1,
    authorId: 1,
    content: '',
    receivedAt: 0,
    replays: 0,
    noticed: false,
  };
  const situation = { turn: null, waiting: [message], atOnce: [] };
  const reason = (busy: boolean, poolReason: string | null) =>
    decideNotice({ situation, busy, poolReason, now: 15_000 })?.reason;
  assert.deepEqual(
    [reason(true, null), reason(false, 'memory'), reason(false, 'max-sessions'), reason(false, 'starts')],
    ['busy', 'memory', 'memory', 'starting'],
  );
  assert.equal(reason(false, null), 'other');
  assert.equal(decideNotice({ situation, busy: true, poolReason: null, now: 14_999 }), null);
});
