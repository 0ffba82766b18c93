import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CampfireClient } from '../../src/campfire/client.ts';
import { helper, setTurns, settle } from '../support/turns.ts';

const noticeId = 501;

test('what shows a turn’s steps leaves the room after a slow stop, even where mail does not know it any more', async (t) => {
  const deleted: number[] = [];
  const client: Partial<CampfireClient> = {
    edit: async () => ({ kind: 'done' }),
    async delete(_key, _roomId, id) {
      deleted.push(id);
      return { kind: 'done' };
    },
  };
  const turns = setTurns(t, helper, {
    campfire: { client, faces: { find: async () => 'full', known: () => null, report: () => {} } },
  });
  const { mail } = turns;
  const noticeOf = mail.noticeOf.bind(mail);
  // As Redis has it: what is settled is one packed record.
  mail.noticeOf = async (turn) => {
    const isOpen = (await mail.situation({ botId: helper.id, roomId: 5 })).turn?.id === turn.id;
    return isOpen ? noticeOf(turn) : { kind: 'fixed' };
  };
  await turns.say('a long question');
  const [agent] = turns.agents;
  assert.ok(agent);
  agent.comeUp();
  await settle();
  turns.clock.advance(4_000);
  await settle();
  assert.deepEqual(await turns.sent(5, noticeId), ['Working on it …']);
  turns.clock.advance(250);
  await settle();
  agent.deaf = true;
  const stopped = turns.say('stop');
  await settle();
  turns.clock.advance(600);
  await stopped;
  assert.match((await turns.sent()).join(), /^Stopped my work/);
  assert.deepEqual(deleted, []);
  agent.die('SIGKILL');
  await settle();
  assert.deepEqual(deleted, [noticeId]);
});
